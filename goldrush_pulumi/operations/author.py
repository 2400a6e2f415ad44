"""Who runs this: the CI job and its commit where the environment tells them, else the user of the operating system.

What is found is kept in state and shown to everybody who reads it, so it is made harmless here: short texts on one
line, URLs without user info, query and fragment, and nothing that looks like a credential.

The user who is logged in to Pulumi is not among it: the engine tells no plugin, and the file of the CLI that names the
user also holds access tokens, which nobody here has any business to open.
"""

from __future__ import annotations

import getpass
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

from goldrush_pulumi.schema.credentials import looks_like_token
from goldrush_pulumi.schema.urls import carries_credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LONGEST: Final = 200

_COMMIT: Final = re.compile(r"[0-9a-fA-F]{7,64}")

_NO_DETECTION: Final = "PULUMI_DISABLE_CI_DETECTION"
"""The variable by which the Pulumi CLI is told to take no environment for CI."""


@dataclass(frozen=True)
class _System:
    """The variables of one CI system. The first of several that is set counts.

    `marker` is set in each of its jobs. A `job` in braces is a URL made of variables.
    """

    name: str
    marker: str
    job: tuple[str, ...]
    commit: tuple[str, ...] = ()
    user: tuple[str, ...] = ()


# Source: the documentation of each system; the Pulumi CLI reads the same variables for its own history of updates.
_SYSTEMS: Final = (
    _System("", "PULUMI_CI_SYSTEM", ("PULUMI_CI_BUILD_URL", "PULUMI_CI_BUILD_ID"), ("PULUMI_CI_PULL_REQUEST_SHA",)),
    _System(
        "GitHub Actions",
        "GITHUB_ACTIONS",
        ("{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}", "GITHUB_RUN_ID"),
        ("GITHUB_SHA",),
        ("GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"),
    ),
    _System("GitLab CI", "GITLAB_CI", ("CI_JOB_URL", "CI_JOB_ID"), ("CI_COMMIT_SHA",), ("GITLAB_USER_LOGIN",)),
    _System("Azure Pipelines", "TF_BUILD", ("BUILD_BUILDID",), ("BUILD_SOURCEVERSION",), ("BUILD_REQUESTEDFOR",)),
    _System("Bitbucket Pipelines", "BITBUCKET_BUILD_NUMBER", ("BITBUCKET_BUILD_NUMBER",), ("BITBUCKET_COMMIT",)),
    _System("Buildkite", "BUILDKITE", ("BUILDKITE_BUILD_URL",), ("BUILDKITE_COMMIT",), ("BUILDKITE_BUILD_CREATOR",)),
    _System("CircleCI", "CIRCLECI", ("CIRCLE_BUILD_URL",), ("CIRCLE_SHA1",), ("CIRCLE_USERNAME",)),
    _System("Jenkins", "JENKINS_URL", ("BUILD_URL",), ("GIT_COMMIT",), ("BUILD_USER_ID",)),
    _System("CI", "CI", ("BUILD_URL", "BUILD_ID"), ("COMMIT_SHA", "GIT_COMMIT")),
)


@dataclass(frozen=True)
class Author:
    """Who runs a command; what is not known is empty. In CI, `user` is who started the job, as the CI system says."""

    user: str = ""
    ci: str = ""
    job: str = ""
    commit: str = ""

    def as_record(self, redact: Callable[[str], str] = str) -> dict[str, str]:
        """Return what is known, as records of runs keep it, without any known secret."""
        return {name: redact(value) for name, value in vars(self).items() if value}


def find_author(environment: Mapping[str, str], user: Callable[[], str] = getpass.getuser) -> Author:
    """Return who runs this process. `user` returns the user of the operating system, or raises."""
    system = None if environment.get(_NO_DETECTION) else _find_system(environment)
    if system is None:
        return Author(user=_plain(_user_of_system(user)))
    return Author(
        user=_first(environment, system.user, _plain),
        ci=system.name or _plain(environment[system.marker]),
        job=_first(environment, system.job, _job),
        commit=_first(environment, system.commit, lambda text: text.lower() if _COMMIT.fullmatch(text) else ""),
    )


def _find_system(environment: Mapping[str, str]) -> _System | None:
    # People set CI=false to say that it is none.
    off = {"", "0", "false", "no"}
    return next((row for row in _SYSTEMS if environment.get(row.marker, "").lower() not in off), None)


def _user_of_system(user: Callable[[], str]) -> str:
    try:
        return user()
    except (OSError, KeyError, ImportError):
        # A container may run under a number that has no name.
        return ""


def _first(environment: Mapping[str, str], names: tuple[str, ...], clean: Callable[[str], str]) -> str:
    """Return the first value that is set and can be shown."""
    return next((value for value in (clean(_value(environment, name)) for name in names) if value), "")


def _value(environment: Mapping[str, str], name: str) -> str:
    if "{" not in name:
        return environment.get(name, "").strip()
    parts = re.findall(r"\{(\w+)\}", name)
    return name.format_map(environment) if all(environment.get(part) for part in parts) else ""


def _job(text: str) -> str:
    """Return a URL without whatever may be secret in it, or an id."""
    if "://" not in text:
        return _plain(text)
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    url = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    # An `@` behind the host may end a password with a slash in it.
    is_plain = parts.scheme in {"http", "https"} and "@" not in url and not carries_credentials(url)
    return _shortened(url) if is_plain else ""


def _plain(text: str) -> str:
    """Return a name or an id on one short line; "" for what looks like a credential."""
    return "" if looks_like_token(text) or carries_credentials(text) else _shortened(text)


def _shortened(text: str) -> str:
    line = "".join(character if character.isprintable() else " " for character in text).strip()
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"

"""The settings: where the ServiceKey, the endpoint and the policies come from, one row for each.

As usual in Pulumi, the arguments of an explicit provider come first, then the stack's config, then the environment. The
first two reach the provider process as one set of `goldrush:*` values.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

NAMESPACE: Final = "goldrush"
"""The namespace of the settings in a stack's config."""

KEY_VARIABLE: Final = "GOLDRUSH_SERVICE_KEY"
BASE_URL_VARIABLE: Final = "GOLDRUSH_BASE_URL"

Kind = Literal["string", "number", "integer", "boolean"]


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes:
        name: Its name in a stack's config, after `goldrush:`.
        description: What it is for, one sentence for people.
        kind: Shape of the value; config stores it as a string.
        default: The value where nothing is set, None for the key (required) and the endpoint (the public one).
        least: Least number.
        greatest: Greatest number.
        choices: The strings that are allowed; empty means any.
        variable: The environment variable that is read where config has no value.
        is_secret: Whether the value must be encrypted.
        is_for_account: Whether it belongs to an account, so that an explicit `Provider` takes it too.
    """

    name: str
    description: str
    kind: Kind = "string"
    default: str | float | bool | None = None
    least: float = 0.0
    greatest: float = 600.0
    choices: tuple[str, ...] = ()
    variable: str = ""
    is_secret: bool = False
    is_for_account: bool = True

    @property
    def key(self) -> str:
        """The full config key, such as "goldrush:baseUrl"."""
        return f"{NAMESPACE}:{self.name}"

    @property
    def attribute(self) -> str:
        """The name in Python, such as "base_url"."""
        return re.sub(r"[A-Z]", lambda capital: f"_{capital.group().lower()}", self.name)


_ROWS: Final = (
    Setting("serviceKey", "ServiceKey of the account; keep it encrypted.", variable=KEY_VARIABLE, is_secret=True),
    Setting("baseUrl", "URL of the API, when it is not GoldRush's own.", variable=BASE_URL_VARIABLE),
    Setting(
        "ownershipMark",
        "Whether new pipelines carry the ownership tag of their stack.",
        "boolean",
        default=True,
        is_for_account=False,
    ),
    Setting(
        "requestsPerSecond",
        "Most requests to the account per second, of all pipelines together.",
        "number",
        default=20.0,
        least=0.1,
        greatest=1000.0,
    ),
    Setting(
        "failedGraceSeconds", "How long FAILED must last before it ends a wait, in seconds.", "number", default=20.0
    ),
    Setting(
        "stabilizationSeconds",
        "How long RUNNING must last after a change that did not move `start_time`, in seconds.",
        "number",
        default=5.0,
    ),
    Setting(
        "retrySeconds",
        "How long a request is repeated while GoldRush cannot be reached or fails, in seconds.",
        "number",
        default=60.0,
    ),
    Setting(
        "recoverySeconds",
        "How long to look for a pipeline after a create without a response, in seconds.",
        "number",
        default=30.0,
    ),
    Setting(
        "parallel",
        "How many pipelines may be worked on at the same time.",
        "integer",
        default=256,
        least=1,
        greatest=1024,
    ),
    Setting(
        "onExisting",
        "What to do when another pipeline of the same project and name exists.",
        default="fail",
        choices=("fail", "create"),
    ),
    Setting(
        "adoptForeign",
        "Whether a pipeline with another stack's ownership tag may be adopted, changed and deleted.",
        "boolean",
        default=False,
    ),
)

SETTINGS: Final[Mapping[str, Setting]] = MappingProxyType({row.attribute: row for row in _ROWS})
"""Every setting by its name in Python."""

SETTING_NAMES: Final = tuple(row.name for row in _ROWS)
"""The names of all settings, without their namespace."""


class SettingsError(Exception):
    """A setting is missing, unknown or wrong; the text has one line for each problem, with what would be right."""


@dataclass(frozen=True)
class Settings:
    """The settings of a provider process or of a command; see `SETTINGS` for what each means.

    `key_source` says in messages where the ServiceKey came from. `base_url` ends in a slash.
    """

    service_key: str = field(repr=False)
    key_source: str
    base_url: str
    requests_per_second: float = 20.0
    failed_grace_seconds: float = 20.0
    stabilization_seconds: float = 5.0
    retry_seconds: float = 60.0
    recovery_seconds: float = 30.0
    parallel: int = 256
    on_existing: str = "fail"
    adopt_foreign: bool = False


def load_settings(
    config: Callable[[str], str | None], environment: Mapping[str, str], keys: Iterable[str] = (), project: str = ""
) -> Settings:
    """Read the settings from config values and the environment.

    Args:
        config: Returns the value of a full key such as "goldrush:baseUrl", or None.
        environment: The environment variables.
        keys: All keys that config has, so that unknown settings are found.
        project: Name of the project that the config belongs to.

    Raises:
        SettingsError: the key is missing, a setting is unknown, or a value is wrong; all problems at once.
    """
    problems = unknown_settings(keys, project)
    service_key, key_source = _first(config, environment, SETTINGS["service_key"])
    if not service_key:
        problems.append(
            "goldrush:serviceKey: no ServiceKey is set; run `pulumi config set --secret goldrush:serviceKey`"
            f" or set {KEY_VARIABLE}"
        )
    read = _Reader(config, problems)
    settings = Settings(
        service_key=service_key,
        key_source=key_source,
        base_url=_base_url(config, environment),
        requests_per_second=read.number("requests_per_second"),
        failed_grace_seconds=read.number("failed_grace_seconds"),
        stabilization_seconds=read.number("stabilization_seconds"),
        retry_seconds=read.number("retry_seconds"),
        recovery_seconds=read.number("recovery_seconds"),
        parallel=int(read.number("parallel")),
        on_existing=read.choice("on_existing"),
        adopt_foreign=read.choice("adopt_foreign") == "true",
    )
    # Front-ends read this one themselves, long before any verb.
    read.choice("ownership_mark")
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


def parallel_setting(config: Callable[[str], str | None]) -> int:
    """Return `goldrush:parallel`, or its default where it is wrong: it is needed before anything can be refused."""
    return int(_Reader(config, []).number("parallel"))


def unknown_settings(keys: Iterable[str], project: str = "") -> list[str]:
    """Return one line for each of these config keys that is in our namespace and is not a setting.

    A `project` that is called like the namespace has values of its own there, so nothing is unknown then.
    """
    if project == NAMESPACE:
        return []
    from goldrush_pulumi.validation.problems import suggest  # noqa: PLC0415 - hardly ever needed

    prefix, known = f"{NAMESPACE}:", [row.name for row in _ROWS]
    names = (key.removeprefix(prefix) for key in sorted(set(keys)) if key.startswith(prefix))
    problems = []
    for name in names:
        # A project that is itself called goldrush declares its pipelines under this key. The other name is an earlier
        # one of `stabilizationSeconds`, which the provider in a stack's state may still have.
        if name not in (*known, "pipelines", "destinations", "settleSeconds"):
            likely = suggest(name, known)
            advice = f"did you mean {prefix}{likely}?" if likely else f"use one of {', '.join(known)}"
            problems.append(f"{prefix}{name}: is not a setting, {advice}")
    return problems


def _first(config: Callable[[str], str | None], environment: Mapping[str, str], setting: Setting) -> tuple[str, str]:
    """Return the value that config or else the environment has, and where it came from."""
    value = (config(setting.key) or "").strip()
    if value:
        return value, f"config {setting.key}"
    return environment.get(setting.variable, "").strip(), f"environment variable {setting.variable}"


def _base_url(config: Callable[[str], str | None], environment: Mapping[str, str]) -> str:
    from goldrush_pulumi.api.urls import DEFAULT_BASE_URL  # noqa: PLC0415 - the API is loaded when it is needed

    url = _first(config, environment, SETTINGS["base_url"])[0] or DEFAULT_BASE_URL
    return url if url.endswith("/") else f"{url}/"


@dataclass(frozen=True)
class _Reader:
    """Reads values that config stores as strings; a wrong one is added to `problems` and replaced by the default."""

    config: Callable[[str], str | None]
    problems: list[str]

    def number(self, attribute: str) -> float:
        setting = SETTINGS[attribute]
        default, text = float(setting.default or 0.0), self.config(setting.key)
        if text is None:
            return default
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if setting.least <= number <= setting.greatest and (setting.kind != "integer" or number.is_integer()):
            return number
        noun = "a whole number" if setting.kind == "integer" else "a number"
        self.problems.append(
            f"{setting.key}: is not {noun} from {setting.least:g} to {setting.greatest:g}; the default is {default:g}"
        )
        return default

    def choice(self, attribute: str) -> str:
        setting = SETTINGS[attribute]
        choices = setting.choices or ("false", "true")
        default, text = str(setting.default).lower(), self.config(setting.key)
        if text is not None and setting.kind == "boolean":
            # Pulumi takes "True" for true as well.
            text = text.lower()
        if text is None or text in choices:
            return text or default
        self.problems.append(f"{setting.key}: must be one of {', '.join(choices)}; the default is {default}")
        return default

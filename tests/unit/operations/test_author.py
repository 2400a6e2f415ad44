from __future__ import annotations

from typing import NoReturn

import pytest

from goldrush_pulumi.operations.author import Author, find_author

SHA = "0123456789abcdef0123456789abcdef01234567"
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/pipelines",
    "GITHUB_RUN_ID": "4711",
    "GITHUB_SHA": SHA,
    "GITHUB_ACTOR": "octocat",
    "CI": "true",
}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_JOB_URL": "https://gitlab.example.com/acme/pipelines/-/jobs/4711",
    "CI_JOB_ID": "4711",
    "CI_COMMIT_SHA": SHA,
    "GITLAB_USER_LOGIN": "alice",
    "CI": "true",
}


def found(**environment: str) -> Author:
    """Who is found where the user of the operating system is `somebody`."""
    return find_author(environment, lambda: "somebody")


def test_a_job_of_github_actions() -> None:
    """The job's URL is put together, and who ran it again counts before who ran it first."""
    job = "https://github.com/acme/pipelines/actions/runs/4711"
    assert found(**GITHUB) == Author("octocat", "GitHub Actions", job, SHA)
    assert found(**GITHUB, GITHUB_TRIGGERING_ACTOR="hubot").user == "hubot"
    assert found(**{**GITHUB, "GITHUB_REPOSITORY": ""}).job == "4711"


def test_a_job_of_gitlab() -> None:
    """GitLab names the URL of the job itself."""
    assert found(**GITLAB) == Author("alice", "GitLab CI", GITLAB["CI_JOB_URL"], SHA)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (
            {"TF_BUILD": "True", "BUILD_BUILDID": "7", "BUILD_SOURCEVERSION": SHA},
            Author("", "Azure Pipelines", "7", SHA),
        ),
        ({"BITBUCKET_BUILD_NUMBER": "7", "BITBUCKET_COMMIT": SHA}, Author("", "Bitbucket Pipelines", "7", SHA)),
        ({"BUILDKITE": "true", "BUILDKITE_COMMIT": "HEAD"}, Author("", "Buildkite")),
        ({"CIRCLECI": "true", "CIRCLE_USERNAME": "alice", "CI": "true"}, Author("alice", "CircleCI")),
        (
            {"JENKINS_URL": "https://ci/", "BUILD_URL": "https://ci/job/a/7/"},
            Author("", "Jenkins", "https://ci/job/a/7/"),
        ),
        ({"PULUMI_CI_SYSTEM": "mine", "PULUMI_CI_BUILD_ID": "7", **GITHUB}, Author("", "mine", "7")),
        ({"CI": "1", "COMMIT_SHA": SHA.upper()}, Author("", "CI", "", SHA)),
    ],
    ids=lambda value: value.ci if isinstance(value, Author) else "",
)
def test_jobs_of_other_systems(environment: dict[str, str], expected: Author) -> None:
    """What a system does not tell is left out; the user of the operating system is nobody's name there."""
    assert found(**environment) == expected


@pytest.mark.parametrize("environment", [{}, {"CI": "false"}, {**GITHUB, "PULUMI_DISABLE_CI_DETECTION": "1"}])
def test_without_ci_it_is_the_user_of_the_system(environment: dict[str, str]) -> None:
    """Outside CI, and where the Pulumi CLI is told to see none, a name of the operating system is all there is."""
    assert found(**environment) == Author("somebody")


def test_a_user_without_a_name() -> None:
    """A container may run under a number only: then nothing is recorded, and nothing fails."""

    def nobody() -> NoReturn:
        raise KeyError("getpwuid(): uid not found")

    assert find_author({}, nobody).as_record() == {}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://bot:planted-Passw0rd@ci.example.com/job/7", "https://ci.example.com/job/7"),
        ("https://glpat-plantedPassw0rd12@ci.example.com/job/7", "https://ci.example.com/job/7"),
        ("https://ci.example.com/job/7?token=planted-Passw0rd#planted-Passw0rd", "https://ci.example.com/job/7"),
        ("https://bot:planted/Passw0rd@ci.example.com/job/7", ""),
        ("https://ci.example.com/token/plantedPassw0rd1", ""),
        ("postgresql://bot:planted-Passw0rd@db/7", ""),
        ("https://[planted-Passw0rd", ""),
        ("ghp_plantedPassw0rdplantedPassw0rd", ""),
    ],
)
def test_urls_lose_what_may_be_secret(url: str, shown: str) -> None:
    """User info, query and fragment go; a URL that may still hold a credential goes as a whole."""
    assert found(**{**GITLAB, "CI_JOB_URL": url, "CI_JOB_ID": ""}).job == shown


def test_other_values_that_may_be_secret() -> None:
    """What looks like a token is no user and no commit, and known secrets are taken out of the rest."""
    author = found(**{**GITLAB, "GITLAB_USER_LOGIN": "glpat-plantedPassw0rd12", "CI_COMMIT_SHA": "planted-Passw0rd"})
    assert author == Author("", "GitLab CI", GITLAB["CI_JOB_URL"])
    redacted = author.as_record(lambda text: text.replace("acme", "[secret]"))
    assert redacted == {"ci": "GitLab CI", "job": "https://gitlab.example.com/[secret]/pipelines/-/jobs/4711"}


def test_values_stay_on_one_short_line() -> None:
    """Control characters and lengths without end do not reach the state."""
    author = found(**{**GITLAB, "GITLAB_USER_LOGIN": "al\x1b[31mice\nbob ", "CI_JOB_URL": "https://ci/" + "job/" * 99})
    assert author.user == "al [31mice bob"
    assert len(author.job) == 200
    assert author.job.endswith("…")

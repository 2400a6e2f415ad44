"""One recognizer of credentials, measured over planted ones and over ordinary values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from goldrush_pulumi.operations.redaction import Redactor, known_secrets
from goldrush_pulumi.schema.credentials import is_credential_header, is_credential_name
from goldrush_pulumi.schema.destinations import secret_paths
from goldrush_pulumi.schema.urls import carries_credentials, credentials_in
from goldrush_pulumi.validation.declarations import find_clear_credentials
from goldrush_pulumi.validation.values import without_placeholders

CORPUS: dict[str, list[Any]] = yaml.safe_load(
    (Path(__file__).parents[2] / "corpus" / "credentials.yaml").read_text("utf-8")
)
PLANTED = [tuple(item) for item in CORPUS["urls_with_credentials"]]


def webhook(**fields: Any) -> dict[str, Any]:
    return {"destination_config": {"type": "webhook", "url": "https://in.example.com/rows", **fields}}


def test_the_corpus_is_large() -> None:
    """There are at least 200 entries, about as many ordinary as planted, and none of both kinds."""
    assert sum(map(len, CORPUS.values())) >= 280
    assert len(PLANTED) >= 60
    assert len(CORPUS["ordinary_urls"]) >= 60
    assert not {url for url, _ in PLANTED} & {*CORPUS["ordinary_urls"]}


@pytest.mark.parametrize(("url", "credential"), PLANTED)
def test_planted_credentials_of_urls_are_found(url: str, credential: str) -> None:
    """The credential itself is found, the URL is kept as a secret, and a stack file with it in clear is warned of."""
    assert credential in list(credentials_in(url))
    assert secret_paths("webhook", {"url": url}) == [("url",)]
    (problem,) = find_clear_credentials("pipelines.a", webhook(url=url))
    assert problem.path == "pipelines.a.destination_config.url"
    assert "clear text" in problem.message
    assert credential not in str(problem) or len(credential) == 1


@pytest.mark.parametrize(("url", "credential"), [pair for pair in PLANTED if len(pair[1]) > 3])
def test_planted_credentials_of_urls_are_redacted(url: str, credential: str) -> None:
    """A log line that holds the credential alone does not show it."""
    redact = Redactor(known_secrets({"destination_type": "webhook", **webhook(url=url)}))

    assert credential not in redact(f"request refused: {credential}")


@pytest.mark.parametrize("url", CORPUS["ordinary_urls"])
def test_ordinary_urls_are_not_accused(url: str) -> None:
    """An address without a credential is neither kept as a secret nor warned of."""
    assert not carries_credentials(url)
    assert secret_paths("webhook", {"url": url}) == []
    assert not list(find_clear_credentials("pipelines.a", webhook(url=url)))


@pytest.mark.parametrize(("name", "value"), CORPUS["credential_headers"])
def test_planted_headers_are_found(name: str, value: str) -> None:
    """A header is a credential by its name or by what its value looks like, whatever placeholder stands beside it."""
    assert is_credential_header(name, without_placeholders(value))
    assert list(find_clear_credentials("pipelines.a", webhook(headers={name: value})))


@pytest.mark.parametrize(("name", "value"), CORPUS["ordinary_headers"])
def test_ordinary_headers_are_not_accused(name: str, value: str) -> None:
    """A header without a credential may stand in clear text."""
    assert not is_credential_header(name, without_placeholders(value))
    assert not list(find_clear_credentials("pipelines.a", webhook(headers={name: value})))


@pytest.mark.parametrize("name", CORPUS["credential_names"])
def test_names_of_credentials(name: str) -> None:
    """A field that no table knows is a credential by its name, in whatever style it is written."""
    assert is_credential_name(name)


@pytest.mark.parametrize("name", CORPUS["ordinary_names"])
def test_ordinary_names(name: str) -> None:
    """A name that only holds such a word is none of a credential."""
    assert not is_credential_name(name)


@pytest.mark.parametrize(
    ("password", "clear"),
    [
        ("hunter2", True),
        ("${PG_PASSWORD}", False),
        ("${PREFIX}${SUFFIX}", False),
        ("${PREFIX}-${SUFFIX}", False),
        ("hunter2hunter2-${SUFFIX}", True),
        ("", False),
    ],
)
def test_a_placeholder_hides_no_literal(password: str, clear: bool) -> None:  # noqa: FBT001 - a column of a table
    """A password that comes from the environment may stand there; a literal beside it counts."""
    config = {"type": "postgres", "url": "postgresql://h/d", "user": "u", "password": password}

    assert bool(list(find_clear_credentials("pipelines.a", {"destination_config": config}))) is clear

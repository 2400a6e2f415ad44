from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from goldrush_pulumi.operations.redaction import REDACTED, Redactor, known_secrets, secret_leaf_paths
from goldrush_pulumi.schema.wire import SECRET_PATHS
from tests.support.pipelines import PASSWORD, POSTGRES, inputs_of

if TYPE_CHECKING:
    from collections.abc import Callable

CONFIGS: dict[str, tuple[dict[str, Any], list[tuple[str, ...]]]] = {
    "postgres": ({"url": "postgresql://db/x", "user": "u", "password": "pppp"}, [("password",)]),
    "clickhouse": ({"url": "clickhouse://db/x", "user": "u", "password": "pppp"}, [("password",)]),
    "kafka": (
        {"bootstrap_servers": "b:1", "sasl": {"mechanism": "PLAIN", "username": "u", "password": "pppp"}},
        [("sasl", "password")],
    ),
    "object_storage": (
        {"provider": "s3", "bucket": "b", "access_key_id": "AKIA", "secret_access_key": "pppp"},
        [("access_key_id",), ("secret_access_key",)],
    ),
    "sqs": (
        {"queue_url": "https://sqs/x", "access_key_id": "AKIA", "secret_access_key": "pppp"},
        [("access_key_id",), ("secret_access_key",)],
    ),
    "webhook": (
        {"url": "https://u:pppp@h/x", "headers": {"X-A": "aaaa", "X-B": "bbbb"}, "method": "POST"},
        [("url",), ("headers", "X-A"), ("headers", "X-B")],
    ),
}


@pytest.mark.parametrize("kind", sorted(CONFIGS))
def test_secret_leaves_of_every_destination(kind: str) -> None:
    """Every credential of every destination is a secret leaf, and nothing else is."""
    config, paths = CONFIGS[kind]

    assert secret_leaf_paths({"destination_type": kind, "destination_config": config}) == paths


@pytest.mark.parametrize("config", [None, "text", [], 5])
def test_no_settings_no_secret_leaves(config: Any) -> None:
    """Settings that are missing, or no map, hold no leaves."""
    assert secret_leaf_paths({"destination_type": "postgres", "destination_config": config}) == []
    assert known_secrets({"destination_type": "postgres", "destination_config": config}) == set()


def test_known_secrets_come_from_every_source() -> None:
    """Those of the new inputs and of the old state are known together; masks and empty texts are none."""
    old = inputs_of(destination_config={**POSTGRES, "password": "old-password"})
    masked = inputs_of(destination_config={**POSTGRES, "password": "******"})
    empty = inputs_of(destination_config={**POSTGRES, "password": ""})

    assert known_secrets(inputs_of(), old, masked, empty, {}) == {PASSWORD, "old-password"}


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("postgresql://app:s3cr%2Fet@db/x", {"s3cr%2Fet", "s3cr/et"}),
        ("jdbc:postgresql://app:s3cret@db/x", {"s3cret"}),
        ("postgresql://app:pa/ss?w#rd@db/x", {"pa/ss?w#rd"}),
        ("postgresql://app:p@ss@db/x", {"p@ss"}),
        ("postgresql://db/x?user=app&password=s3cret&sslmode=require", {"s3cret"}),
        ("https://ghp_0123456789abcdefghij@h/x", {"ghp_0123456789abcdefghij"}),
        ("https://h/services/T000/abcdefghij0123456789xyz", {"abcdefghij0123456789xyz"}),
        ("https://app@h/x", set()),
    ],
)
def test_the_credential_in_a_url_is_known_alone(url: str, parts: set[str]) -> None:
    """A worker may print the password of a URL without the rest; a mere user name is no secret."""
    inputs = inputs_of(destination_config={**POSTGRES, "url": url, "password": ""})

    assert known_secrets(inputs) == {url, *parts}


def test_what_the_program_marked_is_known() -> None:
    """Values at marked paths count, texts at any depth below them, and paths that lead nowhere do not matter."""
    inputs = inputs_of(
        description="hidden words",
        transforms={"a": "SELECT 'hidden'", "b": "SELECT 'shown'"},
        abi_file=[{"name": "HiddenEvent", "inputs": [{"name": "hiddenField"}]}],
        abi_contract_addresses=["0xshown", "0xhidden"],
        triggers={"run": 5},
    )
    marks = [["description"], ["transforms", "a"], ["abi_file"], ["abi_contract_addresses", "1"]]
    nowhere = [["gone"], ["abi_contract_addresses", "9"], ["abi_contract_addresses", "x"], ["triggers", "run"], []]

    found = known_secrets({**inputs, SECRET_PATHS: marks})

    assert found == {PASSWORD, "hidden words", "SELECT 'hidden'", "HiddenEvent", "hiddenField", "0xhidden"}
    assert known_secrets({**inputs, SECRET_PATHS: nowhere[:-1]}) == {PASSWORD}


def test_plain_choices_are_not_redacted() -> None:
    """A marked "s3" or "json" is one of a handful of documented words; hiding it would only hide the cause."""
    config = {"provider": "s3", "format": "json", "type": "object_storage", "bucket": "my-bucket"}
    marks = [["destination_config", key] for key in config]
    inputs = {"destination_type": "object_storage", "destination_config": config, SECRET_PATHS: marks}

    assert known_secrets(inputs) == {"my-bucket"}


# --- Redactor ---------------------------------------------------------------------------------------------------------

SECRETS = st.text(min_size=4, max_size=24)
SURROUNDINGS = st.text(max_size=12)


def escape(text: str) -> str:
    return json.dumps(text)[1:-1]


ENCODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "URL-quoted": lambda text: quote(text, safe=""),
    "URL-quoted path": quote,
    "URL-quoted form": quote_plus,
    "URL-quoted in lower case": lambda text: re.sub("%..", lambda digits: digits[0].lower(), quote(text, safe="")),
    "JSON-escaped": escape,
    "JSON-escaped in UTF-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON-escaped with slashes": lambda text: escape(text).replace("/", "\\/"),
}


@pytest.mark.parametrize("encoding", sorted(ENCODINGS))
@given(SECRETS, SURROUNDINGS, SURROUNDINGS)
def test_no_secret_survives(encoding: str, secret: str, before: str, after: str) -> None:
    """Law: in any encoding, amid any text, nothing that holds the secret comes out."""
    encode = ENCODINGS[encoding]
    # A letter of the placeholder next to the text around it gives nothing away.
    assume("[" not in encode(secret) and "]" not in encode(secret) and encode(secret) not in REDACTED)

    redacted = Redactor([secret])(f"{before}{encode(secret)}{after}")

    assert encode(secret) not in redacted
    assert REDACTED in redacted


@given(SECRETS, st.binary(max_size=9), st.binary(max_size=9), st.booleans())
def test_no_secret_survives_in_base64(secret: str, before: bytes, after: bytes, urlsafe: bool) -> None:  # noqa: FBT001
    """Law: wherever a secret lies in what was encoded, the base64 digits that it alone decides are gone."""
    encode = base64.urlsafe_b64encode if urlsafe else base64.b64encode
    text = encode(before + secret.encode() + after).decode()
    first, last = -(-8 * len(before) // 6), 8 * (len(before) + len(secret.encode())) // 6

    redacted = Redactor([secret])(text)

    assert REDACTED in redacted
    assert text[first:last] not in redacted
    assert len(redacted.replace(REDACTED, "")) <= len(text) - (last - first)


@given(st.text(max_size=40), SECRETS)
def test_other_text_stays(text: str, secret: str) -> None:
    """Law: a text that holds no spelling of the secret comes out as it went in."""
    redactor = Redactor([secret])
    assume(not any(spelling in text for spelling in redactor._long))

    assert redactor(text) == text


@given(st.lists(SECRETS, min_size=1, max_size=4), st.data())
def test_secrets_that_share_letters_go_whole(secrets: list[str], data: st.DataObject) -> None:
    """Law: no letter of any occurrence of any secret is left, though others overlap it."""
    alphabet = "".join(secrets)
    text = data.draw(st.text(st.sampled_from(alphabet), max_size=30)) + alphabet
    starts = [(i, secret) for i in range(len(text)) for secret in secrets if text.startswith(secret, i)]
    covered = {i + offset for i, secret in starts for offset in range(len(secret))}

    redacted = Redactor(secrets)(text)

    assert len(redacted) - redacted.count(REDACTED) * len(REDACTED) <= len(text) - len(covered)


@pytest.mark.parametrize("secret", ["abc", "a", "é1"])
def test_a_short_secret_drops_its_line(secret: str) -> None:
    """What is left of a line around a short secret would still tell, so the line goes; its neighbours stay."""
    text = f"first\nkey is {secret}!\nthird"

    assert Redactor([secret])(text) == "first\n[line with a secret left out]\nthird"


def test_a_secret_of_several_lines_goes_line_by_line() -> None:
    """A key file may be printed whole or line by line."""
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\n-----END KEY-----"

    assert Redactor([key])(f"loaded {key}") == f"loaded {REDACTED}"
    assert "MIIE" not in Redactor([key])("bad line: MIIEvQIBADANBg")


def test_a_redactor_knows_nothing_of_empty_secrets() -> None:
    """An empty secret stands everywhere, and so hides nothing."""
    assert Redactor([""])("text") == "text"
    assert Redactor([])("text") == "text"


def test_a_redactor_tells_nothing_itself() -> None:
    """Its repr holds a number."""
    assert PASSWORD not in repr(Redactor([PASSWORD]))
    assert "spellings" in repr(Redactor([PASSWORD]))

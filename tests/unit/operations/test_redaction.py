from __future__ import annotations

import base64
import html
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, example, given
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
    ],
)
def test_the_credential_in_a_url_is_known_alone(url: str, parts: set[str]) -> None:
    """A worker may print the password of a URL without the rest."""
    inputs = inputs_of(destination_config={**POSTGRES, "url": url, "password": ""})

    assert known_secrets(inputs) == {url, *parts}


def test_a_user_name_in_a_url_is_not_a_secret() -> None:
    """A user without a password opens nothing, so neither it nor its URL is hidden."""
    inputs = inputs_of(destination_config={**POSTGRES, "url": "postgresql://app@db/x", "password": ""})

    assert known_secrets(inputs) == frozenset()


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


def percent(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


def utf16_units(text: str) -> list[str]:
    data = text.encode("utf-16-be", "surrogatepass").hex()
    return [data[at : at + 4] for at in range(0, len(data), 4)]


ENCODINGS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "URL-encoded": percent,
    "URL-encoded in lower case": lambda text: percent(text).lower(),
    "URL-encoded twice": lambda text: percent(text).replace("%", "%25"),
    "URL-encoded where needed": lambda text: quote(text, safe="", errors="surrogatepass"),
    "URL-encoded form": lambda text: quote_plus(text, errors="surrogatepass"),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON in UTF-8": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON with escaped slashes": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON escapes only": lambda text: "".join(f"\\u{unit}" for unit in utf16_units(text)),
    "JSON escapes in upper case": lambda text: "".join(f"\\u{unit.upper()}" for unit in utf16_units(text)),
    "JSON within JSON": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "HTML": lambda text: html.escape(text, quote=True),
    "HTML numbers": lambda text: "".join(f"&#{ord(character)};" for character in text),
    "HTML hex numbers": lambda text: "".join(f"&#x{ord(character):04X};" for character in text),
}


@pytest.mark.parametrize("encoding", sorted(ENCODINGS))
@given(SECRETS, SURROUNDINGS, SURROUNDINGS)
@example("00\\\x1f", "", "")
@example("0\\\x1f0", "", "")
def test_no_secret_survives(encoding: str, secret: str, before: str, after: str) -> None:
    """Law: in any encoding, amid any text, nothing that holds the secret comes out."""
    encoded = ENCODINGS[encoding](secret)
    # A letter of the placeholder next to the text around it gives nothing away.
    assume("[" not in encoded and "]" not in encoded and encoded not in REDACTED)

    redacted = Redactor([secret])(f"{before}{encoded}{after}")

    assert encoded not in redacted
    assert REDACTED in redacted


# Without a backslash, which no two encoders agree on.
MIXABLE = st.text(st.characters(exclude_characters="\\[]", exclude_categories=["Cs"]), min_size=4, max_size=24)
MIXED = ("raw", "URL-encoded", "URL-encoded in lower case", "JSON", "JSON escapes only", "HTML", "HTML numbers")


@given(MIXABLE, st.data())
def test_no_mix_of_encodings_survives(secret: str, data: st.DataObject) -> None:
    """Law: each character may be raw or encoded in a way of its own, and the secret is still found whole."""
    ways = data.draw(st.lists(st.sampled_from(MIXED), min_size=len(secret), max_size=len(secret)))
    encoded = "".join(ENCODINGS[way](character) for way, character in zip(ways, secret, strict=True))

    assert Redactor([secret])(f"<{encoded}>").replace("\\", "") == f"<{REDACTED}>"


@pytest.mark.parametrize(
    "printed",
    [
        "P%40ss%21wo%24rd%7E1",
        "P%40ss!wo%24rd~1",
        "P%40ss%21wo$rd%7e1",
        "P&#64;ss!wo$rd~1",
        "P\\u0040ss!wo\\u0024rd~1",
        "P@ss\\!wo\\$rd~1",
    ],
    ids=["Java", "Python", "mixed", "HTML", "JSON", "shell"],
)
def test_a_password_is_found_as_programs_print_it(printed: str) -> None:
    """Encoders differ in what they leave alone; what any of them writes is found."""
    assert Redactor(["P@ss!wo$rd~1"])(f"login {printed} refused") == f"login {REDACTED} refused"


def test_spaces_may_be_plus_signs() -> None:
    """HTML forms write a space as `+`."""
    assert Redactor(["correct horse"])("q=correct+horse&n=1") == f"q={REDACTED}&n=1"


def test_base64_in_a_url_is_found() -> None:
    """Base64 that was URL-encoded or escaped in JSON is found too."""
    secret = "\xfb\xff?~~secret~~"
    digits = base64.b64encode(secret.encode()).decode()
    assert {"+", "/"} & set(digits)
    for printed in (quote(digits, safe=""), digits.replace("/", "\\/"), digits.replace("+", "\\u002b")):
        assert "c2VjcmV0" not in Redactor([secret])(f"token={printed}")


@pytest.mark.untraced
def test_much_text_and_many_secrets() -> None:
    """200 secrets are all found in a megabyte of text that is hard to search."""
    secrets = [f"P@ss/{number:03}!\\{number:03}\\" for number in range(200)]
    noise = ["\\" * 100_000, "%25" * 100_000, "P%40ss%2F" * 50_000, '\\\\"' * 30_000]
    text = "\n".join([*noise, *(quote(secret, safe="") for secret in secrets)])

    redacted = Redactor([*secrets, '\\"' * 20 + "Z", "\\" * 20 + "Z"])(text)

    assert redacted.count(REDACTED) == len(secrets)


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


@given(st.text("ghijklmnop %&;#+\\\\u", max_size=40), st.text("QRSTUVWXYZ", min_size=4))
def test_other_text_stays(text: str, secret: str) -> None:
    """Law: a text that does not hold the secret comes out as it went in, whatever escapes it begins."""
    assert Redactor([secret])(text) == text


@given(st.lists(SECRETS, min_size=1, max_size=4), st.data())
def test_secrets_that_share_letters_go_whole(secrets: list[str], data: st.DataObject) -> None:
    """Law: no letter of any occurrence of any secret is left, though others overlap it."""
    alphabet = "".join(secrets)
    text = data.draw(st.text(st.sampled_from(alphabet), max_size=30)) + alphabet
    starts = [(i, secret) for i in range(len(text)) for secret in secrets if text.startswith(secret, i)]
    covered = {i + offset for i, secret in starts for offset in range(len(secret))}

    redacted = Redactor(secrets)(text)

    assert len(redacted) - redacted.count(REDACTED) * len(REDACTED) <= len(text) - len(covered)


@pytest.mark.parametrize(
    ("secret", "printed"), [("abc", "abc"), ("a", "a"), ("é1", "é1"), ("é1", "%C3%A91"), ("a+b", "a%2Bb")]
)
def test_a_short_secret_drops_its_line(secret: str, printed: str) -> None:
    """The rest of a line would give a short secret away, so the whole line goes; its neighbours stay."""
    text = f"first\nkey is {printed}!\nthird"

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
    assert repr(Redactor([PASSWORD])) == "Redactor(1 secrets)"

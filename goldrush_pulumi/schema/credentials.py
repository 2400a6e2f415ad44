"""What a credential looks like: by the name it is given under, and by its characters.

One recognizer decides what is encrypted, what validation warns of, and what is kept out of logs. A name such as
`rows_of_transfers_v2` must not pass for a token, and a token must not pass for a name.
"""

from __future__ import annotations

import re
from typing import Final

# The last word of a name decides: `token` is a credential, `token_type` is not.
_WORDS_OF_CREDENTIALS: Final = (
    "password passwd pwd pass passphrase passcode secret secrets token tokens credential credentials signature"
    " sig sas apikey accesskey secretkey privatekey authkey authtoken accesstoken authorization cookie jwt bearer"
    " hmac auth key"
)

_CREDENTIAL_WORDS: Final = frozenset(_WORDS_OF_CREDENTIALS.split())

# Before `key`: what makes it a name of something else. `partition_key` orders messages and opens nothing.
_BEFORE_PLAIN_KEYS: Final = (
    "idempotency partition partitioning ordering order sort primary foreign unique cache surrogate message event"
    " group dedup deduplication public row record object lookup map"
)

_PLAIN_KEYS: Final = frozenset(_BEFORE_PLAIN_KEYS.split())

# Before `auth`: `require_auth` names a method.
_BEFORE_PLAIN_AUTHS: Final = "require required use enable enabled disable no needs allow method type"

_PLAIN_AUTHS: Final = frozenset(_BEFORE_PLAIN_AUTHS.split())

# `pgpassword` and `sslpassword` are one word each.
_CREDENTIAL_ENDING: Final = re.compile(r"(?:password|passwd|passphrase|secret|token|credentials?|apikey|signature)$")

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def is_credential_name(name: str) -> bool:
    """Return whether a field, parameter or header of this name holds a credential: `X-Api-Key`, not `author`."""
    words = [word.lower() for word in _WORD.findall(name[:200])]
    # `password2`, `token_v2` and `X-Hub-Signature-256` end in a number.
    while words and (words[-1].isdigit() or words[-1] == "v"):
        words.pop()
    if not words:
        return False
    before = words[-2] if len(words) > 1 else ""
    if words[-1] == "key" and before in _PLAIN_KEYS:
        return False
    if words[-1] == "auth" and before in _PLAIN_AUTHS:
        return False
    return words[-1] in _CREDENTIAL_WORDS or bool(_CREDENTIAL_ENDING.search(words[-1]))


_PREFIXED: Final = re.compile(
    r"(?:[spr]k_(?:live|test)_\w{8,}|sk-[\w-]{16,}|whsec_\w{12,}|gh[oprsu]_\w{16,}|github_pat_\w{16,}|glpat-[\w-]{12,}"
    r"|xox[a-z]-[\w-]{10,}|xapp-[\w-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{12,}|AIza[\w-]{20,}|ya29\.[\w-]{10,}"
    r"|eyJ[\w-]{6,}\.[\w-]{6,}|SG\.[\w-]{10,}|hf_\w{16,}|npm_\w{16,}|pypi-[\w-]{16,}|shp(?:at|ss|ca)_\w{16,}"
    r"|dop_v1_\w{16,}|cqt_\w{12,}|ckey_\w{12,}|-----BEGIN )"
)

# An address of a contract or the hash of a transaction is public.
_HEX_ON_CHAIN: Final = re.compile(r"0x[0-9a-fA-F]{6,}")

_TIMESTAMP: Final = re.compile(r"\d{8}T\d{6}(?:\d{3})?Z?")

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)

_SHORTEST_TOKEN: Final = 16


def looks_like_token(text: str) -> bool:
    """Return whether a text has the characters of a token: the prefix of a known kind, or a long random part."""
    text = text.strip()
    return bool(_PREFIXED.match(text)) or looks_random(text, _SHORTEST_TOKEN)


def is_uuid(text: str) -> bool:
    """Return whether a text is a UUID, which is a credential in some places and an identifier in others."""
    return bool(_UUID.fullmatch(text))


def looks_random(text: str, least: int) -> bool:
    """Return whether at least so many characters of a text belong to parts that are neither words nor numbers."""
    if len(text) < least or _HEX_ON_CHAIN.fullmatch(text) or _TIMESTAMP.fullmatch(text) or is_uuid(text):
        return False
    parts = re.split(r"[^A-Za-z0-9]+", text[:4096])
    return sum(len(part) for part in parts if not _is_ordinary(part)) >= least


_LONGEST_ABBREVIATION: Final = 5

_MOST_NUMBERS: Final = 3

_LEAST_WORDS: Final = 0.6


def _is_ordinary(part: str) -> bool:
    """Whether a part without separators reads like words and numbers, as in `eventsBase2024`."""
    pieces = _WORD.findall(part)
    letters = sum(len(piece) for piece in pieces if not piece.isdigit())
    if len(part) <= _LONGEST_ABBREVIATION or not letters:
        return True
    if sum(piece.isdigit() for piece in pieces) > _MOST_NUMBERS:
        return False
    in_words = sum(len(piece) for piece in pieces if not piece.isdigit() and _is_word(piece.lower()))
    return in_words / letters >= _LEAST_WORDS


# Pairs of letters that make up six sevenths of English words and of the identifiers of programs.
_COMMON_PAIRS: Final = (
    "ab ac ad ag ai al am an ap ar as at au ba be bi bl bo bu ca ce ch ci ck cl co cr ct cu da dd de di do ds du"
    " ea eb ec ed ee ef eg el em en ep er es et ev ex fa fe ff fi fo fu ge gi gr ha he hi ho ia ib ic id ie if ig"
    " il im in io ip ir is it iv iz ke la ld le li ll lo ls lt lu ly ma me mi mm mo mp mv na nc nd ne nf ng ni nn"
    " no ns nt ob oc od ol om on oo op or os ot ou ov ow pa pe pi pl po pp pr pt py qu ra rc rd re rg ri rm rn ro"
    " rr rs rt ru ry sa sc se sh si so sp ss st su ta tc te th ti to tp tr ts tt tu ty ub ue ul um un up ur us ut"
    " va ve vi vm wa xt yt ze"
)

_PAIRS: Final = frozenset(_COMMON_PAIRS.split())

_SHORTEST_WORD: Final = 3


def _is_word(letters: str) -> bool:
    pairs = [letters[start : start + 2] for start in range(len(letters) - 1)]
    return len(letters) >= _SHORTEST_WORD and sum(pair in _PAIRS for pair in pairs) * 2 >= len(pairs)


_SCHEME: Final = re.compile(r"(?:(?:bearer|basic|token|apikey|api-key|digest|negotiate)\b[\s:=]*)+", re.IGNORECASE)

_SHORTEST_LITERAL: Final = 6


def is_credential_header(name: str, value: str) -> bool:
    """Return whether a header holds a credential: by its name, or by what its value looks like.

    A value without its authentication scheme must have some length: what stands beside a placeholder may be a prefix.

    Args:
        name: The header's name.
        value: Its value, without placeholders.
    """
    scheme = _SCHEME.match(value.strip())
    literal = value.strip()[scheme.end() :] if scheme else value.strip()
    if is_credential_name(name):
        return len(literal) >= _SHORTEST_LITERAL or bool(literal and literal.isalnum())
    if scheme and re.search(r"\s", scheme[0]):
        return len(literal) >= _SHORTEST_LITERAL
    return any(looks_like_token(part) for part in re.split(r"[\s;,=]+", literal))

"""Which values of a pipeline are secret, and how they are kept out of messages and logs.

The engine stores and shows the reasons of a failure in clear, so redaction is the only barrier between a worker's log
line and the state file.
"""

from __future__ import annotations

import base64
import functools
import html.entities
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from goldrush_pulumi.schema.destinations import DESTINATIONS, secret_paths
from goldrush_pulumi.schema.urls import credentials_in
from goldrush_pulumi.schema.wire import MASK, SECRET_PATHS

if TYPE_CHECKING:
    from goldrush_pulumi.schema.pipeline import Inputs


REDACTED: Final = "[secret]"


_SHORTEST: Final = 4

Path = tuple[str, ...]


def secret_leaf_paths(inputs: Inputs) -> list[Path]:
    """Return the paths in `destination_config` that hold a credential, by the table of destinations."""
    config = inputs.get("destination_config")
    if not isinstance(config, Mapping):
        return []
    destination_type = inputs.get("destination_type")
    return secret_paths(destination_type if isinstance(destination_type, str) else "", config)


def masked_config(destination_type: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of a `destination_config` with every credential masked as the API masks it."""
    masked = dict(config)
    for *parents, last in secret_paths(destination_type, config):
        holder = masked
        for key in parents:
            holder[key] = dict(holder[key])
            holder = holder[key]
        holder[last] = MASK
    return masked


def known_secrets(*sources: Inputs) -> frozenset[str]:
    """Return every secret string in `sources`: credentials by the table, and whatever the program marked."""
    return frozenset(text for inputs in sources for text in _secret_texts(inputs) if text and text != MASK)


def _secret_texts(inputs: Inputs) -> Iterator[str]:
    for path in secret_leaf_paths(inputs):
        for text in _texts_at(inputs, ("destination_config", *path)):
            yield text
            yield from _url_secrets(text)
    for marked in inputs.get(SECRET_PATHS) or ():
        path = tuple(str(key) for key in marked)
        if not _is_plain_choice(inputs, path):
            yield from _texts_at(inputs, path)


def _texts_at(value: Any, path: Path) -> Iterator[str]:
    for key in path:
        value = _child(value, key)
    yield from _texts_in(value)


def _child(value: Any, key: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(key)
    if isinstance(value, list) and key.isdigit() and int(key) < len(value):
        return value[int(key)]
    return None


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts_in(item)


def _url_secrets(url: str) -> Iterator[str]:
    """The parts of a URL that are credentials by themselves: a worker may print them alone, encoded or not."""
    for part in credentials_in(url):
        yield part
        yield unquote(part)


def _is_plain_choice(inputs: Inputs, path: Path) -> bool:
    """Return whether the value is a documented word: redacting "json" or "s3" would only hide the cause."""
    if len(path) != 2 or path[0] != "destination_config":  # noqa: PLR2004 - the config and one key in it
        return False
    destination = DESTINATIONS.get(str(inputs.get("destination_type")))
    field = destination.field(path[1]) if destination else None
    return path[1] == "type" or bool(field and field.choices)


class Redactor:
    r"""Replaces secrets in a text by `[secret]`, however their characters are encoded.

    Each character of a secret is matched as it is, URL-encoded (`%XX`, `+` for a space), as a JSON escape (`\uXXXX`,
    `\n`, `\/`) or as an HTML entity, in any mix. Base64 is found wherever the secret lies in what was encoded. A line
    that holds a secret shorter than four characters is dropped whole: the rest of the line would give it away.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        known = {secret for secret in secrets if secret}
        short = {secret for secret in known if len(secret) < _SHORTEST}
        long = known - short
        lines = {line for secret in long for line in secret.splitlines() if len(line) >= _SHORTEST}
        digits = {text for secret in long for text in _base64_texts(secret.encode())}
        self._count = len(known)
        self._short = tuple(map(_Spellings, sorted(short)))
        self._long = tuple(map(_Spellings, sorted(long | lines))) + tuple(map(_Base64, sorted(digits)))

    def __repr__(self) -> str:
        return f"Redactor({self._count} secrets)"

    def __call__(self, text: str) -> str:
        """Return `text` without any known secret. Secrets of several lines are replaced too."""
        if any(_is_found(spellings, text) for spellings in self._short):
            text = "\n".join(map(self._redact_line, text.split("\n")))
        pieces, end = [], 0
        for start, stop in _merged(sorted(span for spellings in self._long for span in spellings.spans(text))):
            pieces += [text[end:start], REDACTED]
            end = stop
        return "".join([*pieces, text[end:]])

    def _redact_line(self, line: str) -> str:
        return "[line with a secret left out]" if any(_is_found(short, line) for short in self._short) else line


def _is_found(spellings: _Spellings, text: str) -> bool:
    return next(spellings.spans(text), None) is not None


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield the sorted `spans`, with those that overlap merged."""
    first: tuple[int, int] | None = None
    for start, stop in spans:
        if first is not None and start < first[1]:
            first = (first[0], max(first[1], stop))
        else:
            if first is not None:
                yield first
            first = (start, stop)
    if first is not None:
        yield first


class _Spellings:
    """One secret, found with each of its characters raw or encoded."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield where the secret stands in `text`, overlapping places too: two secrets may share letters."""
        yield from _find_all(text, self._secret)
        # Every encoding needs one of these; most lines of a log have none, and finding a plain string is fast.
        if any(mark in text for mark in "%\\&+"):
            yield from _match_all(text, _compile(self._secret))


class _Base64(_Spellings):
    """Base64 digits, in either alphabet. The digits may be encoded again, in a URL or in JSON."""

    def __init__(self, digits: str) -> None:
        super().__init__(digits)
        self._variants = {digits, digits.replace("+", "-").replace("/", "_")}
        self._core = max(re.split(r"[+/=]", digits), key=len)

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        # Letters and figures are the same in every encoding that base64 goes through.
        if self._core in text:
            for digits in self._variants:
                yield from _match_all(text, _compile(digits))


def _find_all(text: str, word: str) -> Iterator[tuple[int, int]]:
    start = text.find(word)
    while start >= 0:
        yield start, start + len(word)
        start = text.find(word, start + 1)


def _match_all(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    found = pattern.search(text)
    while found:
        yield found.span()
        found = pattern.search(text, found.start() + 1)


_JSON_ESCAPES: Final = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}

_ENTITIES: Final = {chr(point): name for point, name in html.entities.codepoint2name.items()} | {"'": "apos"}

_BACKSLASH: Final = r"(?:\\u005[cC]|\\|%(?:25)*5[cC]|&#0*92;|&#[xX]0*5[cC];)"


@functools.lru_cache(maxsize=2048)
def _compile(secret: str) -> re.Pattern[str]:
    """Return the pattern of `secret` with each character raw or encoded.

    It is compiled when a text first needs it: every verb makes a redactor, and few texts hold anything encoded.

    Backslashes are matched in runs and possessively: an escape doubles them, and taken one by one there would be more
    ways to read a long run than there is time to try.
    """
    first, *rest = re.findall(r"\\+|[^\\]", secret)
    pattern = _backslashes(first) if first[0] == "\\" else _first_character(first)
    for before, part in zip([first, *rest], rest, strict=False):
        pattern += _backslashes(part) if part[0] == "\\" else _next_character(part, follows_run=before[0] == "\\")
    return re.compile(pattern)


def _backslashes(run: str) -> str:
    # Escaped twice at most, which also keeps the search of a long run from taking the square of its length.
    return f"{_BACKSLASH}{{{len(run)},{4 * len(run)}}}+"


def _first_character(character: str) -> str:
    # Each alternative begins with a plain character, so that `re` skips quickly to where one of them stands.
    return rf"(?:\\(?:{_escaped(character)})|{_written(character)})"


def _next_character(character: str, *, follows_run: bool) -> str:
    """Return the pattern of a later character, before which any number of backslashes may stand, as in nested JSON.

    The run before it, if there is one, has taken the backslash of an escape already, or left the few that nested JSON
    adds.
    """
    if follows_run:
        return rf"\\{{0,8}}+(?:{_escaped(character)}|{_written(character)})"
    # The escape first: that of "u" begins with the letter itself.
    return rf"(?:\\++(?:{_escaped(character)})|\\*+(?:{_written(character)}))"


def _written(character: str) -> str:
    """Return alternatives for a character that is raw, URL-encoded, or an HTML entity."""
    point, data = ord(character), character.encode("utf-8", "surrogatepass")
    # Encoded once or several times: "%252F" is "/" encoded twice.
    encoded = "".join(f"%(?:25)*{_hex(byte, 2)}" for byte in data)
    spellings = [encoded, rf"&#0*{point};", f"&#[xX]0*{_hex(point, 1)};"]
    if character in _ENTITIES:
        spellings.append(f"&{_ENTITIES[character]};")
    if character == " ":
        spellings.append(r"\+")
    # Last, for an encoded "&" begins with one.
    return "|".join([*spellings, re.escape(character)])


def _escaped(character: str) -> str:
    """Return alternatives for a character in an escape, without the backslash that begins it."""
    point, data = ord(character), character.encode("utf-16-be", "surrogatepass")
    units = [_hex(int.from_bytes(data[at : at + 2], "big"), 4) for at in range(0, len(data), 2)]
    spellings = [r"\\++".join(f"u{unit}" for unit in units)]
    if point < 256:  # noqa: PLR2004 - what two hex digits can say
        spellings.append(f"x{_hex(point, 2)}")
    if character in _JSON_ESCAPES:
        spellings.append(_JSON_ESCAPES[character])
    if character == "/":
        spellings.append("/")
    return "|".join(spellings)


def _hex(number: int, digits: int) -> str:
    """Return a pattern for a hex number in either case."""
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in format(number, f"0{digits}x"))


def _base64_texts(secret: bytes) -> Iterator[str]:
    """Yield the base64 digits that `secret` alone decides, for each of the three ways it may lie in a longer text."""
    for before in range(3):
        digits = base64.b64encode(b"\0" * before + secret).decode().rstrip("=")
        first = (8 * before + 5) // 6
        whole = (8 * (before + len(secret))) // 6
        yield digits[first:whole]
    yield base64.b64encode(secret).decode()

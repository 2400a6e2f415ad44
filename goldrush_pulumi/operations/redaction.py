"""Which values of a pipeline are secret, and how they are kept out of every text a person or a log may see.

The reasons of a failure are stored and shown in clear by the engine, so redaction is the only barrier between a
worker's log line and the state file.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, quote_plus, unquote

from goldrush_pulumi.schema.destinations import DESTINATIONS, secret_paths
from goldrush_pulumi.schema.urls import credentials_in
from goldrush_pulumi.schema.wire import MASK, SECRET_PATHS

if TYPE_CHECKING:
    from goldrush_pulumi.schema.pipeline import Inputs


REDACTED: Final = "[secret]"


_SHORTEST: Final = 4

Path = tuple[str, ...]


def secret_leaf_paths(inputs: Inputs) -> list[Path]:
    """The paths in `destination_config` that hold a credential, by the table of destinations."""
    config = inputs.get("destination_config")
    if not isinstance(config, Mapping):
        return []
    destination_type = inputs.get("destination_type")
    return secret_paths(destination_type if isinstance(destination_type, str) else "", config)


def masked_config(destination_type: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a `destination_config` that can be shown: every credential in it reads as the API masks it."""
    masked = dict(config)
    for *parents, last in secret_paths(destination_type, config):
        holder = masked
        for key in parents:
            holder[key] = dict(holder[key])
            holder = holder[key]
        holder[last] = MASK
    return masked


def known_secrets(*sources: Inputs) -> frozenset[str]:
    """Every secret text in some sets of inputs: credentials by the table, and whatever the program marked."""
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
    """Whether the value is one of a handful of documented words: redacting "json" or "s3" would only hide the cause."""
    if len(path) != 2 or path[0] != "destination_config":  # noqa: PLR2004 - the config and one key in it
        return False
    destination = DESTINATIONS.get(str(inputs.get("destination_type")))
    field = destination.field(path[1]) if destination else None
    return path[1] == "type" or bool(field and field.choices)


class Redactor:
    """Replaces secrets in a text by `[secret]`, in every spelling they are likely to be printed in.

    Looked for are the secret itself, URL-encoded, JSON-escaped and in base64 at any alignment. A line that holds a
    secret shorter than four characters is dropped whole: what is left of it would still tell.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        known = {secret for secret in secrets if secret}
        self._short = tuple(secret for secret in known if len(secret) < _SHORTEST)
        self._long = tuple({spelling for secret in known - {*self._short} for spelling in _spellings(secret)})

    def __repr__(self) -> str:
        return f"Redactor({len(self._short) + len(self._long)} spellings)"

    def __call__(self, text: str) -> str:
        """`text` without any known secret. Secrets of several lines are replaced too."""
        if any(secret in text for secret in self._short):
            text = "\n".join(self._line(line) for line in text.split("\n"))
        pieces, end = [], 0
        for start, stop in _merged(sorted(self._spans(text))):
            pieces += [text[end:start], REDACTED]
            end = stop
        return "".join([*pieces, text[end:]])

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where in `text` the spellings stand, overlapping ones too: two secrets may share letters."""
        for spelling in self._long:
            start = text.find(spelling)
            while start >= 0:
                yield start, start + len(spelling)
                start = text.find(spelling, start + 1)

    def _line(self, line: str) -> str:
        return "[line with a secret left out]" if any(secret in line for secret in self._short) else line


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Sorted `spans` with those that overlap made one."""
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


def _spellings(secret: str) -> Iterator[str]:
    yield secret
    for encoded in (quote(secret, safe=""), quote(secret), quote_plus(secret)):
        yield encoded
        yield re.sub(r"%..", lambda digits: digits[0].lower(), encoded)
    for escaped in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]):
        yield escaped
        yield escaped.replace("/", "\\/")
    yield from (line for line in secret.splitlines() if len(line) >= _SHORTEST)
    yield from _base64_spellings(secret.encode())


def _base64_spellings(secret: bytes) -> Iterator[str]:
    """The base64 digits that `secret` alone decides, for each of the three ways it may lie in a longer text."""
    for before in range(3):
        digits = base64.b64encode(b"\0" * before + secret).decode().rstrip("=")
        first = (8 * before + 5) // 6
        whole = (8 * (before + len(secret))) // 6
        core = digits[first:whole]
        yield core
        yield core.replace("+", "-").replace("/", "_")
    yield base64.b64encode(secret).decode()
    yield base64.urlsafe_b64encode(secret).decode()

"""YAML and JSON files as plain values, with the place of everything in them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import yaml

from goldrush_pulumi.validation.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Keys = tuple[str | int, ...]
"""Keys and positions from the outside in, such as `("pipelines", "base-swaps", "abi_contract_addresses", 0)`."""

Span = tuple[int, int]
"""Where a text begins and ends in a file, in characters."""

_GREATEST_SIZE: Final = 10_000_000
# An alias repeats what it names: a few lines can stand for more than any machine holds.
_MOST_VALUES: Final = 500_000
_GREATEST_DEPTH: Final = 100
# Finding the lines of JSON takes a hundred times as long as reading it.
_GREATEST_JSON_WITH_LINES: Final = 300_000


_TOO_MUCH: Final = "holds too much, or too deep a nesting"

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class DocumentError(Exception):
    """A file cannot be read; the text says why and holds nothing of the file. `line` is 1 where none is known."""

    def __init__(self, text: str, line: int = 1) -> None:
        super().__init__(text)
        self.line = line


class Place(NamedTuple):
    """Where a key or a list item stands: its line, the text of the key, and that of its value if it is a scalar."""

    line: int
    key: Span | None = None
    value: Span | None = None


@dataclass(frozen=True)
class Document:
    """What a file holds.

    Attributes:
        text: The file's text.
        value: Plain values; `UNKNOWN` in place of what Pulumi encrypted.
        places: The place of each key and list item.
        repeated: Keys that stand twice in one map, with the line of the second.
    """

    text: str
    value: object
    places: Mapping[Keys, Place] = field(default_factory=dict)
    repeated: tuple[tuple[Keys, int], ...] = ()

    def line_of(self, keys: Keys) -> int:
        """Return the line of a value, or of the innermost value around it that is in the file."""
        while keys and keys not in self.places:
            keys = keys[:-1]
        return self.places[keys].line if keys else 1


def read_document(file: Path) -> Document:
    """Read a file; its name shows whether it is JSON, and everything else is YAML.

    Raises:
        DocumentError: It cannot be read, or is neither.
    """
    text = _read_text(file)
    source = text
    if file.suffix == ".json":
        value = _read_json(text)
        if len(text) > _GREATEST_JSON_WITH_LINES:
            return Document(text, _with_unknowns(value))
        # Outside of strings, where JSON allows no tabs, they are white space that YAML would not take.
        source = text.replace("\t", " ")
    try:
        _require_shallow(source)
        root = yaml.compose(source, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise DocumentError("is not YAML", mark.line + 1 if mark else 1) from None
    except (yaml.YAMLError, RecursionError, ValueError):
        raise DocumentError("is not YAML") from None
    if root is None:
        return Document(text, None)
    reader = _Reader(_repeated_keys(root))
    return Document(text, reader.read(root, (), 0), reader.places, tuple(reader.repeated))


def _require_shallow(text: str) -> None:
    """Refuse a nesting that would end the process: the fast loader recurses without a limit."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _GREATEST_DEPTH:
            mark = event.start_mark
            raise DocumentError(_TOO_MUCH, mark.line + 1 if mark else 1)


def _read_text(file: Path) -> str:
    try:
        if file.stat().st_size > _GREATEST_SIZE:
            raise DocumentError(f"is larger than {_GREATEST_SIZE} bytes")
        # Bytes, so that places count the line ends as they are.
        return file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DocumentError(f"cannot be read: {error.strerror or 'the system refuses'}") from None
    except UnicodeDecodeError:
        raise DocumentError("is not text in UTF-8") from None


def _read_json(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DocumentError("is not JSON", error.lineno) from None
    except (ValueError, RecursionError):
        raise DocumentError("is not JSON that can be read") from None


def _with_unknowns(value: object) -> object:
    if isinstance(value, dict):
        return UNKNOWN if _is_encrypted(value) else {key: _with_unknowns(item) for key, item in value.items()}
    return [_with_unknowns(item) for item in value] if isinstance(value, list) else value


def _is_encrypted(value: Mapping[str, object]) -> bool:
    return value.keys() == {"secure"} and isinstance(value["secure"], str)


def _repeated_keys(root: yaml.Node) -> set[int]:
    """The identities of the keys that stood in their map before.

    Found before maps are merged: a key of a map beside `<<` takes the place of the merged one, and is no repetition.
    """
    repeated: set[int] = set()
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            names: set[str] = set()
            for key, item in node.value:
                if str(key.value) in names:
                    repeated.add(id(key))
                names.add(str(key.value))
                waiting.append(item)
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value
    return repeated


class _Reader:
    """Turns YAML's nodes into values, and notes where they stand. `repeated_keys` are the identities of key nodes."""

    def __init__(self, repeated_keys: set[int]) -> None:
        self._repeated_keys = repeated_keys
        self.places: dict[Keys, Place] = {}
        self.repeated: list[tuple[Keys, int]] = []
        self._count = 0
        self._constructor = yaml.constructor.SafeConstructor()

    def read(self, node: yaml.Node, keys: Keys, depth: int) -> object:
        self._count += 1
        if self._count > _MOST_VALUES or depth > _GREATEST_DEPTH:
            raise DocumentError(_TOO_MUCH, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._read_map(node, keys, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self._read_item(item, (*keys, index), depth) for index, item in enumerate(node.value)]
        return self._read_scalar(node)

    def _read_scalar(self, node: yaml.Node) -> object:
        if node.tag == "tag:yaml.org,2002:timestamp":
            return node.value
        try:
            return self._constructor.construct_object(node)
        except (yaml.YAMLError, ValueError):
            raise DocumentError("holds a value that cannot be read", node.start_mark.line + 1) from None

    def _read_map(self, node: yaml.MappingNode, keys: Keys, depth: int) -> object:
        try:
            self._constructor.flatten_mapping(node)
        except (yaml.YAMLError, RecursionError):
            raise DocumentError("merges what cannot be merged", node.start_mark.line + 1) from None
        found: dict[str, object] = {}
        for key, item in node.value:
            inner = (*keys, str(key.value))
            line = key.start_mark.line + 1
            if id(key) in self._repeated_keys:
                self.repeated.append((inner, line))
            self.places[inner] = Place(line, _span(key), _span(item))
            found[str(key.value)] = self.read(item, inner, depth + 1)
        return UNKNOWN if _is_encrypted(found) else found

    def _read_item(self, node: yaml.Node, keys: Keys, depth: int) -> object:
        self.places[keys] = Place(node.start_mark.line + 1, value=_span(node))
        return self.read(node, keys, depth + 1)


def _span(node: yaml.Node) -> Span | None:
    return (node.start_mark.index, node.end_mark.index) if isinstance(node, yaml.ScalarNode) else None


_IGNORING: Final = re.compile(r"#\s*goldrush:\s*ignore\[(?P<codes>[^\]\n]{0,300})\]")


def read_ignored(text: str) -> dict[int, frozenset[str]]:
    """Return the codes that comments such as `# goldrush: ignore[GR405]` ignore, by line.

    A comment on a line of its own speaks for the next line that is not a comment.
    """
    ignored: dict[int, frozenset[str]] = {}
    waiting: frozenset[str] = frozenset()
    if "goldrush:" not in text:
        return ignored
    for number, line in enumerate(text.split("\n"), 1):
        match = _IGNORING.search(line)
        codes = frozenset(code.strip() for code in match["codes"].split(",")) if match else frozenset()
        if line.lstrip().startswith("#"):
            waiting |= codes
        elif codes | waiting:
            ignored[number] = codes | waiting
            waiting = frozenset()
    return ignored

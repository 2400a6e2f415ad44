"""YAML and JSON files as plain values, with the line of everything in them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

from goldrush_pulumi.validation.problems import entry_path, field_path
from goldrush_pulumi.validation.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_GREATEST_SIZE = 10_000_000
# An alias repeats what it names: a few lines can stand for more than any machine holds.
_MOST_VALUES = 500_000
_GREATEST_DEPTH = 100


class DocumentError(Exception):
    """A file cannot be read; the text says why and holds nothing of the file. `line` is 1 where none is known."""

    def __init__(self, text: str, line: int = 1) -> None:
        super().__init__(text)
        self.line = line


@dataclass(frozen=True)
class Document:
    """What a file holds.

    Attributes:
        value: Plain values; `UNKNOWN` in place of what Pulumi encrypted.
        lines: The line of each key and list item, by its path.
        repeated: Paths of keys that stand twice in one map, with the line of the second.
    """

    value: object
    lines: Mapping[str, int]
    repeated: tuple[tuple[str, int], ...]

    def line_of(self, path: str) -> int:
        """Find the line of a path, or of the innermost part of it that is in the file."""
        while path and path not in self.lines:
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.lines.get(path, 1)


def read_document(file: Path) -> Document:
    """Read a file; its name says whether it is JSON, and everything else is YAML.

    Raises:
        DocumentError: It cannot be read, or is neither.
    """
    text = _read_text(file)
    if file.suffix == ".json":
        _require_json(text)
        # Outside of texts, where JSON allows no tabs, they are white space that YAML would not take.
        text = text.replace("\t", " ")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise DocumentError("is not YAML", mark.line + 1 if mark else 1) from None
    except (yaml.YAMLError, RecursionError):
        raise DocumentError("is not YAML") from None
    reader = _Reader(set() if root is None else _repeated_keys(root))
    value = None if root is None else reader.read(root, "", 0)
    return Document(value, reader.lines, tuple(reader.repeated))


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


def _read_text(file: Path) -> str:
    try:
        if file.stat().st_size > _GREATEST_SIZE:
            raise DocumentError(f"is larger than {_GREATEST_SIZE} bytes")
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DocumentError(f"cannot be read: {error.strerror or 'the system refuses'}") from None
    except UnicodeDecodeError:
        raise DocumentError("is not text in UTF-8") from None


def _require_json(text: str) -> None:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        raise DocumentError("is not JSON", error.lineno) from None
    except (ValueError, RecursionError):
        raise DocumentError("is not JSON that can be read") from None


class _Reader:
    """Turns YAML's nodes into values, and notes where they stand. `repeated_keys` are the identities of key nodes."""

    def __init__(self, repeated_keys: set[int]) -> None:
        self._repeated_keys = repeated_keys
        self.lines: dict[str, int] = {}
        self.repeated: list[tuple[str, int]] = []
        self._count = 0
        self._constructor = yaml.constructor.SafeConstructor()

    def read(self, node: yaml.Node, path: str, depth: int) -> object:
        self._count += 1
        if self._count > _MOST_VALUES or depth > _GREATEST_DEPTH:
            raise DocumentError("holds too much, or too deep a nesting", node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._read_map(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self._read_item(item, entry_path(path, index), depth) for index, item in enumerate(node.value)]
        return self._read_scalar(node)

    def _read_scalar(self, node: yaml.Node) -> object:
        if node.tag == "tag:yaml.org,2002:timestamp":
            return node.value
        try:
            return self._constructor.construct_object(node)
        except (yaml.YAMLError, ValueError):
            raise DocumentError("holds a value that cannot be read", node.start_mark.line + 1) from None

    def _read_map(self, node: yaml.MappingNode, path: str, depth: int) -> object:
        self._constructor.flatten_mapping(node)
        found: dict[str, object] = {}
        for key, item in node.value:
            name = str(key.value)
            inner = _inner_path(path, name)
            line = key.start_mark.line + 1
            if id(key) in self._repeated_keys:
                self.repeated.append((inner, line))
            self.lines[inner] = line
            found[name] = self.read(item, inner, depth + 1)
        return UNKNOWN if found.keys() == {"secure"} and isinstance(found["secure"], str) else found

    def _read_item(self, node: yaml.Node, path: str, depth: int) -> object:
        self.lines[path] = node.start_mark.line + 1
        return self.read(node, path, depth + 1)


def _inner_path(path: str, name: str) -> str:
    """Name a key as problems do: with a dot where the rules for names allow one, else in brackets."""
    last = path.rpartition(".")[2]
    if last in ("transforms", "headers"):
        return entry_path(path, name)
    named = last.endswith(("pipelines", 'pipelines"]')) and re.fullmatch(r"[\w-]+", name)
    return f"{path}.{name}" if named else field_path(path, name)

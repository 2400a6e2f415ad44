"""The corpus: pipelines as data, and what is to be said of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from goldrush_pulumi.validation.problems import path_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parents[2] / "corpus"


class Entry(NamedTuple):
    """One pipeline: its inputs, and for each path the fragments that its problems hold."""

    name: str
    inputs: dict[str, Any]
    errors: dict[str, list[str]]
    warnings: dict[str, list[str]]


def read_corpus(name: str) -> list[Entry]:
    """Read one file of entries; each is a base with changes, where null leaves a field out.

    An entry with `cases` stands for one entry per case: a value at the path `at`, and what is said of it there.
    """
    bases = _load("bases")
    return [entry for item in _load(name) for entry in _entries(item, bases[item["base"]])]


def _entries(item: dict[str, Any], base: dict[str, Any]) -> Iterator[Entry]:
    inputs = _changed(base, item.get("with", {}))
    if "cases" not in item:
        yield Entry(item["name"], inputs, _fragments(item.get("expect", {})), _fragments(item.get("warns", {})))
        return
    for value, *said in item["cases"]:
        expected = {item["at"]: said} if said else {}
        errors, warnings = (expected, {}) if item.get("refused") else ({}, expected)
        changed = _with_value(inputs, path_keys(item["at"]), value)
        yield Entry(f"{item['name']}: {json.dumps(value, ensure_ascii=False)[:120]}", changed, errors, warnings)


def _with_value(holder: Any, keys: tuple[str | int, ...], value: Any) -> Any:
    if not keys:
        return value
    first, *rest = keys
    if isinstance(first, int):
        return [*holder[:first], _with_value(holder[first], tuple(rest), value), *holder[first + 1 :]]
    return {**holder, first: _with_value(holder.get(first, {}), tuple(rest), value)}


def _load(name: str) -> Any:
    # What YAML shares by an alias must not be shared by the entries.
    return json.loads(json.dumps(yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))))


def _fragments(expected: dict[str, Any]) -> dict[str, list[str]]:
    return {path: says if isinstance(says, list) else [says] for path, says in expected.items()}


def _changed(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    changed = dict(base)
    for name, value in changes.items():
        known = base.get(name)
        if isinstance(known, dict) and isinstance(value, dict) and _is_of_same_type(known, value):
            changed[name] = _changed(known, value)
        else:
            changed[name] = value
    return {name: value for name, value in changed.items() if value is not None}


def _is_of_same_type(known: dict[str, Any], value: dict[str, Any]) -> bool:
    return "type" not in value or value["type"] in (None, known.get("type"))

"""The entries of a Solidity ABI, and where each stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from goldrush_pulumi.validation.problems import entry_path, field_path

ABI_PATH: Final = "abi_file"


class Entry(NamedTuple):
    """One entry of an ABI and where it stands."""

    path: str
    item: Mapping[str, Any]

    @property
    def kind(self) -> object:
        """What it describes; the specification lets a function leave it out."""
        return self.item.get("type", "function")


def read_entries(abi: object) -> list[Entry]:
    """List the entries of an ABI: an array, an object that holds one under `abi`, or one entry alone.

    What is no entry is left out.
    """
    items, path = find_items(abi)
    return [Entry(entry_path(path, index), item) for index, item in enumerate(items) if isinstance(item, Mapping)]


def find_items(abi: object) -> tuple[list[Any], str]:
    """Find the array of an ABI, whatever is in it, and the path of the array."""
    if isinstance(abi, list):
        return abi, ABI_PATH
    if isinstance(abi, Mapping):
        inner = abi.get("abi")
        if isinstance(inner, list):
            return inner, field_path(ABI_PATH, "abi")
        if "type" in abi or "name" in abi:
            return [abi], ABI_PATH
    return [], ABI_PATH

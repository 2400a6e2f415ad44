"""Pulumi projects: where their stack files are, and what paths in them are relative to, by Pulumi's own rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from goldrush_pulumi.validation.documents import DocumentError, read_document

if TYPE_CHECKING:
    from pathlib import Path

_ENDINGS: Final = ("yaml", "yml", "json")

_STACK_FILE: Final = re.compile(r"Pulumi\.(?P<stack>.+)\.(?:yaml|yml|json)")


@dataclass(frozen=True)
class Project:
    """A Pulumi project.

    Attributes:
        file: Its file, `Pulumi.yaml`.
        name: Its name, which is the namespace of the program's own config; empty when the file does not give one.
        settings: What its file holds; empty when it cannot be read.
    """

    file: Path
    name: str
    settings: Mapping[str, object]

    @property
    def root(self) -> Path:
        """Its folder, which paths such as `abi_file` are relative to."""
        return self.file.parent

    def stack_files(self, stack: str = "*") -> list[Path]:
        """Return the files of its stacks, or of one stack, by name.

        They have the ending of the project's file. A stack that is named with its organization has the last part of
        the name in its file.
        """
        folder = self.root / str(self.settings.get("stackConfigDir") or "")
        return sorted(folder.glob(f"Pulumi.{stack.rpartition('/')[2]}{self.file.suffix}"))


def find_project(folder: Path) -> Project | None:
    """Return the project that a folder belongs to: the one in it or in the nearest folder above."""
    folder = folder.resolve()
    for place in (folder, *folder.parents):
        for ending in _ENDINGS:
            file = place / f"Pulumi.{ending}"
            if file.is_file():
                return _read_project(file)
    return None


def is_stack_file(file: Path) -> bool:
    """Return whether a file has the name of a stack's config, `Pulumi.<stack>.yaml`."""
    return _STACK_FILE.fullmatch(file.name) is not None


def _read_project(file: Path) -> Project:
    try:
        value = read_document(file).value
    except DocumentError:
        value = None
    settings = value if isinstance(value, Mapping) else {}
    name = settings.get("name")
    return Project(file, name if isinstance(name, str) else "", settings)

"""The stacks that this machine has seen, by the owner in the ownership tags of their pipelines.

A tag names its stack by a random id, because names do not identify a stack. For people a name says more, so whatever
runs here for a stack notes what the stack is called. That is a hint and never a proof: stacks are renamed, and a state
may be copied. Nothing is decided by it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.operations.identity import OwnershipTag
from goldrush_pulumi.operations.journal import default_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_OWNER: Final = re.compile(r"[0-9a-f]{32}")

_URN: Final = re.compile(r"urn:pulumi:(?P<stack>[^:]+)::(?P<project>[^:]+)::")

_LONGEST: Final = 100

_KEPT_SECONDS: Final = 365 * 24 * 3600.0

_SELF_MANAGED: Final = "organization"
"""What backends without organizations call the only one."""


@dataclass(frozen=True)
class StackName:
    """What a stack is called; `organization` is empty where it is not known."""

    project: str
    stack: str
    organization: str = ""

    @classmethod
    def of(cls, urn: str, organization: str = "") -> StackName | None:
        """Return the name of the stack of a resource, None where the URN does not say it."""
        found = _URN.match(urn)
        return cls(found["project"], found["stack"], organization) if found else None

    def __str__(self) -> str:
        organization = "" if self.organization == _SELF_MANAGED else self.organization
        return "/".join(_shown(part) for part in (organization, self.project, self.stack) if part)


class KnownStacks:
    """The names of stacks, one file for each owner. `folder` is where they are, or None.

    I/O errors are ignored. Safe to share between threads.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._noted: set[str] = set()

    @classmethod
    def of_user(cls) -> KnownStacks:
        """Return those that the present user's commands have seen."""
        return cls(default_folder(os.environ, "stacks"))

    def note(self, owner: object, name: StackName | None) -> None:
        """Note what the stack of an owner is called, once per process. An owner that is unknown yet is passed over."""
        if self._folder is None or name is None or not (isinstance(owner, str) and _OWNER.fullmatch(owner)):
            return
        with self._lock:
            is_new = owner not in self._noted
            self._noted.add(owner)
        if not is_new:
            return
        known = self._read(self._folder, owner)
        if known and (known.project, known.stack) == (name.project, name.stack) and not name.organization:
            # Only the command line knows the organization.
            name = known
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._prune(self._folder)
            unfinished = self._folder / f"{owner}.{os.getpid()}.new"
            unfinished.write_text(json.dumps(vars(name)), "utf-8")
            unfinished.replace(self._folder / f"{owner}.json")

    def find(self, description: str) -> str:
        """Return the name of the stack whose ownership tag ends a description; "" where none or no name is known."""
        tag = OwnershipTag.found_in(description)
        name = None if tag is None or self._folder is None else self._read(self._folder, tag.owner)
        return "" if name is None else str(name)

    @staticmethod
    def _read(folder: Path, owner: str) -> StackName | None:
        try:
            note: Any = json.loads((folder / f"{owner}.json").read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return _name_in(note) if isinstance(note, dict) else None

    @staticmethod
    def _prune(folder: Path) -> None:
        for file in folder.iterdir():
            with contextlib.suppress(OSError):
                if time.time() - file.stat().st_mtime >= _KEPT_SECONDS:
                    file.unlink()


def _name_in(note: Mapping[str, Any]) -> StackName | None:
    project, stack, organization = (str(note.get(name) or "") for name in ("project", "stack", "organization"))
    return StackName(project, stack, organization) if project and stack else None


def _shown(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)[:_LONGEST]

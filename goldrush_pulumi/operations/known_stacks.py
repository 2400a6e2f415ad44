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
from goldrush_pulumi.operations.notes import drop_old, read_note, replace_file, user_folder

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
        return cls(user_folder(os.environ, "stacks"))

    def note(self, owner: object, name: StackName | None) -> None:
        """Note what the stack of an owner is called, once per process. An owner that is unknown yet is passed over."""
        if self._folder is None or name is None or not (isinstance(owner, str) and _OWNER.fullmatch(owner)):
            return
        with self._lock:
            is_new = owner not in self._noted
            self._noted.add(owner)
        if not is_new:
            return
        known = _name_in(read_note(self._folder / f"{owner}.json"))
        if known and (known.project, known.stack) == (name.project, name.stack) and not name.organization:
            # Only the command line knows the organization.
            name = known
        with contextlib.suppress(OSError):
            drop_old(self._folder, _KEPT_SECONDS, time.time())
            replace_file(self._folder / f"{owner}.json", json.dumps(vars(name)).encode())

    def find(self, description: str) -> str:
        """Return the name of the stack whose ownership tag ends a description; "" where none or no name is known."""
        tag = OwnershipTag.found_in(description)
        if tag is None or self._folder is None:
            return ""
        return str(_name_in(read_note(self._folder / f"{tag.owner}.json")) or "")


def _name_in(note: Mapping[str, Any]) -> StackName | None:
    project, stack, organization = (str(note.get(name) or "") for name in ("project", "stack", "organization"))
    return StackName(project, stack, organization) if project and stack else None


def _shown(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)[:_LONGEST]

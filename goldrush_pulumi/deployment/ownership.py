"""The mark that tells whose a pipeline is, kept at the end of its description where no user sees it.

A POST has no key that makes it safe to repeat, and names are not known to be unique. So a pipeline that is created here
says which stack's resource it belongs to, and one that was created but never recorded can be found again.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from goldrush_pulumi.validation.pipeline_rules import OWNERSHIP_MARK

OWNER: Final = "__owner"
"""Hidden input: the id of the stack's `Owner`. Without it a pipeline carries no mark and nothing is adopted."""

_WHOLE_MARK: Final = re.compile(r"\[pulumi:(?P<owner>[0-9a-f]{32})/(?P<resource>[0-9a-f]{10})\]\s*$")
_MARK_START: Final = "[pulumi:"
_MARK_ANYWHERE: Final = re.compile(r"\s?\[pulumi:[0-9a-f]{32}/[0-9a-f]{10}\]")
_SHORTEST_LIMIT: Final = 64


@dataclass(frozen=True)
class Mark:
    """Names one resource of one stack: 32 hex digits of its owner, 10 of the resource's type chain and name."""

    owner: str
    resource: str

    @classmethod
    def of(cls, owner: str, urn: str) -> Mark:
        """The mark of the resource `urn`. Stack and project are left out: they may be renamed, the owner stays."""
        chain_and_name = urn.split("::", 2)[-1]
        return cls(owner, hashlib.sha256(chain_and_name.encode()).hexdigest()[:10])

    @classmethod
    def found_in(cls, description: str) -> Mark | None:
        """The mark at the end of a description, None where there is none or only a part of one."""
        found = _WHOLE_MARK.search(description)
        return cls(found["owner"], found["resource"]) if found else None

    def __str__(self) -> str:
        return f"[pulumi:{self.owner}/{self.resource}]"

    def on(self, description: str) -> str:
        """`description` with the mark at its end."""
        return f"{description} {self}" if description else str(self)


def without_mark(description: str) -> str:
    """A server's description as its user knows it: without a mark, whoever's it is, whole or cut off."""
    return OWNERSHIP_MARK.sub("", description)


def as_user_wrote(wanted: str, actual: str) -> str:
    """A server's description for a user who wants `wanted`: just that where they differ by a mark or its remains."""
    text = without_mark(actual)
    if _same(text, wanted) or is_cut(wanted, text) or is_mark_cut_on(wanted, actual):
        return wanted
    # Somebody wrote on behind the mark: what they wrote is theirs, the mark is not.
    return _MARK_ANYWHERE.sub("", text)


def is_mark_cut_on(wanted: str, actual: str) -> bool:
    """Whether `actual` is `wanted` with the beginning of a mark behind it, as a server leaves that limits lengths."""
    rest = actual[len(wanted) :].strip() if actual.startswith(wanted) else ""
    return bool(rest) and (_MARK_START.startswith(rest) or (rest.startswith(_MARK_START) and "]" not in rest))


def _same(one: str, other: str) -> bool:
    return one.strip() == other.strip()


def is_cut(wanted: str, actual: str) -> bool:
    """Whether `actual` is `wanted` as a server keeps it that limits the length of descriptions.

    Only beyond a length that limits are known to have: a short text that lost its end was edited by somebody.
    """
    return len(actual) >= _SHORTEST_LIMIT and actual != wanted and wanted.startswith(actual)

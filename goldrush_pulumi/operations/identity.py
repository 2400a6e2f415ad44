"""Who owns a pipeline: the ownership tag, what the resources of a process claim, and proof that a 404 means "deleted".

A POST has no key that makes it safe to repeat, and names are not known to be unique. So a pipeline that is created here
carries a tag at the end of its description, where no user sees it: it names the stack and the resource that began it. A
tag does not say that nobody recorded the pipeline since: resources are renamed, moved between stacks and copied.
"""

from __future__ import annotations

import hashlib
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.schema.wire import OWNER, OWNERSHIP_TAG, TAG_OWNER, UNKNOWN_VALUE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

GROUP: Final = "group_id"

_WHOLE_TAG: Final = re.compile(r"\[pulumi:(?P<owner>[0-9a-f]{32})/(?P<resource>[0-9a-f]{10})\]\s*$")
_OWNER_FORM: Final = re.compile(r"[0-9a-f]{32}")
_TAG_START: Final = "[pulumi:"
_TAG_ANYWHERE: Final = re.compile(r"\s?\[pulumi:[0-9a-f]{32}/[0-9a-f]{10}\]")
_SHORTEST_LIMIT: Final = 64
_FINGERPRINT_DIGITS: Final = 12


@dataclass(frozen=True)
class OwnershipTag:
    """Names one resource of one stack: 32 hex digits of its owner, 10 of the resource's type chain and name."""

    owner: str
    resource: str

    @classmethod
    def of(cls, owner: str, urn: str) -> OwnershipTag:
        """Return the tag of the resource `urn`. Stack and project are left out: they may be renamed."""
        chain_and_name = urn.split("::", 2)[-1]
        return cls(owner, hashlib.sha256(chain_and_name.encode()).hexdigest()[:10])

    @classmethod
    def found_in(cls, description: str) -> OwnershipTag | None:
        """Return the tag at the end of a description; None where there is none, or only a part of one."""
        found = _WHOLE_TAG.search(description)
        return cls(found["owner"], found["resource"]) if found else None

    def __str__(self) -> str:
        return f"[pulumi:{self.owner}/{self.resource}]"

    def on(self, description: str) -> str:
        """Return `description` with the tag at its end."""
        return f"{description} {self}" if description else str(self)


def provider_owner(provider_id: str) -> str | None:
    """Return the owner that stands for a provider resource of the plugin; None while its id is not known."""
    if not provider_id or provider_id == UNKNOWN_VALUE:
        return None
    owner = provider_id.replace("-", "").lower()
    # An id that somebody chose has any form.
    return owner if _OWNER_FORM.fullmatch(owner) else hashlib.sha256(provider_id.encode()).hexdigest()[:32]


def without_tag(description: str) -> str:
    """Return a server's description as its user knows it: without any tag, whole or cut off."""
    return OWNERSHIP_TAG.sub("", description)


def as_user_wrote(wanted: str, actual: str) -> str:
    """Return a server's description for a user who wants `wanted`: just that where they differ only by a tag."""
    text = without_tag(actual)
    if text.strip() == wanted.strip() or is_cut(wanted, text) or is_tag_cut_on(wanted, actual):
        return wanted
    # Somebody wrote on behind the tag: what they wrote is theirs, the tag is not.
    return _TAG_ANYWHERE.sub("", text)


def is_tag_cut_on(wanted: str, actual: str) -> bool:
    """Whether `actual` is `wanted` followed by the beginning of a tag, as a server leaves it that limits lengths."""
    rest = actual[len(wanted) :].strip() if actual.startswith(wanted) else ""
    return bool(rest) and (_TAG_START.startswith(rest) or (rest.startswith(_TAG_START) and "]" not in rest))


def is_cut(wanted: str, actual: str) -> bool:
    """Whether `actual` is `wanted` as a server keeps it that limits the length of descriptions.

    Only beyond a length that limits are known to have: a short text that lost its end was edited by somebody.
    """
    return len(actual) >= _SHORTEST_LIMIT and actual != wanted and wanted.startswith(actual)


def recorded_owners(outputs: Mapping[str, Any], inputs: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the owners that a record names: the one its tag had, and the one the program passed.

    None where the record cannot tell: outputs of an early version name no owner, and some SDKs hide the inputs.
    """
    owners = frozenset(
        str(record[name]) for record in (outputs, inputs) for name in (TAG_OWNER, OWNER) if record.get(name)
    )
    return owners if owners or "project" in inputs else None


def is_foreign(description: str, owners: Collection[str] | None) -> bool:
    """Whether a description carries the tag of an owner that is none of `owners`. Where None are known, nothing is."""
    tag = OwnershipTag.found_in(description)
    return tag is not None and owners is not None and tag.owner not in owners


def tag_owner(description: str, owners: Collection[str] | None, before: object) -> object:
    """Return the owner to record for a pipeline: that of its tag where it is one of `owners`, else what was recorded.

    Another stack's tag is never recorded: it would make the other stack's pipeline this one's to delete.
    """
    tag = OwnershipTag.found_in(description)
    return tag.owner if tag is not None and tag.owner in (owners or ()) else before


def key_fingerprint(service_key: str, base_url: str, pipeline_id: str) -> str:
    """Return twelve hex digits, the same for the same key, endpoint and pipeline; salted with the pipeline's id."""
    digest = hashlib.blake2b(key=pipeline_id.encode()[:64], digest_size=_FINGERPRINT_DIGITS // 2)
    digest.update(f"{base_url}\n{service_key}".encode())
    return digest.hexdigest()


class Claims:
    """What the resources of one process have to do with which pipelines. Shared by all threads.

    A pipeline that any verb works on has a record in some state, so it is not an orphan. One that a resource of the
    program holds must not become another's. One that was deleted for a replacement is not there to be adopted.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._declared: set[str] = set()
        self._seen: set[str] = set()
        self._holders: dict[str, str] = {}
        self._taken: set[str] = set()
        self._deleted: set[str] = set()
        self._replacements: dict[str, Mapping[str, Any]] = {}

    def declare(self, urn: str) -> None:
        """Note a resource that the program declares."""
        with self._lock:
            self._declared.add(urn)

    def is_declared(self, urn: str) -> bool:
        """Whether the program is known to declare a resource."""
        with self._lock:
            return urn in self._declared

    def see(self, pipeline_id: str) -> None:
        """Note a pipeline that some state records."""
        with self._lock:
            self._seen.add(pipeline_id)

    def has_seen(self, pipeline_id: str) -> bool:
        """Whether some state is known to record the pipeline."""
        with self._lock:
            return pipeline_id in self._seen

    def hold(self, pipeline_id: str, urn: str) -> str | None:
        """Note that the declared resource `urn` has a pipeline; return the URN of another that has it, if one does."""
        with self._lock:
            self._seen.add(pipeline_id)
            holder = self._holders.setdefault(pipeline_id, urn)
            return None if holder == urn else holder

    def take(self, pipeline_id: str, urn: str) -> str | None:
        """Take a pipeline for the new resource `urn`; return the URN of another declared resource that has it, if any.

        A record that no declared resource stands for does not count: the resource may have been renamed.
        """
        with self._lock:
            holder = self._holders.setdefault(pipeline_id, urn)
            if holder != urn:
                return holder
            self._seen.add(pipeline_id)
            self._taken.add(pipeline_id)
            return None

    def other_holder(self, pipeline_id: str, urn: str) -> str | None:
        """Return the URN of the declared resource that has a pipeline, where one is known and it is not `urn`."""
        with self._lock:
            holder = self._holders.get(pipeline_id, urn)
            return None if holder == urn else holder

    def was_taken(self, pipeline_id: str) -> bool:
        """Whether a resource took the pipeline in this process, by creating or adopting it."""
        with self._lock:
            return pipeline_id in self._taken

    def plan_replacement(self, pipeline_id: str, inputs: Mapping[str, Any]) -> None:
        """Note what will be created after the pipeline is deleted."""
        with self._lock:
            self._replacements[pipeline_id] = inputs

    def planned_replacement(self, pipeline_id: str) -> Mapping[str, Any] | None:
        """Return the inputs of the pipeline that will be created in place of this one, where that is known."""
        with self._lock:
            return self._replacements.get(pipeline_id)

    def note_deleted(self, pipeline_id: str) -> None:
        """Note that this process deleted a pipeline."""
        with self._lock:
            self._deleted.add(pipeline_id)
            self._holders.pop(pipeline_id, None)

    def was_deleted(self, pipeline_id: str) -> bool:
        """Whether this process deleted the pipeline."""
        with self._lock:
            return pipeline_id in self._deleted

"""The mark that tells whose a pipeline is, kept at the end of its description where no user sees it.

A POST has no key that makes it safe to repeat, and names are not known to be unique. So a pipeline that is created here
says which stack's resource it belongs to, and one that was created but never recorded can be found again.
"""

from __future__ import annotations

import hashlib
import re
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.api.errors import GoldRushError
from goldrush_pulumi.schema.wire import KEY_FINGERPRINT, OWNERSHIP_TAG

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from goldrush_pulumi.api import GoldRushClient

_WHOLE_TAG: Final = re.compile(r"\[pulumi:(?P<owner>[0-9a-f]{32})/(?P<resource>[0-9a-f]{10})\]\s*$")

_TAG_START: Final = "[pulumi:"

_TAG_ANYWHERE: Final = re.compile(r"\s?\[pulumi:[0-9a-f]{32}/[0-9a-f]{10}\]")

_SHORTEST_LIMIT: Final = 64


@dataclass(frozen=True)
class OwnershipTag:
    """Names one resource of one stack: 32 hex digits of its owner, 10 of the resource's type chain and name."""

    owner: str
    resource: str

    @classmethod
    def of(cls, owner: str, urn: str) -> OwnershipTag:
        """The mark of the resource `urn`. Stack and project are left out: they may be renamed, the owner stays."""
        chain_and_name = urn.split("::", 2)[-1]
        return cls(owner, hashlib.sha256(chain_and_name.encode()).hexdigest()[:10])

    @classmethod
    def found_in(cls, description: str) -> OwnershipTag | None:
        """The mark at the end of a description, None where there is none or only a part of one."""
        found = _WHOLE_TAG.search(description)
        return cls(found["owner"], found["resource"]) if found else None

    def __str__(self) -> str:
        return f"[pulumi:{self.owner}/{self.resource}]"

    def on(self, description: str) -> str:
        """`description` with the mark at its end."""
        return f"{description} {self}" if description else str(self)


def without_tag(description: str) -> str:
    """A server's description as its user knows it: without a mark, whoever's it is, whole or cut off."""
    return OWNERSHIP_TAG.sub("", description)


def as_user_wrote(wanted: str, actual: str) -> str:
    """A server's description for a user who wants `wanted`: just that where they differ by a mark or its remains."""
    text = without_tag(actual)
    if _same(text, wanted) or is_cut(wanted, text) or is_tag_cut_on(wanted, actual):
        return wanted
    # Somebody wrote on behind the mark: what they wrote is theirs, the mark is not.
    return _TAG_ANYWHERE.sub("", text)


def is_tag_cut_on(wanted: str, actual: str) -> bool:
    """Whether `actual` is `wanted` with the beginning of a mark behind it, as a server leaves that limits lengths."""
    rest = actual[len(wanted) :].strip() if actual.startswith(wanted) else ""
    return bool(rest) and (_TAG_START.startswith(rest) or (rest.startswith(_TAG_START) and "]" not in rest))


def _same(one: str, other: str) -> bool:
    return one.strip() == other.strip()


def is_cut(wanted: str, actual: str) -> bool:
    """Whether `actual` is `wanted` as a server keeps it that limits the length of descriptions.

    Only beyond a length that limits are known to have: a short text that lost its end was edited by somebody.
    """
    return len(actual) >= _SHORTEST_LIMIT and actual != wanted and wanted.startswith(actual)


GROUP: Final = "group_id"

_DIGITS: Final = 12


class AbsenceUnproven(GoldRushError):  # noqa: N818 - the name says what happened
    """A pipeline is not visible, and nothing shows that the key would see it if it were there."""

    @classmethod
    def of(cls, verb: str, name: str, pipeline_id: str) -> Self:
        """The error of a verb that met a 404. Not a constructor: an error is copied when its text is redacted."""
        return cls(
            f"{verb} pipeline {name}: {pipeline_id} is not visible, and this ServiceKey or endpoint is not the one it"
            " was deployed with, so it may well exist; nothing was changed. Use a key of the pipeline's account and"
            " its goldrush:baseUrl (`pulumi refresh` and `pulumi destroy` use those of the last `pulumi up` unless run"
            " with --run-program). If the pipeline is really gone, remove it with `pulumi state delete`"
        )


def key_fingerprint(service_key: str, base_url: str, pipeline_id: str) -> str:
    """Twelve hex digits that are the same for the same key, endpoint and pipeline, salted with the pipeline's id."""
    digest = hashlib.blake2b(key=pipeline_id.encode()[:64], digest_size=_DIGITS // 2)
    digest.update(f"{base_url}\n{service_key}".encode())
    return digest.hexdigest()


def absence_is_proven(client: GoldRushClient, fingerprint: str, outputs: Mapping[str, Any]) -> bool:
    """Whether a 404 for the pipeline of `outputs` can be believed.

    It can when the key and endpoint are the ones on record, or when the key sees another pipeline of the same group.
    """
    if outputs.get(KEY_FINGERPRINT) == fingerprint:
        return True
    group_id = outputs.get(GROUP)
    return bool(group_id) and any(pipeline.group_id == group_id for pipeline in client.iterate_pipelines())


class Claims:
    """Shared by all threads of a process.

    A pipeline that any verb works on belongs to some resource and is nobody's leftover. One that is known to be the
    resource's of one URN must not become another's.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self._holders: dict[str, str] = {}

    def see(self, pipeline_id: str) -> None:
        """Note a pipeline that is some resource's."""
        with self._lock:
            self._seen.add(pipeline_id)

    def has_seen(self, pipeline_id: str) -> bool:
        """Whether the pipeline is known to be some resource's."""
        with self._lock:
            return pipeline_id in self._seen

    def hold(self, pipeline_id: str, urn: str) -> str | None:
        """Note that the resource `urn` has a pipeline; answers the URN of another one that has it, if one does."""
        with self._lock:
            self._seen.add(pipeline_id)
            holder = self._holders.setdefault(pipeline_id, urn)
            return None if holder == urn else holder

    def take(self, pipeline_id: str, urn: str) -> bool:
        """Take a pipeline for the new resource `urn`; False when it is some resource's already."""
        with self._lock:
            if pipeline_id in self._seen:
                return False
            self._seen.add(pipeline_id)
            self._holders[pipeline_id] = urn
            return True

    def other_holder(self, pipeline_id: str, urn: str) -> str | None:
        """The URN of the resource that has a pipeline, where that is known and it is not `urn`."""
        with self._lock:
            holder = self._holders.get(pipeline_id, urn)
            return None if holder == urn else holder

"""Calls of the plugin that meet a bug outside the verbs: gRPC alone would show the text of the exception."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pulumi.runtime.proto import provider_pb2

from goldrush_pulumi.plugin import servicer
from goldrush_pulumi.plugin.host import Host

if TYPE_CHECKING:
    import grpc

PLANTED = "PLANTED-c4f1"

URN = "urn:pulumi:dev::shop::goldrush:index:Pipeline::swaps"


class CallEnded(Exception):  # noqa: N818 - gRPC raises a bare Exception
    """What `abort` raises here."""


class Context:
    """The part of gRPC's context that a reply needs."""

    def abort(self, code: grpc.StatusCode, text: str) -> None:
        del code
        raise CallEnded(text)


@pytest.mark.parametrize("broken", ["read", "write"])
@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("Check", provider_pb2.CheckRequest(urn=URN)),
        ("Create", provider_pb2.CreateRequest(urn=URN, preview=True)),
        ("Update", provider_pb2.UpdateRequest(urn=URN, preview=True)),
    ],
    ids=["check", "create", "update"],
)
def test_a_bug_beside_a_verb_shows_no_value(
    monkeypatch: pytest.MonkeyPatch, method: str, request_: Any, broken: str
) -> None:
    """Reading properties and writing replies end a call like a verb does: one line with the place of the bug."""

    def fail(*_: object) -> None:
        raise ValueError(PLANTED)

    monkeypatch.setattr(servicer, broken, fail)
    with pytest.raises(CallEnded) as ended:
        getattr(servicer.PipelineServicer(Host(None)), method)(request_, Context())
    assert str(ended.value).startswith(f"answer {method}: internal error ValueError in goldrush_pulumi.plugin.")
    assert PLANTED not in str(ended.value)
    assert ended.value.__cause__ is None
    assert ended.value.__context__ is None

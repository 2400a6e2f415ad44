"""Calls of the plugin that concern its process or have a reply of their own, made without a process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pulumi.runtime.proto import plugin_pb2, provider_pb2

from goldrush_pulumi import verbs
from goldrush_pulumi.operations.errors import UserError
from goldrush_pulumi.plugin.host import Host
from goldrush_pulumi.plugin.servicer import PipelineServicer
from goldrush_pulumi.plugin.values import encode, read
from goldrush_pulumi.schema.wire import OWNER, UNKNOWN_VALUE
from tests.plugin.fake_engine import FakeEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import grpc

URN = "urn:pulumi:dev::shop::goldrush:index:Pipeline::swaps"

ATTACH: dict[str, Callable[[PipelineServicer, str], object]] = {
    "attach": lambda plugin, address: plugin.Attach(plugin_pb2.PluginAttach(address=address), Context()),
    "handshake": lambda plugin, address: plugin.Handshake(
        provider_pb2.ProviderHandshakeRequest(engine_address=address), Context()
    ),
}


class Context:
    """A call that no reply of this file ends early."""

    def abort(self, code: grpc.StatusCode, text: str) -> None:
        raise AssertionError(f"{code}: {text}")


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    running = FakeEngine()
    yield running
    running.close()


@pytest.mark.parametrize("how", ATTACH)
def test_a_plugin_that_was_started_by_hand_finds_its_engine(how: str, engine: FakeEngine) -> None:
    """Once it is told the address, its lines reach the engine; before, they are dropped without harm."""
    host = Host(None)
    host.log("INFO", "too early", URN)

    ATTACH[how](PipelineServicer(host), engine.address)
    host.log("INFO", "in time", URN)

    assert [line.text for line in engine.wait_for(bool)] == ["in time"]


def test_a_handshake_without_an_address_changes_nothing(engine: FakeEngine) -> None:
    """The engine that started the plugin need not repeat its address."""
    host = Host(engine.address)

    reply = PipelineServicer(host).Handshake(provider_pb2.ProviderHandshakeRequest(), Context())
    host.warn_once("still here", URN)
    host.warn_once("still here", URN)

    assert reply.accept_secrets
    assert [(line.severity, line.text) for line in engine.wait_for(bool)] == [("WARNING", "still here")]


def test_nothing_is_changed_for_an_engine_that_is_gone(engine: FakeEngine) -> None:
    """Where nobody listens any more, a verb is refused before it sends anything, and every wait ends."""
    host = Host(engine.address)
    host.require_engine()
    assert not host.cancelled.is_set()

    engine.stop()
    with pytest.raises(UserError, match=r"^the Pulumi engine is gone, so nothing more was sent; run `pulumi cancel`"):
        host.require_engine()
    assert host.cancelled.is_set()


def test_a_pipeline_that_is_gone_has_no_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reply to a refresh of a pipeline that was deleted is empty, by which the engine drops it from state."""
    monkeypatch.setattr(verbs, "read", lambda *_, **__: None)

    reply = PipelineServicer(Host(None)).Read(provider_pb2.ReadRequest(id="pipe_1", urn=URN), Context())

    assert (reply.id, reply.HasField("properties"), reply.HasField("inputs")) == ("", False, False)


@pytest.mark.parametrize(
    ("provider_id", "mark", "owner"),
    [
        ("0000000000000000000000000000000A", "true", "0000000000000000000000000000000a"),
        ("00000000-0000-0000-0000-00000000000a", "true", "0000000000000000000000000000000a"),
        ("00000000-0000-0000-0000-00000000000a", "false", None),
        (UNKNOWN_VALUE, "true", None),
        ("", "true", None),
    ],
    ids=["an id", "a UUID", "tags turned off", "not known yet", "none"],
)
def test_the_provider_is_the_owner_of_what_it_creates(provider_id: str, mark: str, owner: str | None) -> None:
    """A preview shows the owner that the create will record; before the provider exists, there is none to show."""
    plugin, context = PipelineServicer(Host(None)), Context()
    arguments: dict[str, Any] = {"ownershipMark": mark}
    plugin.Configure(provider_pb2.ConfigureRequest(id=provider_id, args=encode(arguments)), context)

    reply = plugin.Create(provider_pb2.CreateRequest(urn=URN, properties=encode({}), preview=True), context)

    assert read(reply.properties).values.get(OWNER) == owner

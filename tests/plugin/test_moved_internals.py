from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.plugin import sabotage
from tests.plugin.harness import Plugin
from tests.plugin.lab_provider import PLANTED, LabProvider
from tests.plugin.wire import VerbError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plugin.gate import Gate

pytestmark = pytest.mark.traced

NOTHING_FOUND = ["request renamed", "context renamed", "context without trailers"]
NO_PARTIAL_RESULT = ["serializer renamed", "properties renamed", "trailers refused", "status message gone"]
POOL_STAYS_SMALL = ["pool of another kind", "worker's argument renamed", "pool's limit renamed"]
NO_CANCEL = ["servicer renamed", "Cancel with a free variable"]
ENGINE_OUT_OF_REACH = ["host's module renamed", "address taken out of argv", "flag behind the address"]
TELL = {"does": "tell request"}


def start(sdk_python: Path, *names: str, gate: Gate | None = None) -> Plugin:
    environment = {**sabotage.environment(*names), **({} if gate is None else gate.environment)}
    return Plugin(provider=LabProvider(), interpreter=sdk_python, env=environment)


def warnings(plugin: Plugin) -> list[str]:
    return [line.text for line in plugin.engine.lines if line.severity == "WARNING"]


def fail(plugin: Plugin, behaviour: str) -> VerbError:
    with pytest.raises(VerbError) as caught:
        plugin.create("swaps", {"does": behaviour})
    return caught.value


@pytest.mark.parametrize("name", NOTHING_FOUND)
def test_errors_arrive_when_the_request_is_not_found(sdk_python: Path, name: str) -> None:
    """The text arrives in the SDK's own wrapping, without a planted secret, and the loss is reported once."""
    with start(sdk_python, name) as plugin:
        errors = [fail(plugin, behaviour) for behaviour in ("fail for user", "fail partly", "exit", "have a bug")]
        reported = warnings(plugin)
    texts = [error.text for error in errors]
    assert "the topic is gone\nchoose another one" in texts[0]
    assert "is FAILED\nfix the cause" in texts[1]
    assert "create resource: internal error SystemExit" in texts[2]
    assert "create resource: internal error ValueError" in texts[3]
    assert not any(PLANTED in text for text in texts)
    assert [error.partial for error in errors] == [None] * 4
    assert len(reported) == 1
    assert "hides the engine's requests" in reported[0]


@pytest.mark.parametrize("name", NOTHING_FOUND)
def test_request_that_is_not_found_is_empty(sdk_python: Path, name: str) -> None:
    """A provider that asks for its request gets an empty one and no error."""
    with start(sdk_python, name) as plugin:
        request = plugin.create("swaps", TELL, timeout_seconds=42.0).properties["request"]
    assert request["urn"] == ""
    assert request.get("timeout_seconds") is None


def test_fields_that_the_message_lacks_are_empty(sdk_python: Path) -> None:
    """A message without optional fields gives a request that has the resource's name and no more."""
    with start(sdk_python, "optional fields gone") as plugin:
        updated = plugin.update("swaps", "lab-1", TELL, TELL, old_inputs=TELL, timeout_seconds=42.0)
    request = updated.properties["request"]
    assert request["resource_name"] == "swaps"
    assert (request.get("timeout_seconds"), request["inputs"]) == (None, {})


def test_inputs_are_empty_when_nothing_reads_them(sdk_python: Path) -> None:
    """When the SDK's reader of properties moved, the request keeps the rest, and the loss is reported once."""
    with start(sdk_python, "deserializer renamed") as plugin:
        requests = [
            plugin.update("swaps", "lab-1", TELL, TELL, old_inputs=TELL, timeout_seconds=42.0).properties["request"]
            for _ in range(2)
        ]
        reported = warnings(plugin)
    assert [(request["inputs"], request["timeout_seconds"]) for request in requests] == [({}, 42.0)] * 2
    assert len(reported) == 1
    assert "hides recorded inputs" in reported[0]


@pytest.mark.parametrize("name", NO_PARTIAL_RESULT)
def test_errors_arrive_when_no_partial_result_can_be_sent(sdk_python: Path, name: str) -> None:
    """The text arrives in the SDK's own wrapping, nothing is recorded, and the loss is reported once."""
    with start(sdk_python, name) as plugin:
        errors = [fail(plugin, "fail partly") for _ in range(3)]
        reported = warnings(plugin)
    assert all("is FAILED\nfix the cause" in error.text for error in errors)
    assert [error.partial for error in errors] == [None] * 3
    assert len(reported) == 1
    assert "does not take partial results" in reported[0]


@pytest.mark.parametrize("name", POOL_STAYS_SMALL)
def test_verbs_run_when_the_pool_cannot_grow(sdk_python: Path, name: str, gate: Gate) -> None:
    """Deployments run four at a time, the others after them, and the loss is reported once."""
    with start(sdk_python, name, gate=gate) as plugin:
        pending = [plugin.create_async(f"swaps-{number}", {"does": "hold"}) for number in range(6)]
        for visitor in gate.await_visitors(4):
            visitor.release()
        for visitor in gate.await_visitors(2):
            visitor.release()
        assert [answer.result().id for answer in pending] == ["lab-1"] * 6
        reported = warnings(plugin)
    assert len(reported) == 1
    assert "more than four" in reported[0]


@pytest.mark.parametrize("name", NO_CANCEL)
def test_cancel_is_answered_when_it_cannot_be_hooked(sdk_python: Path, name: str, gate: Gate) -> None:
    """The host's own answer stays, waits go on to their end, and the loss is reported once."""
    with start(sdk_python, name, gate=gate) as plugin:
        pending = plugin.create_async("swaps", {"does": "hold"})
        (held,) = gate.await_visitors(1)
        plugin.cancel()
        held.release()
        assert pending.result().id == "lab-1"
        reported = warnings(plugin)
    assert len(reported) == 1
    assert "Ctrl-C" in reported[0]


@pytest.mark.parametrize("name", ENGINE_OUT_OF_REACH)
def test_verbs_run_when_the_engine_is_not_found(sdk_python: Path, name: str, gate: Gate) -> None:
    """Without the engine's address nothing can be reported; verbs run, fail with their text and may change things."""
    with start(sdk_python, name, gate=gate) as plugin:
        assert plugin.create("swaps", {"does": "say"}).properties == {"does": "say"}
        assert fail(plugin, "fail for user").text == "pipeline base-swaps: the topic is gone\nchoose another one"
        pending = plugin.create_async("swaps", {"does": "require engine after hold"})
        (held,) = gate.await_visitors(1)
        plugin.cancel()
        held.release()
        assert held.read() == "sent"
        assert pending.result().id == "lab-1"
    assert plugin.engine.lines == []
    assert plugin.printed == ""


def test_lines_that_cannot_be_sent_are_dropped(sdk_python: Path) -> None:
    """Without a client for the engine, status lines and warnings vanish without a word on stdout or stderr."""
    with start(sdk_python, "engine stub gone") as plugin:
        assert plugin.create("swaps", {"does": "say"}).properties == {"does": "say"}
    assert plugin.engine.lines == []
    assert plugin.printed == ""


def test_verbs_run_when_everything_moved(sdk_python: Path) -> None:
    """With one sabotage of each kind at once, verbs still do what the public API promises."""
    everything = (
        *(names[0] for names in (NOTHING_FOUND, NO_PARTIAL_RESULT, POOL_STAYS_SMALL, NO_CANCEL)),
        "engine stub gone",
    )
    with start(sdk_python, *everything) as plugin:
        assert plugin.create("swaps", {"does": "say"}).id == "lab-1"
        assert "the topic is gone" in fail(plugin, "fail for user").text


def test_every_sabotage_is_tested() -> None:
    """No way to change the host is described and then left out."""
    alone = {"optional fields gone", "deserializer renamed", "engine stub gone"}
    lists = (NOTHING_FOUND, NO_PARTIAL_RESULT, POOL_STAYS_SMALL, NO_CANCEL, ENGINE_OUT_OF_REACH)
    assert {name for names in lists for name in names} | alone == sabotage.SABOTAGES.keys()

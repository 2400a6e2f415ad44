from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.plugin.harness import Plugin
from tests.plugin.lab_provider import PLANTED, LabProvider
from tests.plugin.wire import VerbError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plugin.gate import Gate


def start(sdk_python: Path, sabotage: str, gate: Gate | None = None) -> Plugin:
    environment = {"LAB_SABOTAGE": sabotage, **({} if gate is None else gate.environment)}
    return Plugin(provider=LabProvider(), interpreter=sdk_python, env=environment)


def warnings(plugin: Plugin) -> list[str]:
    return [line.text for line in plugin.engine.lines if line.severity == "WARNING"]


def fail(plugin: Plugin, behaviour: str) -> VerbError:
    with pytest.raises(VerbError) as caught:
        plugin.create("swaps", {"does": behaviour})
    return caught.value


def test_without_frames_errors_still_arrive(sdk_python: Path) -> None:
    """When the request is out of reach, the text arrives in the SDK's own wrapping and the loss is said once."""
    with start(sdk_python, "frames") as plugin:
        texts = [fail(plugin, behaviour).text for behaviour in ("fail for user", "fail partly", "exit", "have a bug")]
        said = warnings(plugin)
    assert "the topic is gone\nchoose another one" in texts[0]
    assert "is FAILED\nfix the cause" in texts[1]
    assert "create resource: internal error SystemExit" in texts[2]
    assert "create resource: internal error ValueError" in texts[3]
    assert not any(PLANTED in text for text in texts)
    assert len(said) == 1
    assert "hides the engine's requests" in said[0]


def test_without_frames_the_request_is_empty(sdk_python: Path) -> None:
    """A provider that asks for its request gets an empty one, not an error."""
    with start(sdk_python, "frames") as plugin:
        request = plugin.create("swaps", {"does": "tell request"}).properties["request"]
    assert request["urn"] == ""
    assert request.get("timeout_seconds") is None


def test_without_the_status_message_errors_still_arrive(sdk_python: Path) -> None:
    """When no trailer can be built, the text arrives in the SDK's own wrapping and the loss is said once."""
    with start(sdk_python, "status message") as plugin:
        texts = [fail(plugin, "fail partly").text for _ in range(3)]
        said = warnings(plugin)
    assert all("is FAILED\nfix the cause" in text for text in texts)
    assert len(said) == 1
    assert "does not take partial results" in said[0]


def test_without_the_pool_verbs_still_run(sdk_python: Path) -> None:
    """When the pool cannot grow, deployments run four at a time and the user is told once."""
    with start(sdk_python, "pool") as plugin:
        assert [plugin.create(name, {"does": "succeed"}).id for name in ("a", "b")] == ["lab-1"] * 2
        said = warnings(plugin)
    assert len(said) == 1
    assert "more than four" in said[0]


def test_without_the_servicer_cancel_is_answered(sdk_python: Path, gate: Gate) -> None:
    """When Cancel cannot be hooked, the host's own answer stays, waits go on and the user is told once."""
    with start(sdk_python, "servicer", gate) as plugin:
        pending = plugin.create_async("swaps", {"does": "hold"})
        (held,) = gate.await_visitors(1)
        plugin.cancel()
        held.release()
        assert pending.result().id == "lab-1"
        said = warnings(plugin)
    assert len(said) == 1
    assert "Ctrl-C" in said[0]


def test_without_the_engine_stub_nothing_fails(sdk_python: Path) -> None:
    """Status lines and warnings that cannot be sent are dropped without a word on stdout or stderr."""
    with start(sdk_python, "engine stub") as plugin:
        assert plugin.create("swaps", {"does": "say"}).properties == {"does": "say"}
    assert plugin.engine.lines == []
    assert plugin.printed == ""


def test_everything_moved_at_once(sdk_python: Path) -> None:
    """With every internal gone, verbs still work as the public API promises."""
    with start(sdk_python, "frames,pool,servicer,status message,engine stub") as plugin:
        assert plugin.create("swaps", {"does": "say"}).id == "lab-1"
        assert "the topic is gone" in fail(plugin, "fail for user").text

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from tests.plugin.harness import Plugin
from tests.plugin.lab_provider import LabProvider
from tests.plugin.wire import VerbError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plugin.gate import Gate

pytestmark = pytest.mark.traced


def start(sdk_python: Path, gate: Gate, pool_size: int, engine_address: str | None = None) -> Plugin:
    environment = {**gate.environment, "LAB_POOL_SIZE": str(pool_size)}
    return Plugin(provider=LabProvider(), interpreter=sdk_python, env=environment, engine_address=engine_address)


def test_64_creates_run_at_the_same_moment(sdk_python: Path, gate: Gate) -> None:
    """All 64 are inside create together, those too that were queued before the first one could enlarge the pool."""
    names = {f"pipeline-{number}" for number in range(64)}
    with start(sdk_python, gate, pool_size=64) as plugin:
        pending = [plugin.create_async(name, {"does": "hold"}) for name in names]
        held = gate.await_visitors(64)
        assert {visitor.name for visitor in held} == names
        assert not any(answer.done for answer in pending)
        for visitor in held:
            visitor.release()
        assert [answer.result().id for answer in pending] == ["lab-1"] * 64


def test_other_verbs_are_served_while_the_pool_is_full(sdk_python: Path, gate: Gate) -> None:
    """Threads beyond the asked size answer what comes while every create waits."""
    with start(sdk_python, gate, pool_size=8) as plugin:
        pending = [plugin.create_async(f"pipeline-{number}", {"does": "hold"}) for number in range(8)]
        held = gate.await_visitors(8)
        assert plugin.check("another", {"does": "succeed"}).inputs == {"does": "succeed"}
        for visitor in held:
            visitor.release()
        assert all(answer.result().id for answer in pending)


def test_cancel_ends_all_that_wait(sdk_python: Path, gate: Gate) -> None:
    """Ctrl-C is answered while 32 creates fill the pool, and each of them ends as a partial create."""
    with start(sdk_python, gate, pool_size=32) as plugin:
        pending = [plugin.create_async(f"pipeline-{number}", {"does": "wait until cancelled"}) for number in range(32)]
        held = gate.await_visitors(32)
        assert not any(answer.done for answer in pending)
        plugin.cancel()
        assert [visitor.read() for visitor in held] == ["cancelled"] * 32
        for answer in pending:
            with pytest.raises(VerbError) as caught:
                answer.result()
            assert caught.value.partial is not None
            assert caught.value.partial.reasons == ("cancelled while it was deploying",)


def test_the_process_ends_after_the_engine(sdk_python: Path, gate: Gate) -> None:
    """A killed CLI leaves no provider behind: waits are cancelled, then the process exits by itself."""
    with start(sdk_python, gate, pool_size=8) as plugin:
        plugin.create_async("swaps", {"does": "wait until cancelled"})
        (held,) = gate.await_visitors(1)
        plugin.engine.stop()
        assert held.read() == "cancelled"
        assert plugin.wait_for_exit() == 1


def test_the_process_ends_though_a_verb_does_not_listen(sdk_python: Path, gate: Gate) -> None:
    """A verb that never looks at the cancellation cannot keep the process alive."""
    with start(sdk_python, gate, pool_size=8) as plugin:
        plugin.create_async("swaps", {"does": "hold"})
        gate.await_visitors(1)
        plugin.engine.stop()
        assert plugin.wait_for_exit() == 1


def test_nothing_is_changed_after_the_engine_is_gone(sdk_python: Path, gate: Gate) -> None:
    """The guard before a changing request raises at once and cancels everything else."""
    with start(sdk_python, gate, pool_size=8) as plugin:
        plugin.create_async("swaps", {"does": "require engine after hold"})
        (held,) = gate.await_visitors(1)
        plugin.engine.stop()
        held.release()
        assert held.read() == (
            "True create Pipeline swaps: the Pulumi engine is gone, so nothing more was sent; "
            "run `pulumi cancel`, then `pulumi up` again"
        )


def test_the_guard_lets_through_while_the_engine_lives(sdk_python: Path, gate: Gate) -> None:
    """With a live engine the guard costs nothing but a connection."""
    with start(sdk_python, gate, pool_size=8) as plugin:
        pending = plugin.create_async("swaps", {"does": "require engine after hold"})
        (held,) = gate.await_visitors(1)
        held.release()
        assert held.read() == "sent"
        assert pending.result().id == "lab-1"


def test_the_process_stays_while_the_engine_lives(sdk_python: Path, gate: Gate) -> None:
    """However often the engine is looked for, a process whose engine listens goes on serving."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        with start(sdk_python, gate, pool_size=8, engine_address=address) as plugin:
            plugin.check("swaps", {"does": "succeed"})
            for _ in range(3):
                listener.accept()[0].close()
            assert plugin.create("swaps", {"does": "succeed"}).id == "lab-1"
            assert plugin.process.poll() is None

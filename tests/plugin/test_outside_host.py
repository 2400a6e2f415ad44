from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldrush_pulumi import engine
from goldrush_pulumi.engine import host as cancellation
from goldrush_pulumi.engine import log as channel
from goldrush_pulumi.engine import values
from goldrush_pulumi.operations.call import contains_unknown
from tests.plugin.wire import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.traced

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


class Lonely:
    """Verbs called by nobody's host."""

    @engine.verb
    def create(self, error: BaseException) -> None:
        raise error

    @engine.verb
    def update(self, error: BaseException) -> None:
        self.create(error)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (engine.UserError("exactly this"), "exactly this"),
        (engine.InitFailed("lab-1", {}, ["one", "two"]), "one\ntwo"),
        (engine.EngineGone("gone"), "gone"),
    ],
)
def test_a_direct_call_raises_the_text(error: BaseException, text: str) -> None:
    """Outside the host a verb's text arrives as a RuntimeError without a context that would print more."""
    with pytest.raises(RuntimeError) as caught:
        Lonely().create(error)
    assert str(caught.value) == text
    assert caught.value.__context__ is None


def test_a_verb_that_calls_a_verb_is_wrapped_once() -> None:
    """The outer verb reports what the inner one raised, under its own name."""
    with pytest.raises(RuntimeError) as caught:
        Lonely().update(KeyError("planted"))
    assert str(caught.value).startswith("update resource: internal error KeyError in ")
    assert "planted" not in str(caught.value)


def test_there_is_no_request_outside_a_verb() -> None:
    """Outside a verb the request is empty."""
    assert engine.current_request() == engine.Request()
    assert engine.current_request().urn == ""


def test_a_request_does_not_show_its_inputs() -> None:
    """Inputs may hold secrets, so a request's text leaves them out."""
    assert "planted" not in repr(engine.Request(inputs={"password": "planted"}))


def test_a_partial_result_does_not_show_its_outputs() -> None:
    """Outputs may hold secrets, so neither text of an InitFailed has them."""
    failure = engine.InitFailed("lab-1", {"password": "planted"}, ["reason"], {"password": "planted"})
    assert "planted" not in repr(failure) + str(failure)


def test_a_program_has_no_engine_to_talk_to() -> None:
    """Outside a plugin process lines go nowhere, the guard lets through and installing does nothing."""
    engine.status("nobody reads this")
    engine.warn("nor this")
    engine.install(64)
    engine.require_engine()
    assert channel.engine_address() is None
    assert not engine.cancelled.is_set()


def test_the_pool_never_shrinks() -> None:
    """The pool grows past the asked size by the threads kept for Cancel, and a smaller size changes nothing."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        executor.submit(engine.enlarge_pool, 16).result()
        grown = executor._max_workers
        executor.submit(engine.enlarge_pool, 2).result()
        assert executor._max_workers == grown > 16


def test_every_verb_that_waits_gets_a_thread() -> None:
    """A thread that ends a verb and takes another one at once is not idle, whatever the pool counts."""
    first, others, arrived = threading.Event(), threading.Event(), threading.Semaphore(0)

    def hold(until: threading.Event) -> None:
        arrived.release()
        until.wait(60)

    def grow_and_hold() -> None:
        engine.enlarge_pool(8)
        hold(others)

    with ThreadPoolExecutor(max_workers=4) as executor:
        try:
            for until in (first, others, others, others):
                executor.submit(hold, until)
            grower = executor.submit(grow_and_hold)
            for _ in range(4):
                executor.submit(hold, others)
            assert all(arrived.acquire(timeout=60) for _ in range(4))
            first.set()
            assert all(arrived.acquire(timeout=20) for _ in range(5))
        finally:
            others.set()
    assert grower.result() is None


def test_the_pool_is_left_alone_off_its_threads() -> None:
    """Called from anywhere else, enlarging does nothing and raises nothing."""
    with ThreadPoolExecutor(max_workers=1) as executor:
        engine.enlarge_pool(16)
        assert executor._max_workers == 1


@given(PLAIN)
def test_unwrapping_is_the_inverse_of_marking(value: object) -> None:
    """A marked value, nested anywhere, comes back as it was; marking twice is marking once."""
    marked = {"list": [engine.secret(value)], "map": {"deep": engine.secret(engine.secret(value))}}
    assert engine.unwrap_secrets(marked) == {"list": [value], "map": {"deep": value}}


@given(PLAIN)
def test_plain_values_can_be_sent_and_are_known(value: object) -> None:
    """What JSON can say can be sent and has nothing unknown in it, until an unknown is put inside."""
    assert values.is_plain(value)
    assert not contains_unknown(value, engine.is_unknown)
    assert contains_unknown({"known": value, "list": [[UNKNOWN], value]}, engine.is_unknown)
    assert not values.is_plain({"known": value, "list": [object()]})


def test_the_engine_is_gone_only_when_its_port_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that listens without answering is alive; a closed one is gone; a name that does not resolve is unclear."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        monkeypatch.setattr(channel, "engine_address", lambda: address)
        assert not channel.engine_is_gone()
    assert channel.engine_is_gone()
    monkeypatch.setattr(channel, "engine_address", lambda: "no-such-host.invalid:1")
    assert not channel.engine_is_gone()


def test_reaching_oneself_is_not_reaching_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that ended up at its own port proves that nobody listens there."""
    own = ("127.0.0.1", 4711)
    looped = SimpleNamespace(getsockname=lambda: own, getpeername=lambda: own)
    monkeypatch.setattr(channel, "engine_address", lambda: "127.0.0.1:4711")
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: contextlib.nullcontext(looped))
    assert channel.engine_is_gone()


@pytest.mark.parametrize(
    ("arguments", "address"),
    [
        (["127.0.0.1:4711"], "127.0.0.1:4711"),
        (["--logtostderr", "-v=9", "--tracing", "file:./trace", "127.0.0.1:4711"], "127.0.0.1:4711"),
        (["[::1]:4711"], "[::1]:4711"),
        ([], None),
        (["--help"], None),
        (["tests/test_a.py::test_b"], None),
    ],
)
def test_the_engines_address_is_the_last_argument(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], address: str | None
) -> None:
    """Flags before the address do not matter; what is no address is none."""
    host = SimpleNamespace(__spec__=SimpleNamespace(name="pulumi.dynamic.__main__"))
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "__main__", host)
        patch.setattr(sys, "argv", ["pulumi.dynamic", *arguments])
        assert channel.engine_address.__wrapped__() == address


def _decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


def test_a_decorated_cancel_is_hooked_inside_its_decorator(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should the host wrap Cancel as it wraps its other handlers, the hook reaches what is inside, once."""

    class Servicer:
        @_decorated
        def Cancel(self, request: Any, context: Any) -> str:  # noqa: ARG002, N802 - gRPC's signature
            return "the host's answer"

    event = threading.Event()
    monkeypatch.setattr(cancellation, "cancelled", event)
    monkeypatch.setattr(cancellation, "_original_cancels", [])
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(DynamicResourceProviderServicer=Servicer))
    registered = Servicer().Cancel
    cancellation.hook_cancel()
    cancellation.hook_cancel()
    assert registered(None, None) == "the host's answer"
    assert event.is_set()
    assert len(cancellation._original_cancels) == 1


def test_a_cancel_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not a plain function cannot be hooked, and says so to the installer."""
    servicer = SimpleNamespace(Cancel=SimpleNamespace(__closure__=None))
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(DynamicResourceProviderServicer=servicer))
    with pytest.raises(TypeError):
        cancellation.hook_cancel()


def test_importing_the_bridge_costs_a_program_nothing(sdk_python: Path) -> None:
    """Beyond `import pulumi` the bridge loads only the package's own modules and Python's."""
    program = (
        "import sys, pulumi; before = set(sys.modules); import goldrush_pulumi.engine; "
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}; "
        "print(*sorted(new - set(sys.stdlib_module_names)))"
    )
    answer = subprocess.run([sdk_python, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["goldrush_pulumi"]


def test_trouble_of_the_callback_does_not_end_the_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the callback raises, it is called again for as long as the engine listens, and not after that."""
    looks, calls = iter([False, False, True]), list[str]()
    ended: list[int] = []
    monkeypatch.setattr(cancellation, "engine_is_gone", lambda: next(looks))
    monkeypatch.setattr(cancellation, "wait_until_idle", lambda _seconds: True)
    monkeypatch.setattr(cancellation, "cancelled", threading.Event())
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)
    monkeypatch.setattr(os, "_exit", ended.append)

    def trouble() -> None:
        calls.append("called")
        raise OSError("no space left")

    cancellation._watch(trouble)

    assert calls == ["called", "called"]
    assert ended == [1]

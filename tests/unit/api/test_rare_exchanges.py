"""Exchanges that end in ways that take a moment's chance: time runs out between two steps, or the network is silent."""

from __future__ import annotations

import ssl
import threading
from typing import TYPE_CHECKING, Any

import httpcore
import httpx
import pytest

from goldrush_pulumi.api import AmbiguousResult, ConfigurationError, Interrupted, OutOfTime
from goldrush_pulumi.api import network as network_module
from goldrush_pulumi.api.call import ApiCall, Deadline
from goldrush_pulumi.api.network import (
    ExchangeCancelled,
    ExchangeEnded,
    ExchangeLimits,
    ExchangeTimedOut,
    _proxy_for,
    _SteppingStream,
)
from goldrush_pulumi.api.retries import Tries
from goldrush_pulumi.api.transport import _failure, _unpacked
from tests.unit.api.doubles import CHANGES, EVERY_CALL, READS, Server, client_of

if TYPE_CHECKING:
    from tests.support.clock import FakeClock


class Silent(httpcore.NetworkStream):
    """A connection on which nothing ever comes: each wait takes as long as it may."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.reads: list[float] = []
        self.tls: list[float | None] = []

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        del max_bytes
        self.reads.append(timeout or 0.0)
        self.clock.advance(timeout or 0.0)
        raise httpcore.ReadTimeout

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        del ssl_context, server_hostname
        self.tls.append(timeout)
        return self


def test_silence_ends_a_read_after_its_own_time(clock: FakeClock) -> None:
    """A read waits in steps, so that it can be cancelled, and for no longer than httpx asks."""
    stream = Silent(clock)

    with pytest.raises(httpcore.ReadTimeout):
        _SteppingStream(stream).read(1, timeout=30.0)

    assert len(stream.reads) > 1
    assert sum(stream.reads) == pytest.approx(30.0)


def test_tls_has_the_time_that_the_exchange_has(clock: FakeClock) -> None:
    """The handshake takes no longer than the exchange may, and what is read behind it waits in steps too."""
    stream, deadline = Silent(clock), Deadline(5.0)
    with ExchangeLimits(deadline, threading.Event(), 0.0).in_force():
        secured = _SteppingStream(stream).start_tls(ssl.create_default_context(), "goldrush.test", 60.0)
        assert stream.tls == [5.0]
        with pytest.raises(ExchangeTimedOut):
            secured.read(1, timeout=60.0)
        with pytest.raises(ExchangeTimedOut) as ended:
            secured.start_tls(ssl.create_default_context())

    assert not ended.value.was_sent


def test_no_proxy_for_the_scheme(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy for plain HTTP alone is not used for HTTPS, and one without a scheme speaks HTTP."""
    proxies: dict[str, str] = {"http": "proxy.example.com:3128"}
    monkeypatch.setattr(network_module, "getproxies", lambda: proxies)
    monkeypatch.setattr(network_module, "proxy_bypass", lambda _host: False)

    assert _proxy_for("https://goldrush.test/") is None
    proxy = _proxy_for("http://goldrush.test/")
    assert proxy is not None
    assert str(proxy.url) == "http://proxy.example.com:3128"


# --- What an end means ------------------------------------------------------------------------------------------------


def call_of(name: str) -> ApiCall:
    """The call that a method of the client makes."""
    seen: list[ApiCall] = []

    class Noted(Exception):  # noqa: N818 - ends the call once it is known
        pass

    def exchange(call: ApiCall, *_: object) -> None:
        seen.append(call)
        raise Noted

    client: Any = client_of(Server([httpx.Response(200)]))
    client._connection.exchange = exchange
    with pytest.raises(Noted):
        EVERY_CALL[name](client)
    return seen[0]


@pytest.mark.parametrize("name", CHANGES + READS)
@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        (ExchangeCancelled(was_sent=False), Interrupted, "cancelled before it was sent"),
        (ExchangeTimedOut(was_sent=False), OutOfTime, "not sent, because there was no time left"),
    ],
    ids=["cancelled", "timed out"],
)
def test_what_was_not_sent_changed_nothing(
    name: str, fault: ExchangeEnded, kind: type[Exception], said: str, clock: FakeClock
) -> None:
    """Where the end comes while the connection is still made, a change is as certain not to be applied as a read."""
    del clock
    error = _failure(call_of(name), fault, Deadline(1.0))

    assert type(error) is kind
    assert said in str(error)


def test_a_change_that_ends_without_a_response_of_the_api_stays_open() -> None:
    """After a try without a usable response, settings that cannot be used do not prove that nothing was changed."""
    tries = Tries(call_of("update"), may_be_applied=True)
    error = tries.conclude(ConfigurationError("open connections: the certificate is not trusted"))

    assert isinstance(error, AmbiguousResult)
    assert "a try got no usable response, and the last one failed: open connections: the certificate is" in str(error)


def test_a_response_without_a_body_to_read_is_damaged() -> None:
    """A transport of another kind than ours ends in an error that says so, and not in a wrong result."""

    class Other(httpx.AsyncByteStream):
        """What only an asynchronous client can read."""

    limits = ExchangeLimits(Deadline(1.0), threading.Event(), 0.0)
    with pytest.raises(httpx.DecodingError, match="the response cannot be read"):
        _unpacked(httpx.Response(200, stream=Other()), limits)

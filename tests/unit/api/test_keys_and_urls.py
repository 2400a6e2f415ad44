from __future__ import annotations

import contextlib
import logging
import pickle
import socket
import threading
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from pydantic import SecretStr

from goldrush_pulumi.api import (
    AmbiguousResult,
    ConfigurationError,
    ConnectionFailed,
    GoldRushClient,
    GoldRushError,
    RateLimiter,
    transport,
)
from tests.support.ports import closed_port
from tests.unit.api.doubles import BASE_URL, EVERY_CALL, KEY, Pauses, Server, client_of, failure, success

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "hunter22-of-the-destination"
BODY = {"name": "swaps", "destination_config": {"password": PASSWORD}}

USABLE = [
    "https://api.covalenthq.com/platform/pipeline-api/",
    "https://goldrush.test",
    "https://goldrush.test:8443/api",
    "http://localhost:8710/platform/pipeline-api/",
    "http://127.0.0.1:8710/",
    "http://127.8.9.10/",
    "http://[::1]:8710/",
    "HTTPS://goldrush.test/",
]
UNENCRYPTED = [
    "http://api.covalenthq.com/platform/pipeline-api/",
    "http://localhost.evil.example/",
    "http://10.0.0.1/",
    "http://0.0.0.0/",
    "http://127.0.0.1.evil.example/",
]
MALFORMED = [
    "",
    "goldrush.test",
    "//goldrush.test/",
    "ftp://goldrush.test/",
    "https://",
    "https:///path",
    "https://goldrush.test:port/",
    "https://goldrush.test:0/",
    "https://[::1/",
    "https://user:hunter22@goldrush.test/",
    "https://hunter22@goldrush.test/",
    "https://goldrush.test/?key=hunter22",
    "https://goldrush.test/#hunter22",
    "https://goldrush.test/hunter22 /",
    "https://gold\\rush.test/",
    "https://göldrush.test/hunter22",
]


@pytest.mark.parametrize("base_url", USABLE)
def test_usable_base_url(base_url: str) -> None:
    """Any https URL is usable, and http to this machine."""
    server = Server([success({"items": []})])
    client_of(server, base_url=base_url).list_pipelines()
    assert len(server.requests) == 1


@pytest.mark.parametrize("base_url", UNENCRYPTED)
def test_key_is_never_sent_unencrypted(base_url: str) -> None:
    """Http to another machine is refused, with the host and what to write."""
    with pytest.raises(ConfigurationError, match=r"http would send the ServiceKey to .* unencrypted, write https"):
        client_of(Server([]), base_url=base_url)


@pytest.mark.parametrize("base_url", MALFORMED)
def test_malformed_base_url(base_url: str) -> None:
    """A value that is not a plain URL is refused without being shown: it may hold a password."""
    with pytest.raises(ConfigurationError, match="use base URL: it is not a plain http") as caught:
        client_of(Server([]), base_url=base_url)
    assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize("key", ["", "  ", "two words", "line\nbreak", "ключ", "tab\tbed", "null\x00"])
def test_unusable_key(key: str) -> None:
    """A key that no header can carry is refused by its source, without being shown."""
    with pytest.raises(ConfigurationError, match="the one from GOLDRUSH_SERVICE_KEY") as caught:
        GoldRushClient(service_key=key, key_source="GOLDRUSH_SERVICE_KEY")
    assert key.strip() == "" or key.strip() not in str(caught.value)


@pytest.mark.parametrize("key", [KEY, f" {KEY}\n", SecretStr(KEY), SecretStr(f"{KEY}\n")])
def test_key_forms(key: str | SecretStr) -> None:
    """A key works as text and as a secret, and without the line break that a file ends with."""
    server = Server([success({"id": "p"})])
    transport = httpx.MockTransport(server)
    GoldRushClient(service_key=key, base_url=BASE_URL, transport=transport).get_pipeline("p")
    assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"


def test_repr_is_the_base_url() -> None:
    """The client shows its base URL and nothing else."""
    assert f"GoldRushClient({BASE_URL})" == repr(client_of(Server([])))


def test_client_is_not_pickled() -> None:
    """A client cannot travel into a pickle, and so its key cannot."""
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)) as caught:
        pickle.dumps(client_of(Server([])))
    assert KEY not in str(caught.value)


def echo(status: int, *, as_json: bool) -> Any:
    """A response that repeats everything that was sent."""

    def response(request: httpx.Request) -> httpx.Response:
        text = f"{request.headers.get('Authorization')} said {request.content.decode()}"
        if not as_json:
            return httpx.Response(status, text=text)
        body = {"data": None, "error": True, "error_message": text, "error_code": request.headers["Authorization"]}
        return httpx.Response(status, json=body)

    return response


STATUSES = (200, 400, 401, 403, 404, 418, 422, 429, 500)
FAULTS: dict[str, Any] = {
    **{f"{status} in an envelope": echo(status, as_json=True) for status in STATUSES},
    **{f"{status} in a page": echo(status, as_json=False) for status in STATUSES},
    "never reached": httpx.ConnectError("refused"),
    "response lost": httpx.ReadTimeout("timed out"),
    "redirected": httpx.Response(302, headers={"Location": f"https://evil.example/{KEY}"}),
}


def everything_about(error: BaseException | None) -> Iterator[str]:
    """All that an error and the errors behind it may show."""
    while error is not None:
        yield from (str(error), repr(error), repr(error.args), repr(vars(error)))
        yield "".join(traceback.format_exception(error))
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("name", EVERY_CALL)
def test_key_is_never_shown(name: str, fault: Any, pauses: Pauses, caplog: pytest.LogCaptureFixture) -> None:
    """The key is in no error, nor in one behind it, nor in any log, even when the server repeats it."""
    caplog.set_level(logging.DEBUG)
    client = client_of(Server([fault]), cancelled=pauses)
    with pytest.raises(GoldRushError) as caught:
        EVERY_CALL[name](client)
    assert KEY not in "\n".join([*everything_about(caught.value), caplog.text, repr(client), repr(vars(client))])


@pytest.mark.parametrize("fault", [httpx.ReadTimeout("x"), httpx.ConnectError("x"), failure(422), failure(500)])
def test_body_is_never_shown(fault: Any, pauses: Pauses, caplog: pytest.LogCaptureFixture) -> None:
    """What was sent is in no error and no log, as long as the server does not repeat it."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(GoldRushError) as caught:
        client_of(Server([fault]), cancelled=pauses).create_pipeline(BODY)
    assert PASSWORD not in "\n".join([*everything_about(caught.value), caplog.text])


@pytest.mark.parametrize("fault", [httpx.ReadTimeout("x"), httpx.ConnectError("x")])
def test_no_request_behind_an_error(fault: Exception, pauses: Pauses) -> None:
    """No error leads back to the request object, which holds key and body."""
    with pytest.raises(GoldRushError) as caught:
        client_of(Server([fault]), cancelled=pauses).create_pipeline(BODY)
    error: BaseException | None = caught.value
    while error is not None:
        assert not isinstance(error, httpx.HTTPError)
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ALL_PROXY", "socks5://user:hunter22@proxy.test:1080"),
        ("HTTPS_PROXY", "gopher://user:hunter22@proxy.test/"),
        ("SSL_CERT_FILE", "/nowhere/hunter22.pem"),
    ],
)
def test_unusable_environment(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxy and certificate settings that cannot be used are one clear line, without the password in them."""
    if variable == "ALL_PROXY" and _has_socks():
        pytest.skip("this machine can use SOCKS proxies")
    forget_proxies(monkeypatch)
    monkeypatch.setenv(variable, value)
    client = GoldRushClient(service_key=KEY, base_url=BASE_URL)
    with pytest.raises(ConfigurationError, match="proxy or certificate settings of the environment") as caught:
        client.get_pipeline("pipe_1")
    assert "hunter22" not in "\n".join(everything_about(caught.value))


def _has_socks() -> bool:
    with contextlib.suppress(ImportError):
        import socksio  # type: ignore[import-not-found,unused-ignore]  # noqa: F401, PLC0415

        return True
    return False


def forget_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("all_proxy", "http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@contextlib.contextmanager
def listener() -> Iterator[tuple[str, list[bytes]]]:
    """A server on loopback that reads one request and closes without a response."""
    received: list[bytes] = []

    def serve(server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = server.accept()
                with peer:
                    received.append(peer.recv(65536))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}/", received
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(30)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY"])
def test_loopback_passes_no_proxy(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes to this machine goes there directly: a proxy would read the key."""
    forget_proxies(monkeypatch)
    with listener() as (proxy_url, at_proxy), listener() as (base_url, at_server):
        monkeypatch.setenv(variable, proxy_url)
        client = GoldRushClient(service_key=KEY, base_url=base_url, retry_seconds=0)
        with pytest.raises(AmbiguousResult, match=r"127\.0\.0\.1 did not respond"):
            client.create_pipeline(BODY)
        client.close()
    assert at_proxy == []
    assert [b"POST / HTTP/1.1"] == [request.splitlines()[0] for request in at_server]


def test_other_hosts_pass_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes elsewhere takes the proxy of the environment, which sees only where it goes."""
    forget_proxies(monkeypatch)
    with listener() as (proxy_url, at_proxy):
        monkeypatch.setenv("HTTPS_PROXY", proxy_url)
        client = GoldRushClient(service_key=KEY, base_url=BASE_URL, retry_seconds=0)
        with pytest.raises(GoldRushError):
            client.get_pipeline("pipe_1")
        client.close()
    assert b"CONNECT goldrush.test:443 HTTP/1.1" == at_proxy[0].splitlines()[0]
    assert KEY.encode() not in b"".join(at_proxy)


def test_nobody_listens() -> None:
    """A refused connection names the host and the cause."""
    with closed_port() as port:
        client = GoldRushClient(service_key=KEY, base_url=f"http://127.0.0.1:{port}/", retry_seconds=0)
        with pytest.raises(ConnectionFailed, match=r"127\.0\.0\.1 cannot be reached .*refused"):
            client.create_pipeline({})
        client.close()


def test_silent_server_and_a_timeout() -> None:
    """A bounded read ends although the server keeps the connection and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        base_url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        client = GoldRushClient(service_key=KEY, base_url=base_url)
        with pytest.raises(ConnectionFailed):
            client.get_pipeline_status("pipe_1", timeout_seconds=0.2)
        client.close()


@contextlib.contextmanager
def counting_server() -> Iterator[tuple[str, list[list[str]]]]:
    """A server on loopback that keeps connections alive; it yields its URL and the methods by connection."""
    connections: list[list[str]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            self.methods: list[str] = []
            connections.append(self.methods)

        def do_GET(self) -> None:
            self.methods.append(self.command)
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            content = success({"id": "pipe_1"}).content
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_PATCH = do_PUT = do_DELETE = do_GET  # noqa: N815 - what the base class calls

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", connections
        finally:
            server.shutdown()
            thread.join(30)


def test_each_change_has_a_connection_of_its_own() -> None:
    """Reads share a connection; no change ever goes out on one that was used before, nor leaves one for others."""
    with counting_server() as (base_url, connections):
        client = GoldRushClient(service_key=KEY, base_url=base_url, rate_limiter=RateLimiter(1_000_000))
        for name in ("get", "create", "update", "status", "set status", "delete", "list"):
            EVERY_CALL[name](client)
        client.close()
    assert sorted(connections) == [["DELETE"], ["GET", "GET", "GET"], ["PATCH"], ["POST"], ["PUT"]]


def test_one_pool_for_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many threads call first, one pool for reads is opened, with room for each."""
    made: list[dict[str, Any]] = []
    server = Server([success({"id": "pipe_1"})])

    def open_transport(*_: object, **options: Any) -> httpx.BaseTransport:
        made.append(options)
        return httpx.MockTransport(server)

    monkeypatch.setattr(transport, "open_transport", open_transport)
    client = GoldRushClient(service_key=KEY, base_url=BASE_URL, rate_limiter=RateLimiter(1_000_000), max_connections=48)
    assert made == []
    threads = [threading.Thread(target=client.get_pipeline, args=("pipe_1",)) for _ in range(48)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(server.requests) == 48
    assert made == [{"max_connections": 48, "keeps_connections": True}]

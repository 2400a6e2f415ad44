from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldrush_pulumi.api import (
    AmbiguousResult,
    APIError,
    Forbidden,
    GoldRushError,
    Interrupted,
    InvalidRequest,
    PipelineNotFound,
    RateLimited,
    ServerError,
    Unauthorized,
    UnexpectedResponse,
)
from goldrush_pulumi.api.errors import LONGEST_SHOWN_TEXT, shown_line
from tests.unit.api.doubles import (
    BASE_URL,
    CHANGES,
    EVERY_CALL,
    PATH,
    READS,
    Pauses,
    Server,
    client_of,
    failure,
    success,
)

if TYPE_CHECKING:
    from goldrush_pulumi.api import GoldRushClient

REFUSALS: list[tuple[int, type[APIError], str]] = [
    (400, InvalidRequest, "rejected by GoldRush (400): the server's own words"),
    (401, Unauthorized, "the ServiceKey is missing, wrong or revoked (401): the server's own words"),
    (402, APIError, "refused by GoldRush (402): the server's own words"),
    (403, Forbidden, "forbidden (403): the server's own words; use a ServiceKey"),
    (404, PipelineNotFound, "not found (404): the server's own words; it does not exist, or"),
    (409, APIError, "refused by GoldRush (409): the server's own words"),
    (422, InvalidRequest, "rejected by GoldRush (422): the server's own words"),
    (429, RateLimited, "too many requests (429): the server's own words"),
    (500, ServerError, "GoldRush failed (500): the server's own words"),
    (503, ServerError, "GoldRush failed (503): the server's own words"),
]


def impatient(server: Server, **options: Any) -> GoldRushClient:
    return client_of(server, retry_seconds=0, **options)


def error_of(response: httpx.Response, name: str = "get") -> APIError:
    with pytest.raises(APIError) as caught:
        EVERY_CALL[name](impatient(Server([response])))
    return caught.value


@pytest.mark.parametrize(("status", "kind", "words"), REFUSALS)
def test_refusal(status: int, kind: type[APIError], words: str) -> None:
    """Each status is an error of its own type, with the server's words and all facts of the request."""
    error = error_of(failure(status))
    assert type(error) is kind
    assert str(error).startswith(f"get pipeline pipe_1: {words}")
    assert (status, str(status), "GET", f"{PATH}pipe_1/", "the server's own words") == (
        error.status,
        error.code,
        error.method,
        error.path,
        error.server_message,
    )


@pytest.mark.parametrize("name", EVERY_CALL)
def test_every_call_raises(name: str) -> None:
    """No endpoint takes a refusal for a response."""
    assert type(error_of(failure(403), name)) is Forbidden


def test_401_says_whose_key() -> None:
    """An unauthorized user reads where the key came from, and which one destroy and refresh use."""
    text = str(error_of(failure(401)))
    assert "the key came from goldrush:serviceKey" in text
    assert "`pulumi destroy` and `pulumi refresh` use the key of the last `pulumi up`" in text
    assert "--run-program" in text


@pytest.mark.parametrize("status", [status for status, _, _ in REFUSALS if status != 404])
def test_refusal_without_json(status: int) -> None:
    """A refusal that a gateway wrote keeps its type and shows the page's first line."""
    error = error_of(httpx.Response(status, text="\n  <h1>Bad\x1b[31m day</h1>\nmore"))
    assert type(error) is {code: kind for code, kind, _ in REFUSALS}[status]
    assert "<h1>Bad [31m day</h1>" in str(error)
    assert "more" not in str(error)
    assert "\x1b" not in str(error)


FOREIGN_404S = [
    httpx.Response(404, text="<html>not here</html>"),
    httpx.Response(404),
    httpx.Response(404, json={"detail": "Not found."}),
    httpx.Response(404, json={"status": 404, "error": "Not Found", "path": "/x"}),
    httpx.Response(404, json=["Not Found"]),
]


@pytest.mark.parametrize("response", FOREIGN_404S)
@pytest.mark.parametrize("name", ["get", "status", "delete"])
def test_404_of_somebody_else(response: httpx.Response, name: str) -> None:
    """Only GoldRush's own envelope says that a pipeline is gone; a wrong URL must never empty a stack."""
    error = error_of(response, name)
    assert type(error) is UnexpectedResponse
    assert "no Pipeline API at this URL (404)" in str(error)


@pytest.mark.parametrize("name", ["list", "create"])
def test_404_of_the_list(name: str) -> None:
    """A 404 for the list itself is about the URL, not about a pipeline."""
    assert type(error_of(failure(404), name)) is UnexpectedResponse


STRANGE_SUCCESSES = {
    "a page": httpx.Response(200, text="<h1>Sign in to the Wi-Fi</h1>"),
    "not UTF-8": httpx.Response(200, content=b"\xff\xfe\x00"),
    "a list": httpx.Response(200, json=[1]),
    "a number": httpx.Response(200, json=7),
    "no envelope": httpx.Response(200, json={"id": "pipe_1"}),
    "nested too deep": httpx.Response(200, content=b"[" * 100_000),
    "an error": httpx.Response(200, json={"data": None, "error": True, "error_message": "no", "error_code": "422"}),
    "an error with empty data": httpx.Response(200, json={"data": {}, "error": True, "error_message": "no"}),
}


@pytest.mark.parametrize("response", STRANGE_SUCCESSES.values(), ids=STRANGE_SUCCESSES)
@pytest.mark.parametrize("name", READS)
def test_strange_success_of_a_read(response: httpx.Response, name: str) -> None:
    """A 2xx that is not GoldRush's envelope is an unexpected response to every read."""
    error = error_of(response, name)
    assert type(error) is UnexpectedResponse
    assert error.status == 200


@pytest.mark.parametrize("response", STRANGE_SUCCESSES.values(), ids=STRANGE_SUCCESSES)
@pytest.mark.parametrize("name", CHANGES)
def test_strange_success_of_a_change(response: httpx.Response, name: str) -> None:
    """After a 2xx that cannot be read, every change may have been applied."""
    error = error_of(response, name)
    assert type(error) is AmbiguousResult
    assert error.status == 200
    assert "not known whether it was applied" in str(error)


@pytest.mark.parametrize("response", [httpx.Response(200), success(None), success({})], ids=["empty", "null", "no id"])
@pytest.mark.parametrize("name", ["create", "update", "set status"])
def test_success_without_a_pipeline(response: httpx.Response, name: str) -> None:
    """A change that is confirmed without the pipeline may have been applied, and the error says so."""
    assert type(error_of(response, name)) is AmbiguousResult


@pytest.mark.parametrize("name", CHANGES)
def test_strange_success_is_final(name: str, pauses: Pauses) -> None:
    """A change that was confirmed in an unknown form is not sent again."""
    server = Server([STRANGE_SUCCESSES["a page"]])
    with pytest.raises(AmbiguousResult):
        EVERY_CALL[name](client_of(server, cancelled=pauses))
    assert len(server.requests) == 1


def test_page_in_place_of_json() -> None:
    """What is not JSON is reported as its status and first line."""
    text = str(error_of(STRANGE_SUCCESSES["a page"]))
    assert text.startswith("get pipeline pipe_1: not a response of GoldRush (200): <h1>Sign in to the Wi-Fi</h1>; ")


@pytest.mark.parametrize("data", [{"id": ""}, {}, {"id": "p", "transforms": "hunter22"}, [], None])
def test_unknown_shape(data: Any) -> None:
    """Data of another shape names its fields and never quotes them."""
    error = error_of(success(data))
    assert type(error) is UnexpectedResponse
    assert "has another shape than documented" in str(error)
    assert "hunter22" not in str(error) + repr(vars(error))


def test_success_beside_an_error_flag() -> None:
    """Data counts, even beside the `error: true` that the documented samples show."""
    body = {"data": {"id": "pipe_1"}, "error": True, "error_message": "<string>", "error_code": "<string>"}
    assert impatient(Server([httpx.Response(200, json=body)])).get_pipeline("pipe_1").id == "pipe_1"


@pytest.mark.parametrize("response", [httpx.Response(204), httpx.Response(200), success(None), success({}, 202)])
def test_responses_of_a_delete(response: httpx.Response) -> None:
    """A delete has succeeded with 204, and with any other success of GoldRush's."""
    server = Server([response])
    impatient(server).delete_pipeline("pipe_1")
    assert [f"DELETE {PATH}pipe_1/"] == server.lines


LOCATIONS = [
    ("https://evil.example/platform/?token=1", "to evil.example,"),
    ("https://user:pw@evil.example/", "to evil.example,"),
    ("/login", "to another path of the same host,"),
    ("", "to another path of the same host,"),
    ("http://[broken", "to a location that is not a URL,"),
]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(("location", "words"), LOCATIONS)
@pytest.mark.parametrize("name", ["get", "create", "delete"])
def test_redirect(status: int, location: str, words: str, name: str) -> None:
    """A redirect is named by its host and never followed."""
    server = Server([httpx.Response(status, headers={"Location": location})])
    with pytest.raises(UnexpectedResponse) as caught:
        EVERY_CALL[name](impatient(server))
    assert f"redirected ({status}) {words} where the ServiceKey is not sent" in str(caught.value)
    assert "pw" not in str(caught.value)
    assert "token" not in str(caught.value)
    assert len(server.requests) == 1
    assert server.requests[0].url.host == httpx.URL(BASE_URL).host


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize(("name", "method"), [("create", "POST"), ("update", "PATCH"), ("set status", "PUT")])
def test_failed_change_is_ambiguous(status: int, name: str, method: str) -> None:
    """A 5xx in response to a change leaves open whether it was applied; status and words are kept."""
    error = error_of(failure(status), name)
    assert type(error) is AmbiguousResult
    assert (status, "the server's own words", method) == (error.status, error.server_message, error.method)
    assert error.path.startswith(PATH)


@pytest.mark.parametrize("kind", APIError.__subclasses__())
def test_redaction(kind: type[APIError]) -> None:
    """A redacted error is of the same type with the same facts, and the first one stays as it was."""
    error = kind("get pipeline x", "said hunter22", status=418, method="GET", path="/p/", server_message="hunter22!")
    clean = error.redacted(lambda text: text.replace("hunter22", "[secret]"))
    assert type(clean) is kind
    assert str(clean) == "get pipeline x: said [secret]: [secret]!"
    assert "hunter22" not in repr(clean) + repr(vars(clean)) + repr(clean.args)
    assert (418, "GET", "/p/") == (clean.status, clean.method, clean.path)
    assert "hunter22" in str(error)


@pytest.mark.parametrize("response", [httpx.Response(502), httpx.Response(200), httpx.Response(422)])
@pytest.mark.parametrize("as_json", [True, False])
def test_redaction_before_cutting(response: httpx.Response, as_json: bool) -> None:  # noqa: FBT001 - a table's column
    """A secret that the cut for display would split is redacted whole."""
    secret = "hunter22-long-enough"
    text = "a" * (LONGEST_SHOWN_TEXT - 8) + secret
    body = httpx.Response(200, json={"error": True, "error_message": text}).content if as_json else text.encode()
    error = error_of(httpx.Response(response.status_code, content=body))
    assert "hunter" in str(error)
    assert "hunter" not in str(error.redacted(lambda said: said.replace(secret, "[secret]")))


@pytest.mark.parametrize("kind", [GoldRushError, Interrupted])
def test_redaction_of_our_own_words(kind: type[GoldRushError]) -> None:
    """Errors without a server's words keep theirs: a user called "goldrush" would make the advice useless."""
    plain = kind("use base URL: check goldrush:baseUrl")
    refused = APIError("get pipeline x", "refused", advice="check goldrush:baseUrl", server_message="no goldrush")
    assert str(plain) == str(plain.redacted(hide_user))
    assert str(refused.redacted(hide_user)) == "get pipeline x: refused: no [secret]; check goldrush:baseUrl"


def hide_user(text: str) -> str:
    return text.replace("goldrush", "[secret]")


def test_errors_travel() -> None:
    """An error survives copying and pickling with all its facts."""
    error = error_of(failure(429, Retry_After="7"))
    for twin in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301 - written a moment ago
        assert (str(error), vars(error)) == (str(twin), vars(twin))


@pytest.mark.untraced
@given(st.text())
def test_shown_line_is_one_line(text: str) -> None:
    """Whatever a server says, what is shown is one printable line of a readable length."""
    line = shown_line(text)
    assert len(line) <= LONGEST_SHOWN_TEXT
    assert line.isprintable()
    assert line == line.strip()

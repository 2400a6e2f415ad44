"""Opening the envelope that every answer of GoldRush comes in, and telling its errors apart.

Source: the Pipeline REST API overview, section "Response envelope"; statuses from the reference pages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.api.errors import (
    APIError,
    Forbidden,
    InvalidRequest,
    PipelineNotFound,
    RateLimited,
    ServerError,
    Unauthorized,
    UnexpectedAnswer,
    shown_line,
)
from goldrush_pulumi.api.retries import retry_after_seconds

if TYPE_CHECKING:
    import httpx

_NO_CONTENT: Final = 204
_UNAUTHORIZED: Final = 401
_SERVER_ERRORS: Final = 500

_BY_STATUS: Final[dict[int, tuple[type[APIError], str, str]]] = {
    400: (InvalidRequest, "rejected by GoldRush (400)", ""),
    403: (
        Forbidden,
        "forbidden (403)",
        "use a ServiceKey (a plain API key is not accepted) of the group that owns the pipeline",
    ),
    404: (PipelineNotFound, "not found (404)", "it does not exist, or this ServiceKey cannot see it"),
    422: (InvalidRequest, "rejected by GoldRush (422)", ""),
    429: (RateLimited, "too many requests (429)", "lower goldrush:requestsPerSecond"),
}


def open_envelope(response: httpx.Response, action: str, key_source: str) -> Any:
    """The `data` of an answer.

    Raises:
        APIError: the answer is an error, or no answer of GoldRush's; see its subclasses.
    """
    if response.status_code == _NO_CONTENT:
        return None
    envelope = _envelope(response)
    if response.is_success:
        return _data(response, envelope, action)
    raise _error(response, envelope, action, key_source)


def _envelope(response: httpx.Response) -> dict[str, Any] | None:
    try:
        body = response.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) and body.keys() & {"data", "error", "error_message"} else None


def _data(response: httpx.Response, envelope: dict[str, Any] | None, action: str) -> Any:
    if envelope is None:
        raise _unexpected(response, action, passing=True)
    # The documented samples show `error: true` beside data; an error is what says so and brings no data.
    if envelope.get("error") and envelope.get("data") is None:
        raise APIError(action, f"GoldRush answered an error ({response.status_code})", **_facts(response, envelope))
    return envelope.get("data")


def _error(response: httpx.Response, envelope: dict[str, Any] | None, action: str, key_source: str) -> APIError:
    status = response.status_code
    if status >= _SERVER_ERRORS:
        line = "" if envelope is not None else shown_line(response.text)
        reason = f"GoldRush failed ({status})" + (f", it sent: {line}" if line else "")
        return ServerError(action, reason, advice="try again later", **_facts(response, envelope))
    if status == _UNAUTHORIZED:
        return _unauthorized(response, envelope, action, key_source)
    if response.is_redirect or (envelope is None and status not in {429, 403}):
        return _unexpected(response, action, passing=False)
    kind, reason, advice = _BY_STATUS.get(status, (APIError, f"refused ({status})", ""))
    return kind(action, reason, advice=advice, **_facts(response, envelope))


def _unauthorized(
    response: httpx.Response, envelope: dict[str, Any] | None, action: str, key_source: str
) -> Unauthorized:
    advice = (
        f"the ServiceKey came from {key_source}; `pulumi destroy` and `pulumi refresh` use the key of the last"
        " `pulumi up` unless run with --run-program"
    )
    reason = "the ServiceKey is missing, wrong or revoked (401)"
    return Unauthorized(action, reason, advice=advice, **_facts(response, envelope))


def _unexpected(response: httpx.Response, action: str, *, passing: bool) -> UnexpectedAnswer:
    status = response.status_code
    if response.is_redirect:
        target = response.next_request.url.host if response.next_request else "another place"
        reason = f"a redirect ({status}) to {target} in place of an answer, and the key is not sent there"
        return UnexpectedAnswer(action, reason, advice="check goldrush:baseUrl", **_facts(response, None))
    line = shown_line(response.text)
    reason = f"no JSON answer of GoldRush ({status})" + (f", it begins: {line}" if line else "")
    error = UnexpectedAnswer(action, reason, advice="check goldrush:baseUrl", **_facts(response, None))
    error.passing = passing
    return error


def _facts(response: httpx.Response, envelope: dict[str, Any] | None) -> dict[str, Any]:
    message = (envelope or {}).get("error_message")
    code = (envelope or {}).get("error_code")
    return {
        "status": response.status_code,
        "code": None if code is None else str(code),
        "method": response.request.method,
        "path": response.request.url.path,
        "server_message": None if message is None else str(message),
        "retry_after_seconds": retry_after_seconds(response.headers.get("Retry-After")),
    }

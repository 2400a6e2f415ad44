"""Reading responses: the envelope of every response is opened here, and each kind of failure becomes its own error.

Source: the Pipeline REST API overview, section "Response envelope"; statuses from the reference pages.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from urllib.parse import urlsplit

from pydantic import ValidationError

from goldrush_pulumi.api.errors import (
    APIError,
    Forbidden,
    InvalidRequest,
    PipelineNotFound,
    RateLimited,
    ServerError,
    Unauthorized,
    UnexpectedResponse,
    shown_line,
)
from goldrush_pulumi.api.models import ApiResponse
from goldrush_pulumi.api.retries import asked_pause_seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldrush_pulumi.api.call import ApiCall
    from goldrush_pulumi.api.transport import RawResponse

_SUCCESSES: Final = range(200, 300)

_REDIRECTS: Final = range(300, 400)

_FAILURES: Final = range(500, 600)

_CHECK_URL: Final = "check goldrush:baseUrl, and that no proxy or gateway responds in GoldRush's place"

Model = TypeVar("Model", bound=ApiResponse)


class _Refusal(NamedTuple):
    kind: type[APIError]
    reason: str
    advice: str


_REFUSALS: Final[dict[int, _Refusal]] = {
    HTTPStatus.BAD_REQUEST: _Refusal(InvalidRequest, "rejected by GoldRush (400)", ""),
    HTTPStatus.FORBIDDEN: _Refusal(
        Forbidden,
        "forbidden (403)",
        "use a ServiceKey (a plain API key is not accepted) of the group that owns the pipeline",
    ),
    HTTPStatus.NOT_FOUND: _Refusal(
        PipelineNotFound, "not found (404)", "it does not exist, or this ServiceKey cannot see it"
    ),
    HTTPStatus.UNPROCESSABLE_ENTITY: _Refusal(InvalidRequest, "rejected by GoldRush (422)", ""),
    HTTPStatus.TOO_MANY_REQUESTS: _Refusal(
        RateLimited, "too many requests (429)", "lower goldrush:requestsPerSecond, or try again later"
    ),
}


@dataclass(frozen=True)
class ResponseReader:
    """Reads responses.

    `key_source` says in messages where the ServiceKey came from, and `hide_key` takes it out of what a server repeats.
    """

    key_source: str
    hide_key: Callable[[str], str]

    def read(self, call: ApiCall, response: RawResponse) -> Any:
        """Return the `data` of a response, None when it has no body.

        Raises:
            APIError: the response is an error, or not GoldRush's; see its subclasses.
        """
        envelope = _envelope(response)
        if response.status not in _SUCCESSES:
            raise self._refusal(call, response, envelope)
        if envelope is None and not response.content.strip():
            return None
        if envelope is None:
            raise self._unusable(call, response, f"not a response of GoldRush ({response.status})", None)
        # The documented samples show `error: true` beside data: only a response without data is an error.
        if envelope.get("error") and not envelope.get("data"):
            raise self._unusable(call, response, f"GoldRush reports an error ({response.status})", envelope)
        return envelope.get("data")

    def read_as(self, model: type[Model], call: ApiCall, response: RawResponse) -> Model:
        """Return the `data` of a response as a `model`.

        Raises:
            APIError: as `read`; also when the data has another shape.
        """
        data = self.read(call, response)
        try:
            return model.model_validate(data)
        except ValidationError as error:
            names = sorted({".".join(map(str, problem["loc"])) or "data" for problem in error.errors()})
        # Outside the handler, and names only: pydantic's error holds the values, which may be secret.
        reason = f"the response ({response.status}) has another shape than documented, see {', '.join(names)}"
        raise self._unusable(call, response, reason, {})

    def _refusal(self, call: ApiCall, response: RawResponse, envelope: dict[str, Any] | None) -> APIError:
        if response.status in _REDIRECTS:
            return _redirected(call, response)
        if response.status in _FAILURES:
            return self._failed(call, response, envelope)
        if response.status == HTTPStatus.UNAUTHORIZED:
            return self._unauthorized(call, response, envelope)
        if response.status == HTTPStatus.NOT_FOUND and (envelope is None or not call.names_pipeline):
            return self._foreign_404(call, response, envelope)
        plain = _Refusal(APIError, f"refused by GoldRush ({response.status})", "")
        kind, reason, advice = _REFUSALS.get(response.status, plain)
        reason += _asked_pause(response)
        return kind(call.action, reason, advice=advice, **self._facts(call, response, envelope))

    def _failed(self, call: ApiCall, response: RawResponse, envelope: dict[str, Any] | None) -> APIError:
        reason = f"GoldRush failed ({response.status}){_asked_pause(response)}"
        if call.changes:
            return call.ambiguous(reason, **self._words(response, envelope))
        return ServerError(call.action, reason, advice="try again later", **self._facts(call, response, envelope))

    def _unauthorized(self, call: ApiCall, response: RawResponse, envelope: dict[str, Any] | None) -> APIError:
        advice = (
            f"the key came from {self.key_source}; `pulumi destroy` and `pulumi refresh` use the key of the last"
            " `pulumi up` unless run with `--run-program`"
        )
        reason = "the ServiceKey is missing, wrong or revoked (401)"
        return Unauthorized(call.action, reason, advice=advice, **self._facts(call, response, envelope))

    def _foreign_404(self, call: ApiCall, response: RawResponse, envelope: dict[str, Any] | None) -> APIError:
        # A wrong base URL or a gateway responds with 404 too; taken for "pipeline not found" it would empty a stack.
        reason = f"no Pipeline API at this URL ({response.status})"
        return UnexpectedResponse(call.action, reason, advice=_CHECK_URL, **self._facts(call, response, envelope))

    def _unusable(self, call: ApiCall, response: RawResponse, reason: str, envelope: dict[str, Any] | None) -> APIError:
        """Build the error of a 2xx without usable data. A change may have been applied by then."""
        if call.changes:
            return call.ambiguous(reason, **self._words(response, envelope))
        return UnexpectedResponse(call.action, reason, advice=_CHECK_URL, **self._facts(call, response, envelope))

    def _facts(self, call: ApiCall, response: RawResponse, envelope: dict[str, Any] | None) -> dict[str, Any]:
        return {**call.facts, **self._words(response, envelope)}

    def _words(self, response: RawResponse, envelope: dict[str, Any] | None) -> dict[str, Any]:
        """Return what the server said, whole: a cut before redaction could leave half a secret."""
        text = response.content.decode(errors="replace") if envelope is None else envelope.get("error_message")
        code = (envelope or {}).get("error_code")
        return {
            "status": response.status,
            "code": None if code is None else self.hide_key(str(code)),
            "server_message": None if text is None else self.hide_key(str(text)),
            "retry_after_seconds": asked_pause_seconds(response.headers),
        }


def _asked_pause(response: RawResponse) -> str:
    seconds = asked_pause_seconds(response.headers) or 0.0
    return f", GoldRush asks to wait {seconds:.0f} s" if seconds >= 1 else ""


def _redirected(call: ApiCall, response: RawResponse) -> APIError:
    # Host only: the rest of a location may carry anything.
    host = shown_line(_host(response.headers.get("Location", ""))) or "another path of the same host"
    reason = f"redirected ({response.status}) to {host}, where the ServiceKey is not sent"
    return UnexpectedResponse(call.action, reason, advice=_CHECK_URL, status=response.status, **call.facts)


def _host(location: str) -> str:
    try:
        return urlsplit(location).hostname or ""
    except ValueError:
        return "a location that is not a URL"


def _envelope(response: RawResponse) -> dict[str, Any] | None:
    """Return the envelope of a response, None when it is not GoldRush's.

    `error` must be true or false: frameworks put a string there in responses of their own.
    """
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict):
        return None
    is_envelope = "error_message" in body or "data" in body or isinstance(body.get("error"), bool)
    return body if is_envelope else None

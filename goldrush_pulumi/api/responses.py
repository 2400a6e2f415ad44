"""Opening the envelope that every answer of GoldRush comes in, and telling its errors apart.

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
from goldrush_pulumi.api.models import Answer
from goldrush_pulumi.api.retries import asked_pause_seconds
from goldrush_pulumi.api.transport import ambiguous

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldrush_pulumi.api.transport import Call, RawResponse

_SUCCESSES: Final = range(200, 300)

_REDIRECTS: Final = range(300, 400)

_FAILURES: Final = range(500, 600)

_CHECK_ADDRESS: Final = "check goldrush:baseUrl, and that no proxy or gateway answers in GoldRush's place"

A = TypeVar("A", bound=Answer)


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
    """Reads replies.

    `key_source` says in messages where the ServiceKey came from, and `hide_key` takes it out of what a server echoes.
    """

    key_source: str
    hide_key: Callable[[str], str]

    def read(self, call: Call, reply: RawResponse) -> Any:
        """Return the `data` of a reply, None when it has no body.

        Raises:
            APIError: the reply is an error, or not GoldRush's; see its subclasses.
        """
        envelope = _envelope(reply)
        if reply.status not in _SUCCESSES:
            raise self._refusal(call, reply, envelope)
        if envelope is None and not reply.content.strip():
            return None
        if envelope is None:
            raise self._unusable(call, reply, f"not an answer of GoldRush ({reply.status})", None)
        # The documented samples show `error: true` beside data: an error is what says so and brings none.
        if envelope.get("error") and not envelope.get("data"):
            raise self._unusable(call, reply, f"GoldRush reports an error ({reply.status})", envelope)
        return envelope.get("data")

    def read_as(self, model: type[A], call: Call, reply: RawResponse) -> A:
        """Return the `data` of a reply as a `model`.

        Raises:
            APIError: as `read`; also when the data has another shape.
        """
        data = self.read(call, reply)
        try:
            return model.model_validate(data)
        except ValidationError as error:
            names = sorted({".".join(map(str, problem["loc"])) or "data" for problem in error.errors()})
        # Outside the handler, and names only: pydantic's error holds the values, which may be secret.
        reason = f"the answer ({reply.status}) has another shape than documented, see {', '.join(names)}"
        raise self._unusable(call, reply, reason, {})

    def _refusal(self, call: Call, reply: RawResponse, envelope: dict[str, Any] | None) -> APIError:
        if reply.status in _REDIRECTS:
            return _redirected(call, reply)
        if reply.status in _FAILURES:
            return self._failed(call, reply, envelope)
        if reply.status == HTTPStatus.UNAUTHORIZED:
            return self._unauthorized(call, reply, envelope)
        if reply.status == HTTPStatus.NOT_FOUND and (envelope is None or not call.names_pipeline):
            return self._foreign_404(call, reply, envelope)
        plain = _Refusal(APIError, f"refused by GoldRush ({reply.status})", "")
        kind, reason, advice = _REFUSALS.get(reply.status, plain)
        return kind(call.action, reason, advice=advice, **self._facts(call, reply, envelope))

    def _failed(self, call: Call, reply: RawResponse, envelope: dict[str, Any] | None) -> APIError:
        reason = f"GoldRush failed ({reply.status})"
        if not call.is_repeatable:
            return ambiguous(call, reason, **self._words(reply, envelope))
        return ServerError(call.action, reason, advice="try again later", **self._facts(call, reply, envelope))

    def _unauthorized(self, call: Call, reply: RawResponse, envelope: dict[str, Any] | None) -> APIError:
        advice = (
            f"the key came from {self.key_source}; `pulumi destroy` and `pulumi refresh` use the key of the last"
            " `pulumi up` unless run with `--run-program`"
        )
        reason = "the ServiceKey is missing, wrong or revoked (401)"
        return Unauthorized(call.action, reason, advice=advice, **self._facts(call, reply, envelope))

    def _foreign_404(self, call: Call, reply: RawResponse, envelope: dict[str, Any] | None) -> APIError:
        # A wrong base URL or a gateway answers 404 too; taken for "pipeline not found" it would empty a stack.
        reason = f"no Pipeline API at this address ({reply.status})"
        return UnexpectedResponse(call.action, reason, advice=_CHECK_ADDRESS, **self._facts(call, reply, envelope))

    def _unusable(self, call: Call, reply: RawResponse, reason: str, envelope: dict[str, Any] | None) -> APIError:
        """A 2xx without what was asked for. After a POST something may exist whose id is not known."""
        if not call.is_repeatable:
            return ambiguous(call, reason, **self._words(reply, envelope))
        return UnexpectedResponse(call.action, reason, advice=_CHECK_ADDRESS, **self._facts(call, reply, envelope))

    def _facts(self, call: Call, reply: RawResponse, envelope: dict[str, Any] | None) -> dict[str, Any]:
        return {**call.facts, **self._words(reply, envelope)}

    def _words(self, reply: RawResponse, envelope: dict[str, Any] | None) -> dict[str, Any]:
        """What the server said, whole: a cut before redaction could leave half a secret."""
        text = reply.content.decode(errors="replace") if envelope is None else envelope.get("error_message")
        code = (envelope or {}).get("error_code")
        return {
            "status": reply.status,
            "code": None if code is None else self.hide_key(str(code)),
            "server_message": None if text is None else self.hide_key(str(text)),
            "retry_after_seconds": asked_pause_seconds(reply.headers),
        }


def _redirected(call: Call, reply: RawResponse) -> APIError:
    # Host only: the rest of a location may carry anything.
    host = shown_line(_host(reply.headers.get("Location", ""))) or "another path of the same host"
    reason = f"redirected ({reply.status}) to {host}, where the ServiceKey is not sent"
    return UnexpectedResponse(call.action, reason, advice=_CHECK_ADDRESS, status=reply.status, **call.facts)


def _host(location: str) -> str:
    try:
        return urlsplit(location).hostname or ""
    except ValueError:
        return "an address that is no URL"


def _envelope(reply: RawResponse) -> dict[str, Any] | None:
    """The reply as an envelope. `error` must be true or false: frameworks put a text there in answers of their own."""
    try:
        body = json.loads(reply.content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict):
        return None
    is_envelope = "error_message" in body or "data" in body or isinstance(body.get("error"), bool)
    return body if is_envelope else None

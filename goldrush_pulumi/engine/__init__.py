"""The bridge to the Pulumi engine: what the Python dynamic provider API hides from a provider.

A dynamic provider sees plain dictionaries. The engine sends more (which resource, how long it may take, which changes
to ignore) and accepts more (status lines, partial results, errors without a traceback, cancellation). This package
reaches those through the process that hosts the provider, `python -m pulumi.dynamic`, and is the only place that
touches its frames, its gRPC server and its protobuf messages. Where an internal of the host has moved, each part falls
back to the public API and warns once.
"""

from __future__ import annotations

from goldrush_pulumi.operations.call import saves_state_late
from goldrush_pulumi.operations.errors import InitFailed, UserError
from goldrush_pulumi.schema.wire import secret, unwrap_secrets

from .host import cancelled, enlarge_pool, install, require_engine
from .log import status, warn, warn_once
from .replies import EngineGone, verb
from .request import Request, current_request, with_hidden
from .values import is_unknown

__all__ = [
    "EngineGone",
    "InitFailed",
    "Request",
    "UserError",
    "cancelled",
    "current_request",
    "enlarge_pool",
    "install",
    "is_unknown",
    "require_engine",
    "saves_state_late",
    "secret",
    "status",
    "unwrap_secrets",
    "verb",
    "warn",
    "warn_once",
    "with_hidden",
]

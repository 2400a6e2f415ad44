"""The GoldRush Pipeline REST API: client, responses and errors. Knows nothing of Pulumi."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from goldrush_pulumi.api.client import GoldRushClient
    from goldrush_pulumi.api.errors import (
        AmbiguousResult,
        APIError,
        ConfigurationError,
        ConnectionFailed,
        Forbidden,
        GoldRushError,
        Interrupted,
        InvalidRequest,
        OutOfTime,
        PipelineNotFound,
        RateLimited,
        ServerError,
        Unauthorized,
        UnexpectedResponse,
    )
    from goldrush_pulumi.api.models import (
        Creator,
        DestinationHealth,
        Group,
        Pipeline,
        PipelineLogs,
        PipelineMetrics,
        PipelinePage,
        PipelineStatus,
        PodLogs,
    )
    from goldrush_pulumi.api.rate_limit import RateLimiter
    from goldrush_pulumi.api.urls import DEFAULT_BASE_URL

__all__ = [
    "DEFAULT_BASE_URL",
    "APIError",
    "AmbiguousResult",
    "ConfigurationError",
    "ConnectionFailed",
    "Creator",
    "DestinationHealth",
    "Forbidden",
    "GoldRushClient",
    "GoldRushError",
    "Group",
    "Interrupted",
    "InvalidRequest",
    "OutOfTime",
    "Pipeline",
    "PipelineLogs",
    "PipelineMetrics",
    "PipelineNotFound",
    "PipelinePage",
    "PipelineStatus",
    "PodLogs",
    "RateLimited",
    "RateLimiter",
    "ServerError",
    "Unauthorized",
    "UnexpectedResponse",
]

_HOMES = {
    "client": ("GoldRushClient",),
    "errors": (
        "APIError",
        "AmbiguousResult",
        "ConfigurationError",
        "ConnectionFailed",
        "Forbidden",
        "GoldRushError",
        "Interrupted",
        "InvalidRequest",
        "OutOfTime",
        "PipelineNotFound",
        "RateLimited",
        "ServerError",
        "Unauthorized",
        "UnexpectedResponse",
    ),
    "models": (
        "Creator",
        "DestinationHealth",
        "Group",
        "Pipeline",
        "PipelineLogs",
        "PipelineMetrics",
        "PipelinePage",
        "PipelineStatus",
        "PodLogs",
    ),
    "rate_limit": ("RateLimiter",),
    "urls": ("DEFAULT_BASE_URL",),
}


def __getattr__(name: str) -> Any:
    # A plugin that only checks and compares needs the errors, and is spared the network stack.
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

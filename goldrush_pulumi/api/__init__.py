"""The GoldRush Pipeline REST API: client, responses and errors. Nothing here depends on Pulumi."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.api.errors import (
    AmbiguousResult,
    APIError,
    ConfigurationError,
    ConnectionFailed,
    Forbidden,
    GoldRushError,
    Interrupted,
    InterruptedChange,
    InvalidRequest,
    OutOfTime,
    PipelineNotFound,
    RateLimited,
    ServerError,
    Unauthorized,
    UnexpectedResponse,
)
from goldrush_pulumi.api.urls import DEFAULT_BASE_URL

if TYPE_CHECKING:
    from goldrush_pulumi.api.client import GoldRushClient
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
    "InterruptedChange",
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

_MODULES: Final = {"GoldRushClient": "client", "RateLimiter": "rate_limit"}


def __getattr__(name: str) -> Any:
    # Errors are light. The client loads the network stack, which only a process that sends something should pay for.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES.get(name, 'models')}"), name)

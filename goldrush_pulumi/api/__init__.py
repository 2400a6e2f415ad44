"""The GoldRush Pipeline REST API: client, responses and errors. Nothing here depends on Pulumi."""

from __future__ import annotations

from goldrush_pulumi.api.client import GoldRushClient
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

"""GoldRush data pipelines as code, on Pulumi."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from goldrush_pulumi.destinations import (
        ClickHouseDestinationArgs,
        ClickHouseDestinationArgsDict,
        KafkaDestinationArgs,
        KafkaDestinationArgsDict,
        KafkaSaslArgs,
        KafkaSaslArgsDict,
        ObjectStorageDestinationArgs,
        ObjectStorageDestinationArgsDict,
        PostgresDestinationArgs,
        PostgresDestinationArgsDict,
        SqsDestinationArgs,
        SqsDestinationArgsDict,
        WebhookDestinationArgs,
        WebhookDestinationArgsDict,
        WebhookRetryArgs,
        WebhookRetryArgsDict,
    )
    from goldrush_pulumi.explicit_provider import Provider
    from goldrush_pulumi.invokes import (
        GetPipelinesResult,
        get_pipeline,
        get_pipeline_metrics,
        get_pipeline_metrics_output,
        get_pipeline_output,
        get_pipeline_status,
        get_pipeline_status_output,
        get_pipelines,
        get_pipelines_output,
    )
    from goldrush_pulumi.pipeline import Pipeline
    from goldrush_pulumi.pipeline_types import (
        GetPipelineMetricsResult,
        GetPipelineResult,
        GetPipelineStatusResult,
        PipelineArgs,
        PipelineArgsDict,
    )

__all__ = [
    "ClickHouseDestinationArgs",
    "ClickHouseDestinationArgsDict",
    "GetPipelineMetricsResult",
    "GetPipelineResult",
    "GetPipelineStatusResult",
    "GetPipelinesResult",
    "KafkaDestinationArgs",
    "KafkaDestinationArgsDict",
    "KafkaSaslArgs",
    "KafkaSaslArgsDict",
    "ObjectStorageDestinationArgs",
    "ObjectStorageDestinationArgsDict",
    "Pipeline",
    "PipelineArgs",
    "PipelineArgsDict",
    "PostgresDestinationArgs",
    "PostgresDestinationArgsDict",
    "Provider",
    "SqsDestinationArgs",
    "SqsDestinationArgsDict",
    "WebhookDestinationArgs",
    "WebhookDestinationArgsDict",
    "WebhookRetryArgs",
    "WebhookRetryArgsDict",
    "get_pipeline",
    "get_pipeline_metrics",
    "get_pipeline_metrics_output",
    "get_pipeline_output",
    "get_pipeline_status",
    "get_pipeline_status_output",
    "get_pipelines",
    "get_pipelines_output",
]


def __getattr__(name: str) -> Any:
    # Whoever needs a part that is free of Pulumi (the emulator, the command line) is spared its import.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_home(name)}"), name)


def _home(name: str) -> str:
    """The module that a public name is defined in."""
    if name.endswith(("DestinationArgs", "DestinationArgsDict")) or name.startswith(("Kafka", "Webhook")):
        return "destinations"
    named = {"Pipeline": "pipeline", "Provider": "explicit_provider", "GetPipelinesResult": "invokes"}
    return named.get(name, "invokes" if name.startswith("get_") else "pipeline_types")


def __dir__() -> list[str]:
    return [*globals(), *__all__]

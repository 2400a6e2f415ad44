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
    from goldrush_pulumi.pipeline import Pipeline, PipelineArgs, PipelineArgsDict

__all__ = [
    "ClickHouseDestinationArgs",
    "ClickHouseDestinationArgsDict",
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
    "SqsDestinationArgs",
    "SqsDestinationArgsDict",
    "WebhookDestinationArgs",
    "WebhookDestinationArgsDict",
    "WebhookRetryArgs",
    "WebhookRetryArgsDict",
]


def __getattr__(name: str) -> Any:
    # Whoever needs a part that is free of Pulumi (the emulator, the command line) is spared its import.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "pipeline" if name.startswith("Pipeline") else "destinations"
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return [*globals(), *__all__]

"""Offline validation of a pipeline's inputs: pure functions over plain values."""

from __future__ import annotations

from goldrush_pulumi.schema.destinations import DESTINATIONS, Destination, DestinationField, secret_paths
from goldrush_pulumi.schema.pipeline import INPUTS, PipelineInput
from goldrush_pulumi.validation.inputs import find_problems, find_shape_problems
from goldrush_pulumi.validation.problems import Problem, suggest

__all__ = [
    "DESTINATIONS",
    "INPUTS",
    "Destination",
    "DestinationField",
    "PipelineInput",
    "Problem",
    "find_problems",
    "find_shape_problems",
    "secret_paths",
    "suggest",
]

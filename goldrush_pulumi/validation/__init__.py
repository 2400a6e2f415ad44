"""Offline validation of a pipeline's inputs: pure functions over plain values."""

from __future__ import annotations

from goldrush_pulumi.validation.destinations import DESTINATIONS, secret_paths
from goldrush_pulumi.validation.fields import Destination, Field
from goldrush_pulumi.validation.inputs import INPUTS, Input, find_problems, find_shape_problems
from goldrush_pulumi.validation.problems import Problem, suggest

__all__ = [
    "DESTINATIONS",
    "INPUTS",
    "Destination",
    "Field",
    "Input",
    "Problem",
    "find_problems",
    "find_shape_problems",
    "secret_paths",
    "suggest",
]

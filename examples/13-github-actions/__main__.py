"""Declare every pipeline in the selected stack's config."""

from __future__ import annotations

import pulumi

from goldrush_pulumi.stack_config import declare_pipelines

pulumi.export("phases", {name: pipeline.phase for name, pipeline in declare_pipelines().items()})

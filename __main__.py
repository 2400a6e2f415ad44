"""Declare every pipeline in the selected stack's config; see `pipelines` in Pulumi.dev.yaml."""

from __future__ import annotations

import pulumi

from goldrush_pulumi.stack_config import declare_pipelines

pipelines = declare_pipelines()

pulumi.export("ids", {name: pipeline.id for name, pipeline in pipelines.items()})
pulumi.export("phases", {name: pipeline.phase for name, pipeline in pipelines.items()})

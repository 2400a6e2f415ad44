"""What to compare with: providers that do nothing, and one that waits as people write it today."""

from __future__ import annotations

import time
import uuid
from typing import Any

from pulumi.dynamic import CreateResult, Resource, ResourceProvider


class Item(Resource, module="bench", name="Item"):
    """A resource with a handful of properties."""


class Floor(ResourceProvider):
    """Does nothing: whatever a run takes with it is the engine's own share."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Answer at once."""
        return CreateResult(uuid.uuid4().hex, props)


class Plain(ResourceProvider):
    """Creates, then sleeps until the worker is up, on the four threads that the SDK gives it."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Sleep for as long as the deployment takes."""
        time.sleep(float(props["deploy_seconds"]))
        return CreateResult(uuid.uuid4().hex, props)


REPORTS: dict[str, Any] = {
    "uid": "covalent-postgres-pipe-64a62c1b3cbfbf31221ec2b9442",
    "phase": "RUNNING",
    "replicas": 1,
    "ready": 1,
    "start_time": "2026-11-25T19:26:57.545792Z",
    "created_at": "2026-11-25T19:26:57.545753Z",
    "updated_at": "2026-11-25T19:26:57.545753Z",
    "group_id": "group_00cb9467c7fb72e3388d59c7",
    "config_version": "9fb9b1a04539",
    "runs": [],
}
"""What a pipeline reports beside its inputs."""


class Loaded(ResourceProvider):
    """Does nothing either, for resources with the properties of a pipeline: the floor of any provider of them."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Answer at once."""
        return CreateResult(uuid.uuid4().hex, {**props, **REPORTS})


class LoadedItem(Resource, module="bench", name="Loaded"):
    """A resource with the inputs and outputs of a pipeline, its secret included."""

    def __init__(self, name: str, inputs: dict[str, Any]) -> None:
        super().__init__(Loaded(), name, {**dict.fromkeys(REPORTS), **inputs})

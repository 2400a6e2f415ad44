"""What to compare with: providers that do nothing, and one that waits as people write it today."""

from __future__ import annotations

import os
import time
import uuid
from typing import Any, Final

from pulumi.dynamic import ConfigureRequest, CreateResult, Resource, ResourceProvider

from goldrush_pulumi import engine

THREADS: Final = 128
"""Those of a provider that waits for more than four resources at the same moment."""


class Item(Resource, module="bench", name="Item"):
    """A resource with a handful of properties."""


class Floor(ResourceProvider):
    """Does nothing: whatever a run takes with it is the engine's own share."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Answer at once."""
        return CreateResult(uuid.uuid4().hex, props)


class Plain(Floor):
    """Creates, then sleeps until the worker is up, on the four threads that the SDK gives it."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Sleep for as long as the deployment takes."""
        time.sleep(float(os.environ["BENCH_DEPLOY_SECONDS"]))
        return super().create(props)


class Sleeping(Plain):
    """Sleeps like the plain one, but on threads enough: no provider can be sooner done."""

    def configure(self, req: ConfigureRequest) -> None:  # noqa: ARG002 - the SDK's own signature
        """Enlarge the pool."""
        engine.install(THREADS)


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


class Loaded(Floor):
    """Does nothing either, for resources with the properties of a pipeline: the floor of any provider of them."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Answer at once."""
        return super().create({**props, **REPORTS})


class LoadedSleeping(Sleeping, Loaded):
    """Sleeps on threads enough, for resources with the properties of a pipeline."""


class LoadedItem(Resource, module="bench", name="Loaded"):
    """A resource with the inputs and outputs of a pipeline, its secret included."""

    def __init__(self, provider: ResourceProvider, name: str, inputs: dict[str, Any]) -> None:
        super().__init__(provider, name, {**dict.fromkeys(REPORTS), **inputs})

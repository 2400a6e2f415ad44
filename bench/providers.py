"""The two providers to compare with: one that does nothing, and one that waits as people write it today."""

from __future__ import annotations

import time
import uuid
from typing import Any

from pulumi.dynamic import CreateResult, Resource, ResourceProvider


class Item(Resource, module="bench", name="Item"):
    """A resource of either provider."""


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

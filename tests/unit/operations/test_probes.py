"""Waiting for a healthy destination after a change: which probe counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from goldrush_pulumi.api import DestinationHealth, PipelineLogs
from goldrush_pulumi.operations.context import OperationFailed
from goldrush_pulumi.operations.update import update
from tests.support.account import context_of
from tests.support.client import ScriptedClient
from tests.support.pipelines import PIPELINE_ID, POSTGRES, inputs_of, response_to, spec_of, status_of

if TYPE_CHECKING:
    from tests.support.deployed import DeployedPipeline

ROTATED = {**POSTGRES, "password": "rotated"}


@pytest.mark.parametrize("error", [None, "connection refused"])
def test_probe_from_before_a_new_deployment_does_not_count(stack: DeployedPipeline, error: str | None) -> None:
    """An old `true` does not end the wait, and an old `false` does not fail it: the new deployment's probe decides."""
    wrong = "password authentication failed"
    stack.account.server.set_health(stack.id, error)
    stack.account.server.script(outcome="RUNNING", health_error=None if error else wrong)
    stack.account.server.switch(stale_probe_reads=3)
    context = stack.account.process(failed_grace_seconds=1.0).context()

    if error is None:
        assert wrong in stack.fails(context, destination_config=ROTATED, wait_for="healthy").reason
    else:
        stack.up(context, destination_config=ROTATED, wait_for="healthy")


@pytest.mark.parametrize("old", [True, False])
def test_probe_from_before_a_rotated_password_does_not_count(*, old: bool) -> None:
    """Where a change does not redeploy, a probe counts when it is younger than the change by the server's clock."""
    # More often than the stabilization window lasts.
    healths = [DestinationHealth(healthy=old, last_checked_at="2026-01-02T00:00:04Z")] * 60
    healths.append(DestinationHealth(healthy=not old, last_checked_at="2026-01-02T00:00:06Z"))
    client = ScriptedClient(
        get=[response_to(inputs_of())],
        update=[response_to(inputs_of(destination_config=ROTATED), updated_at="2026-01-02T00:00:05Z")],
        status=[status_of("RUNNING", start_time="2026-01-01T00:00:00Z")],
        health=healths,
        logs=[PipelineLogs()],
    )
    spec = spec_of(destination_config=ROTATED, wait_for="healthy")

    if old:
        with pytest.raises(OperationFailed, match="its destination is not healthy"):
            update(context_of(client), PIPELINE_ID, inputs_of(), spec)
    else:
        assert update(context_of(client), PIPELINE_ID, inputs_of(), spec).run.status == "Succeeded"


def test_probe_counts_where_the_destination_did_not_change(stack: DeployedPipeline) -> None:
    """A new description without a new deployment leaves the last probe as good as it was."""
    stack.account.server.set_health(stack.id, None)
    stack.account.server.switch(patch_redeploys="never", stale_probe_seconds=1e6)

    stack.up(description="new", wait_for="healthy")

    assert stack.outputs["description"] == "new"

"""Updates of pipelines that are gone, hidden, or without a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from goldrush_pulumi.api import GoldRushError
from goldrush_pulumi.operations.context import AbsenceUnproven
from goldrush_pulumi.operations.update import PipelineGone, update
from goldrush_pulumi.schema.wire import KEY_FINGERPRINT
from tests.support.account import context_of
from tests.support.client import ScriptedClient
from tests.support.pipelines import PIPELINE_ID, inputs_of, response_to, spec_of, status_of

if TYPE_CHECKING:
    from tests.support.deployed import DeployedPipeline

NEW_DEPLOYING, NEW_RUNNING = status_of("DEPLOYING", start_time="t2"), status_of("RUNNING", start_time="t2")


def test_update_of_a_pipeline_that_was_deleted() -> None:
    """A proven 404 says what to run; nothing was sent."""
    client = ScriptedClient(get=[None], list=[[]])

    with pytest.raises(PipelineGone, match="run `pulumi refresh`, then `pulumi up`"):
        update(
            context_of(client),
            PIPELINE_ID,
            {**inputs_of(), KEY_FINGERPRINT: f"fingerprint of {PIPELINE_ID}"},
            spec_of(),
        )
    assert client.changes == []


def test_update_of_a_pipeline_whose_worker_is_not_there_yet() -> None:
    """A status that cannot be seen yet is no deleted pipeline: the change is sent."""
    there, changed = response_to(inputs_of()), response_to(inputs_of(description="b"))
    client = ScriptedClient(get=[there], update=[changed], status=[None, NEW_DEPLOYING, NEW_RUNNING])

    done = update(context_of(client), PIPELINE_ID, inputs_of(), spec_of(description="b"))

    assert client.changes == [("update", {"description": "b"})]
    assert done.status == NEW_RUNNING


def test_update_with_the_key_of_another_account() -> None:
    """An unproven 404 is another account's pipeline for all we know."""
    client = ScriptedClient(get=[None], list=[[]])

    with pytest.raises(AbsenceUnproven, match="update pipeline base-swaps"):
        update(context_of(client), PIPELINE_ID, {**inputs_of(), "group_id": "grp_1"}, spec_of())
    assert client.changes == []


def test_absence_of_the_pipeline_is_proven_before_an_update_says_so(stack: DeployedPipeline) -> None:
    """In an outage that returns 404 to everything, the update does not say that the pipeline was deleted."""
    stack.outputs[KEY_FINGERPRINT] = f"fingerprint of {stack.id}"
    stack.account.server.outage(404)

    with pytest.raises(GoldRushError, match="is not visible, but neither can the list of pipelines be read"):
        stack.up(description="new")

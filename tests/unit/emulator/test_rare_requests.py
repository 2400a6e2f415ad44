"""Requests that meet the emulator in a rare state, or that hold something rare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.caller import kafka_body, postgres_body

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.emulator.conftest import Lab


@pytest.mark.parametrize(("effect", "status"), [("refuse", 422), ("ignore", 201)])
def test_an_unknown_setting_inside_of_another(effect: str, status: int, lab: Lab) -> None:
    """A misspelt setting is refused at any depth, or ignored, as the switch says."""
    lab.emulator.switch(unknown_fields=effect)
    body = kafka_body()
    body["destination_config"]["sasl"]["pasword"] = "x"
    response = lab.api.send("POST", "", body)

    assert response.status_code == status
    if status == 422:
        assert response.json()["error_message"] == "destination_config.sasl.pasword: unknown field"


@pytest.mark.parametrize("change", [{"destination_type": "pigeon"}, {"destination_config": "postgresql://db/x"}])
def test_a_destination_that_cannot_be_one_is_one_problem(change: dict[str, Any], lab: Lab) -> None:
    """Where the type or the settings make no sense as a whole, nothing is said of single settings."""
    response = lab.api.send("POST", "", postgres_body(**change))

    assert response.status_code == 422
    (name,) = change
    assert response.json()["error_message"].startswith(f"{name}: ")
    assert ";" not in response.json()["error_message"]


def test_a_paused_pipeline_is_not_probed(start: Callable[..., Lab]) -> None:
    """The health of a pipeline whose worker rests is that of its last probe: nobody connects to its destination."""
    lab = start(probe=True)
    config = {"type": "webhook", "url": "http://127.0.0.1:9/rows"}
    body = postgres_body(destination_type="webhook", destination_config=config, transforms={}, status="paused")
    pipeline_id = lab.api.create(body)["id"]
    assert lab.api.phase(pipeline_id) == "PAUSED"

    assert lab.api.data("GET", f"{pipeline_id}/destination-health/")["last_error"] is None


def test_a_paused_pipeline_continues_from_its_new_start(lab: Lab) -> None:
    """A start that is changed while the worker rests is where it goes on once it is resumed."""
    lab.emulator.switch(start_change_rewinds=True, patch_redeploys="never")
    pipeline_id = lab.api.create()["id"]
    lab.api.data("PUT", f"{pipeline_id}/", {"status": "paused"})
    lab.api.data("PATCH", f"{pipeline_id}/", {"execution_start_from": "7"})
    lab.clock.advance(30)
    lab.api.data("PUT", f"{pipeline_id}/", {"status": "running"})
    lab.clock.advance(5)

    assert lab.api.data("GET", f"{pipeline_id}/metrics/")["last_block_height"] == 12

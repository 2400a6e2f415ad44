from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from goldrush_pulumi.api import DestinationHealth, Pipeline, PipelineLogs, PipelineMetrics, PipelinePage, PipelineStatus

if TYPE_CHECKING:
    from goldrush_pulumi.api.models import ApiResponse

MODELS: list[tuple[type[ApiResponse], dict[str, Any]]] = [
    (Pipeline, {"id": "pipe_1"}),
    (PipelinePage, {}),
    (PipelineStatus, {}),
    (PipelineLogs, {}),
    (PipelineMetrics, {}),
    (DestinationHealth, {}),
]


@pytest.mark.parametrize(("model", "least"), MODELS, ids=[model.__name__ for model, _ in MODELS])
def test_null_is_absent(model: type[ApiResponse], least: dict[str, Any]) -> None:
    """Null in every field that is not needed means the same as leaving all of them out."""
    nulls = {field.validation_alias or name: None for name, field in model.model_fields.items()}
    assert model.model_validate(least) == model.model_validate({**nulls, **least})


@pytest.mark.parametrize(("model", "least"), MODELS, ids=[model.__name__ for model, _ in MODELS])
def test_unknown_fields(model: type[ApiResponse], least: dict[str, Any]) -> None:
    """A field that came with a later version of the service changes nothing."""
    assert model.model_validate(least) == model.model_validate({**least, "new_in_2027": {"deep": [1]}})


@pytest.mark.parametrize(("model", "least"), MODELS, ids=[model.__name__ for model, _ in MODELS])
def test_frozen(model: type[ApiResponse], least: dict[str, Any]) -> None:
    """A response is a value: nobody changes it."""
    response = model.model_validate(least)
    with pytest.raises(ValidationError, match="frozen"):
        setattr(response, next(iter(model.model_fields)), "other")


@given(st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=300))
def test_any_phase_is_kept(phase: str) -> None:
    """A phase is kept as it came, known or not, as long as it is one printable word."""
    assert phase == PipelineStatus.model_validate({"status": phase}).phase


@pytest.mark.untraced
@given(st.text())
def test_phase_is_one_printable_line(phase: str) -> None:
    """Whatever the server calls a phase, it cannot move the cursor or start a line of its own."""
    status = PipelineStatus.model_validate({"status": phase, "start_time": phase, "uid": phase})
    assert status.phase
    assert status.phase.isprintable()
    assert (status.start_time or "").isprintable()
    assert status.uid.isprintable()


@pytest.mark.parametrize("phase", ["", " ", "\x1b", "\n"])
def test_blank_phase(phase: str) -> None:
    """A phase that shows nothing reads as unknown."""
    assert PipelineStatus.model_validate({"status": phase}).phase == "UNKNOWN"


@pytest.mark.parametrize("pipeline_id", ["pipe_1\npipe_2", "pipe_\x1b[31m", "pipe_1\x00"])
def test_id_that_cannot_be_shown(pipeline_id: str) -> None:
    """An id with control characters is refused: cleaned, it could name another pipeline."""
    with pytest.raises(ValidationError, match="must be printable"):
        Pipeline.model_validate({"id": pipeline_id})


def test_health_of_the_last_probe() -> None:
    """A probe brings its result, its time, its latency and its error."""
    probe = {"healthy": False, "last_checked_at": "2026-04-29T05:53:16Z", "latency_ms": 41, "last_error": "refused"}
    health = DestinationHealth.model_validate(probe)
    assert probe == health.model_dump()


def test_phase_by_its_own_name() -> None:
    """A status can be built in code by the name it is read by."""
    assert PipelineStatus(phase="RUNNING") == PipelineStatus.model_validate({"status": "RUNNING"})


@pytest.mark.parametrize("height", [44_745_000, "44745000"], ids=["number", "text"])
def test_heights_are_text(height: int | str) -> None:
    """A block height is digits in text, whichever way the service writes it."""
    assert Pipeline.model_validate({"id": "p", "execution_start_from": height}).execution_start_from == "44745000"


@pytest.mark.parametrize("abi", [{}, {"abi": []}, [{"type": "event"}], "[]"])
def test_abi_shapes(abi: object) -> None:
    """The ABI keeps the shape it has: the service documents none."""
    assert abi == Pipeline.model_validate({"id": "p", "abi_file": abi}).abi_file


def test_unset_is_not_unanswered() -> None:
    """A null in a field that can be cleared says that it is unset; an absent field, or another null, says nothing."""
    unset = Pipeline.model_validate({"id": "p", "description": None, "abi_file": None, "project": None, "group": None})

    assert unset.model_fields_set == {"id", "description", "abi_file"}
    assert unset == Pipeline(id="p")


@pytest.mark.parametrize(
    ("group", "group_id"), [({"id": "group_1"}, "group_1"), ("group_1", "group_1"), ({}, None), (None, None)]
)
def test_group_id(group: object, group_id: str | None) -> None:
    """The group's id is found in an object and in a plain id, and None stands for no response."""
    assert group_id == Pipeline.model_validate({"id": "p", "group": group}).group_id


def test_pipeline_without_an_id() -> None:
    """A pipeline without an id cannot be worked with, so it is no pipeline."""
    with pytest.raises(ValidationError):
        Pipeline.model_validate({"id": "", "name": "swaps"})


def test_fractions_in_metrics() -> None:
    """Rates and delays may have fractions."""
    metrics = PipelineMetrics.model_validate({"records_per_second": 0.5, "processing_delay_ms": 1.25})
    assert (0.5, 1.25) == (metrics.records_per_second, metrics.processing_delay_ms)


@pytest.mark.parametrize(
    "response",
    [
        Pipeline(id="p", destination_config={"password": "hunter22"}, transforms={"t": "hunter22"}),
        PipelineLogs.model_validate({"pods": [{"pod": "p", "logs": "password hunter22"}]}),
        DestinationHealth(healthy=False, last_error="hunter22 refused"),
    ],
    ids=["pipeline", "logs", "health"],
)
def test_repr_holds_no_secret(response: ApiResponse) -> None:
    """What may hold a secret stays out of repr."""
    assert "hunter22" not in repr(response)
    assert "hunter22" not in str(response)


def test_validation_error_holds_no_value() -> None:
    """A pydantic error about a response never quotes the response."""
    with pytest.raises(ValidationError) as caught:
        Pipeline.model_validate({"id": "p", "destination_config": "hunter22"})
    assert "hunter22" not in str(caught.value)

"""What the engine changes about a pipeline after the program has declared it: its transforms and inherited options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pytest
from pulumi import ResourceOptions
from pulumi.runtime import resource as sdk
from pulumi.runtime.proto import callback_pb2

import goldrush_pulumi as goldrush
from goldrush_pulumi import pipeline as pipeline_module
from goldrush_pulumi.engine import secret
from goldrush_pulumi.pipeline import _complete_in_engine
from tests.unit.programs import OWNER_ID, run

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = "pulumi-python:dynamic/goldrush:Pipeline"


def declare(opts: ResourceOptions | None = None) -> goldrush.Pipeline:
    destination = goldrush.PostgresDestinationArgs(url="postgresql://db.example.com:5432/a", user="u", password="p")
    topic = "base.mainnet.ref.block.swap.v3"
    return goldrush.Pipeline("swaps", opts, project="shop", topic=topic, destination_config=destination)


# --- When it asks the engine back -------------------------------------------------------------------------------------


class Callbacks:
    """Stands in for the server through which the engine runs the transforms of a program."""

    def __init__(self) -> None:
        self.registered: list[Any] = []

    def register_transform(self, transform: Any) -> callback_pb2.Callback:
        self.registered.append(transform)
        return callback_pb2.Callback(token="t", target="127.0.0.1:1")


@pytest.fixture
def callbacks(monkeypatch: pytest.MonkeyPatch) -> Callbacks:
    """An engine that can ask back, which the one of mocks cannot."""
    made = Callbacks()

    async def get_callbacks() -> Callbacks:
        return made

    class NoMonitor:
        """What the monitor of mocks is not."""

    monkeypatch.setattr(pipeline_module, "MockMonitor", NoMonitor)
    monkeypatch.setattr(sdk, "_get_callbacks", get_callbacks)
    return made


def component(**options: Any) -> ResourceOptions:
    return ResourceOptions(parent=pulumi.ComponentResource("a:b:C", "parent"), **options)


def change_nothing(_args: pulumi.ResourceTransformArgs) -> None:
    """A transform of the user's own."""


@pytest.mark.parametrize(
    ("make_options", "expected"),
    [
        (ResourceOptions, []),
        (component, [_complete_in_engine]),
        (lambda: component(retain_on_delete=False), []),
        (lambda: ResourceOptions(transforms=[change_nothing]), [change_nothing, _complete_in_engine]),
    ],
    ids=["plain", "below a component", "with the option of its own", "with a transform"],
)
def test_the_engine_is_asked_only_where_it_may_change_something(
    make_options: Callable[[], ResourceOptions], expected: list[Any], callbacks: Callbacks
) -> None:
    """A transform runs after the user's own and below components, which hand options down; others cost no call."""
    run(lambda: declare(make_options()))

    assert callbacks.registered == expected


def test_an_sdk_that_runs_transformations_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the SDK does not run the pipeline's own transformation, its inputs are completed all the same."""
    monkeypatch.setattr(goldrush.Pipeline, "_transformations", [])

    (args,) = run(declare).pipelines

    assert args.inputs["name"] == "swaps"
    assert args.inputs["destination_type"] == "postgres"
    assert args.inputs["__owner"] == OWNER_ID


# --- What it corrects -------------------------------------------------------------------------------------------------

PROPERTIES: dict[str, Any] = {
    "project": "shop",
    "description": "plain",
    "__owner": OWNER_ID,
    "__secrets": [["destination_config", "password"]],
}


def corrected(properties: dict[str, Any], type_: str = TOKEN, **options: Any) -> dict[str, Any] | None:
    """What the engine gets back for a pipeline; None where it keeps what it has."""
    args = pulumi.ResourceTransformArgs(
        custom=True, type_=type_, name="swaps", props=properties, opts=ResourceOptions(**options)
    )
    results: list[pulumi.ResourceTransformResult | None] = []

    async def ask() -> None:
        results.append(await _complete_in_engine(args))

    run(ask)
    (result,) = results
    return None if result is None else dict(result.props)


def test_what_a_transform_marks_as_secret_is_passed_on() -> None:
    """A value that a transform has made secret joins those that the program marked, each once."""
    marked = {**PROPERTIES, "description": secret("hidden")}
    paths = [["destination_config", "password"], ["description"]]

    assert corrected(marked) == {**marked, "__secrets": paths}
    assert corrected({**marked, "__secrets": paths}) is None
    assert corrected({**marked, "__secrets": None}) == {**marked, "__secrets": [["description"]]}


def test_a_pipeline_that_inherits_its_retention_belongs_to_nobody() -> None:
    """A pipeline that a component lets outlive its resource loses its owner, which another stack may then take."""
    kept = corrected(PROPERTIES, retain_on_delete=True)

    assert kept == {name: value for name, value in PROPERTIES.items() if name != "__owner"}


@pytest.mark.parametrize("without", [None, "__secrets"])
def test_the_engine_keeps_what_needs_no_correction(without: str | None) -> None:
    """Nothing is sent back where nothing changed, nor where an older SDK leaves the hidden inputs out."""
    properties = {name: value for name, value in PROPERTIES.items() if name != without}

    assert corrected(properties, retain_on_delete=without is not None) is None


def test_other_resources_are_left_alone() -> None:
    """A transform is inherited by whatever lies below a pipeline, which has properties of its own."""
    assert corrected({**PROPERTIES, "description": secret("hidden")}, type_="a:b:C", retain_on_delete=True) is None

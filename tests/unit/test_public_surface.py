from __future__ import annotations

import dataclasses
import importlib
import pkgutil

import goldrush_pulumi
from goldrush_pulumi.pipeline import _OUTPUTS, Pipeline
from goldrush_pulumi.pipeline_types import PipelineArgs, PipelineArgsDict
from goldrush_pulumi.schema.pipeline import INPUTS

STATE_INPUTS = [
    "project",
    "topic",
    "destination_type",
    "execution_mode",
    "name",
    "description",
    "destination_config",
    "transforms",
    "execution_start_from",
    "execution_stop_from",
    "abi_file",
    "abi_contract_addresses",
    "abi_unmatched",
    "status",
    "triggers",
    "wait_for",
    "adopt_id",
]
STATE_REPORTS = ["uid", "phase", "replicas", "ready", "start_time", "created_at", "updated_at", "group_id"]
STATE_REPORTS += ["config_version", "runs"]


def test_names_in_state_are_pinned() -> None:
    """Names of inputs and outputs live in users' state for years: a new one is added here, none is ever renamed."""
    assert sorted(INPUTS) == sorted(STATE_INPUTS)
    assert sorted(_OUTPUTS) == sorted({*STATE_INPUTS, *STATE_REPORTS} - {"adopt_id", "wait_for"})


def test_every_list_of_inputs_is_the_same() -> None:
    """What a program may write and what is checked are the same inputs."""
    expected = sorted(INPUTS)

    assert sorted(item.name for item in dataclasses.fields(PipelineArgs)) == expected
    assert sorted(PipelineArgsDict.__annotations__) == expected


def test_the_same_inputs_are_required_everywhere() -> None:
    """An input is required by the types exactly when it is required by check."""
    required = {name for name, row in INPUTS.items() if row.required}

    assert {item.name for item in dataclasses.fields(PipelineArgs) if item.default is dataclasses.MISSING} == required
    assert {
        name for name, hint in PipelineArgsDict.__annotations__.items() if "NotRequired" not in str(hint)
    } == required


def test_every_output_is_typed() -> None:
    """Each output of a pipeline is an attribute that type checkers know."""
    assert sorted(set(Pipeline.__annotations__)) == sorted(_OUTPUTS)


def test_public_names_are_sorted_and_true() -> None:
    """What is promised exists, is listed by dir, and comes in order."""
    names = goldrush_pulumi.__all__

    assert names == sorted(names)
    assert len(set(names)) == len(names)
    assert [getattr(getattr(goldrush_pulumi, name), "__name__", name) for name in names] == names
    assert {*names} <= {*dir(goldrush_pulumi)}


def test_every_destination_has_both_forms() -> None:
    """Beside each class there is a typed dict."""
    classes = {name for name in goldrush_pulumi.__all__ if name.endswith("Args")}
    dicts = {name.removesuffix("Dict") for name in goldrush_pulumi.__all__ if name.endswith("ArgsDict")}

    assert classes == dicts


def test_every_package_has_what_it_names() -> None:
    """Every `__all__` in the package is unique and true."""
    for module in pkgutil.walk_packages(goldrush_pulumi.__path__, "goldrush_pulumi."):
        if not module.ispkg:
            continue
        package = importlib.import_module(module.name)
        names = list(getattr(package, "__all__", []))
        assert len(set(names)) == len(names), module.name
        assert all(hasattr(package, name) for name in names), module.name

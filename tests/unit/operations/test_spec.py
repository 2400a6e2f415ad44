from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldrush_pulumi.operations.spec import PipelineSpec, with_defaults
from goldrush_pulumi.schema.pipeline import (
    ECHOED,
    INPUTS,
    PATCHED,
    SENT,
    Change,
    canonical,
    height_digits,
    whole_numbers,
)
from tests.support.pipelines import POSTGRES, inputs_of, spec_of

ADDRESS = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"
OTHER_ADDRESS = "0xdAC17F958D2ee523a2206206994597C13D831ec7"
BEYOND_DOUBLES = 2**53 + 1
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
ANY_INPUTS = st.dictionaries(st.sampled_from(sorted(INPUTS)), VALUES)


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("project", "", None),
        ("description", "", None),
        ("description", " ends in space ", "ends in space"),
        ("abi_unmatched", "", None),
        ("transforms", {}, None),
        ("transforms", {"a": "SELECT 1", "b": "SELECT 2"}, {"b": "SELECT  2;", "a": "SELECT 1 -- one"}),
        ("abi_contract_addresses", [], None),
        (
            "abi_contract_addresses",
            [ADDRESS, OTHER_ADDRESS],
            [OTHER_ADDRESS.lower(), ADDRESS.upper().replace("X", "x")],
        ),
        ("abi_contract_addresses", [ADDRESS, ADDRESS], [ADDRESS]),
        ("abi_file", {}, None),
        ("abi_file", [], None),
        ("abi_file", '[{"name": "Swap"}]', [{"name": "Swap"}]),
        ("abi_file", "{}", None),
        ("abi_file", [{"inputs": 1.0}], [{"inputs": 1}]),
        ("triggers", {}, None),
        ("triggers", {"run": 3.0}, {"run": 3}),
        ("execution_start_from", "", None),
        ("execution_start_from", 44_745_000, "44745000"),
        ("execution_start_from", 44_745_000.0, "44745000"),
        ("execution_start_from", "007", 7),
        ("execution_start_from", "000", 0),
        ("execution_stop_from", BEYOND_DOUBLES, str(BEYOND_DOUBLES)),
        ("destination_config", {"type": "postgres", **POSTGRES}, dict(reversed(POSTGRES.items()))),
        ("destination_config", {**POSTGRES, "batch_size": 5.0}, {**POSTGRES, "batch_size": 5}),
        ("destination_config", {**POSTGRES, "headers": {}, "region": ""}, {**POSTGRES, "partition_by": [], "x": None}),
        ("destination_config", {"retry": {"max_attempts": None}}, {}),
    ],
)
def test_values_of_the_same_meaning_have_one_form(name: str, one: Any, other: Any) -> None:
    """Layout, key order, case of addresses, leading zeros and the ways to say "nothing" make no difference."""
    assert canonical(name, one) == canonical(name, other)


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("description", "a", "A"),
        ("transforms", {"a": "SELECT 1"}, {"A": "SELECT 1"}),
        ("transforms", {"a": "SELECT 1"}, {"a": "SELECT 1", "b": "SELECT 1"}),
        ("abi_contract_addresses", [ADDRESS], []),
        ("abi_file", [{"name": "a"}, {"name": "b"}], [{"name": "b"}, {"name": "a"}]),
        ("execution_start_from", 0, None),
        ("execution_start_from", BEYOND_DOUBLES, BEYOND_DOUBLES - 1),
        ("execution_stop_from", str(BEYOND_DOUBLES), BEYOND_DOUBLES - 1),
        ("execution_start_from", 1.5, 1),
        ("execution_start_from", True, 1),
        ("triggers", {"run": None}, {}),
        ("triggers", {"run": ""}, {}),
        ("destination_config", {**POSTGRES, "batch_size": 0}, POSTGRES),
        ("destination_config", {**POSTGRES, "password": "other"}, POSTGRES),
        ("destination_config", {"headers": {"a": "1"}}, {"headers": {"A": "1"}}),
    ],
)
def test_values_of_other_meaning_keep_apart(name: str, one: Any, other: Any) -> None:
    """Zero is not nothing, names keep their case, order counts in an ABI, and digits are never rounded."""
    assert canonical(name, one) != canonical(name, other)


@pytest.mark.parametrize("name", sorted(INPUTS))
@pytest.mark.parametrize(
    "value", [pytest.param("9" * 10_000, id="long"), "²", "-1", "", [None], [{"a": [1.0]}], {"": {}}, object(), 1e300]
)
def test_any_value_has_a_form(name: str, value: Any) -> None:
    """A value of any shape and size, an unknown one too, can be compared; check tells what is wrong with it."""
    assert canonical(name, value) == canonical(name, value)


@given(st.sampled_from(sorted(INPUTS)), VALUES)
def test_a_canonical_form_is_its_own(name: str, value: Any) -> None:
    """Law: what is canonical stays as it is."""
    assert canonical(name, canonical(name, value)) == canonical(name, value)


@given(VALUES)
def test_whole_numbers_change_no_value(value: Any) -> None:
    """Law: whatever happens to floats, everything stays equal to what it was."""
    assert whole_numbers(value) == value


def test_whole_floats_become_ints() -> None:
    """Numbers come through the engine as doubles; those that are whole are ints again, at any depth."""
    assert repr(whole_numbers([3.0, {"a": [4.5, 5.0]}])) == "[3, {'a': [4.5, 5]}]"


def test_a_height_keeps_every_digit() -> None:
    """A height of any size is written in digits, while truth values and fractions are left for check to refuse."""
    assert height_digits(BEYOND_DOUBLES) == "9007199254740993"
    assert height_digits(3.0) == "3"
    assert height_digits(True) is True  # noqa: FBT003 - a program may pass anything
    assert height_digits(1.5) == 1.5
    assert height_digits("12") == "12"


def test_defaults_are_filled_in() -> None:
    """What the documentation calls a default is in the inputs, the name follows the resource, heights are digits."""
    filled = with_defaults(
        {"project": "p", "topic": "t", "destination_config": {"type": "sqs", "batch_size": 5.0}, "adopt_id": None}
        | {"execution_start_from": 44_745_000.0},
        "base-swaps",
    )

    assert filled == {
        "project": "p",
        "topic": "t",
        "destination_config": {"type": "sqs", "batch_size": 5},
        "destination_type": "sqs",
        "execution_mode": "unbounded",
        "name": "base-swaps",
        "description": "",
        "transforms": {},
        "execution_start_from": "44745000",
        "abi_contract_addresses": [],
        "abi_unmatched": "",
        "status": "running",
        "triggers": {},
        "wait_for": "running",
    }


def test_given_values_are_no_defaults() -> None:
    """A default takes the place of nothing that was given, and two pipelines never share a default."""
    given = {"status": "paused", "name": "n", "destination_type": "kafka", "destination_config": {"type": "sqs"}}
    filled, other = with_defaults(given, "r"), with_defaults({}, "r")

    assert {name: filled[name] for name in given} == given
    filled["transforms"]["a"] = "SELECT 1"
    assert other["transforms"] == {} == with_defaults({}, "r")["transforms"]


@given(ANY_INPUTS)
def test_defaults_law(inputs: dict[str, Any]) -> None:
    """Law: filling in twice is filling in once, the given inputs stay untouched, and so does destination_config."""
    before = copy.deepcopy(inputs)
    filled = with_defaults(inputs, "r")

    assert with_defaults(filled, "r") == filled
    assert inputs == before
    assert filled.get("destination_config") == before.get("destination_config")


def test_post_body() -> None:
    """A POST carries what was given a value: nothing empty, nothing of ours, and not the default status."""
    spec = spec_of(
        description="Swaps",
        transforms={"swaps": "SELECT 1"},
        execution_start_from=0,
        triggers={"run": 1},
        wait_for="healthy",
        adopt_id="pipe_1",
    )

    assert spec.create_body() == {
        "project": "analytics-prod",
        "topic": "base.mainnet.ref.block.swap.v3",
        "destination_type": "postgres",
        "execution_mode": "unbounded",
        "name": "base-swaps",
        "description": "Swaps",
        "destination_config": {"type": "postgres", **POSTGRES},
        "transforms": {"swaps": "SELECT 1"},
        "execution_start_from": "0",
    }
    assert spec_of(status="paused").create_body()["status"] == "paused"


def test_nulls_of_a_program_are_not_sent() -> None:
    """A setting that a program leaves at None is not sent, for a null would ask the server to clear it."""
    spec = spec_of(
        destination_config={**POSTGRES, "batch_size": None, "retry": {"max_attempts": None, "backoff_ms": 1}}
    )

    expected = {"type": "postgres", **POSTGRES, "retry": {"backoff_ms": 1}}
    assert spec.create_body()["destination_config"] == expected
    assert spec.patch_body(("destination_config",))["destination_config"] == expected


def test_patch_body_sends_whole_maps() -> None:
    """A PATCH carries the named fields alone: maps whole, the destination with its type."""
    spec = spec_of(transforms={"swaps": "SELECT 1"}, description="new")

    assert spec.patch_body(("description",)) == {"description": "new"}
    assert spec.patch_body(("destination_config", "transforms")) == {
        "destination_config": {"type": "postgres", **POSTGRES},
        "transforms": {"swaps": "SELECT 1"},
    }
    assert spec.patch_body(("project", "topic", "triggers", "wait_for", "adopt_id")) == {}


@pytest.mark.parametrize(
    ("name", "cleared"),
    [
        ("description", ""),
        ("transforms", {}),
        ("execution_start_from", ""),
        ("execution_stop_from", ""),
        ("abi_file", {}),
        ("abi_contract_addresses", []),
        ("abi_unmatched", ""),
    ],
)
def test_what_is_removed_is_cleared_by_its_empty_value(name: str, cleared: Any) -> None:
    """A removed input is sent as the value that clears it, whether it is missing or empty."""
    missing = {key: value for key, value in inputs_of().items() if key != name}

    assert PipelineSpec(missing).patch_body((name,)) == {name: cleared}
    assert PipelineSpec({**missing, name: type(cleared)()}).patch_body((name,)) == {name: cleared}


def test_the_type_that_is_sent_is_the_declared_one() -> None:
    """destination_config carries `type` on the wire whether or not the program wrote it there."""
    for config in (POSTGRES, {"type": "postgres", **POSTGRES}):
        assert spec_of(destination_config=config).create_body()["destination_config"]["type"] == "postgres"


def test_config_version_names_the_meaning() -> None:
    """Configurations that mean the same have one version, whatever their layout, wait policy or adoption."""
    spec = spec_of(transforms={"a": "SELECT 1"}, execution_start_from=7, abi_contract_addresses=[ADDRESS])
    same = spec_of(
        transforms={"a": "SELECT 1 ; -- same"},
        execution_start_from="007",
        abi_contract_addresses=[ADDRESS.lower()],
        wait_for="none",
        adopt_id="pipe_1",
    )

    assert spec.config_version == same.config_version
    assert len(spec.config_version) == 12
    assert int(spec.config_version, 16) >= 0


def test_config_version_is_blind_to_the_destination() -> None:
    """Nothing of destination_config goes into the version: a hash of a short password could be turned back."""
    other = spec_of(destination_config={**POSTGRES, "password": "other", "url": "postgresql://elsewhere/x"})

    assert other.config_version == spec_of().config_version


@pytest.mark.parametrize(
    "change",
    [
        {"description": "x"},
        {"transforms": {"a": "SELECT 2"}},
        {"triggers": {"run": 2}},
        {"status": "paused"},
        {"execution_start_from": 1},
        {"abi_file": [{"name": "a"}]},
        {"name": "n"},
        {"topic": "t"},
    ],
)
def test_config_version_tells_changes(change: dict[str, Any]) -> None:
    """Every other input counts."""
    assert spec_of(**change).config_version != spec_of().config_version


def test_a_spec_shows_no_value() -> None:
    """A spec holds secrets in clear, so its repr says nothing of them."""
    assert repr(spec_of()) == "PipelineSpec()"


def test_what_changes_mean() -> None:
    """PATCH takes neither project, topic, destination_type nor execution_mode; triggers are ours alone."""
    replaced = {name for name, row in INPUTS.items() if row.change is Change.REPLACE}

    assert replaced == {"project", "topic", "destination_type", "execution_mode"}
    assert {*SENT} == {*INPUTS} - {"triggers", "wait_for", "adopt_id"}
    assert {*PATCHED} == {*SENT} - replaced
    assert {*ECHOED} == {*INPUTS} - {"wait_for", "adopt_id"}


def test_an_abi_in_json_text_is_sent_as_values() -> None:
    """A large ABI is registered as text, and GoldRush gets the list."""
    abi = [{"type": "event", "name": "Swap", "inputs": []}]
    spec = spec_of(abi_file=json.dumps(abi))

    assert spec.create_body()["abi_file"] == abi
    assert spec.patch_body(("abi_file",)) == {"abi_file": abi}
    assert spec.config_version == spec_of(abi_file=abi).config_version

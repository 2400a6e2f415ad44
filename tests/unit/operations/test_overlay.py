from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldrush_pulumi.api import Pipeline
from goldrush_pulumi.operations.diff import drifted_fields, overlay, uncleared_fields
from goldrush_pulumi.schema.pipeline import INPUTS, canonical
from tests.support.pipelines import PIPELINE_ID, POSTGRES, inputs_of, masked, response_to

if TYPE_CHECKING:
    from collections.abc import Callable

WEBHOOK: dict[str, Any] = {
    "url": "https://hooks.example.com/in",
    "headers": {"Authorization": "Bearer planted", "X-Team": "data"},
    "batch_size": 10,
    "retry": {"max_attempts": 5},
}


def webhook(**changes: Any) -> dict[str, Any]:
    return inputs_of(destination_type="webhook", destination_config={**WEBHOOK, **changes})


def shown(inputs: dict[str, Any], **changes: Any) -> Pipeline:
    """The pipeline with settings of its destination changed on the server; None takes one away."""
    config = {"type": inputs["destination_type"], **masked(inputs["destination_config"]), **changes}
    return response_to(inputs, destination_config={key: item for key, item in config.items() if item is not None})


def config_seen(inputs: dict[str, Any], **changes: Any) -> Any:
    return overlay(inputs, shown(inputs, **changes))["destination_config"]


# --- overlay ----------------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="*"), max_size=8)
POSTGRES_CONFIGS = st.fixed_dictionaries(
    {"url": st.just("postgresql://db/x"), "user": TEXT, "password": TEXT},
    optional={
        "batch_size": st.integers(0, 10**6),
        "flush_interval_ms": st.integers(0, 10**6),
        "type": st.just("postgres"),
    },
)
WEBHOOK_CONFIGS = st.fixed_dictionaries(
    {"url": st.just("https://h/x")},
    optional={
        "headers": st.dictionaries(TEXT, TEXT, max_size=3),
        "retry": st.fixed_dictionaries(
            {}, optional={"max_attempts": st.integers(0, 9), "backoff_ms": st.integers(0, 9)}
        ),
        "batch_size": st.integers(1, 9),
        "method": TEXT,
    },
)
ADDRESSES = st.lists(st.text("0123456789abcdefABCDEF", min_size=1, max_size=6), max_size=3)
OPTIONAL = {
    "description": TEXT,
    "transforms": st.dictionaries(TEXT, st.sampled_from(["SELECT 1", "SELECT  a FROM b -- c", "SELECT 'x  y';"])),
    "execution_start_from": st.integers(0, 2**60) | st.just("007"),
    "execution_stop_from": st.integers(0, 2**60),
    "abi_file": st.just([{"name": "Swap", "inputs": []}]) | st.just({}),
    "abi_contract_addresses": ADDRESSES,
    "abi_unmatched": st.sampled_from(["", "raw"]),
    "status": st.sampled_from(["running", "paused"]),
    "triggers": st.dictionaries(TEXT, st.integers()),
    "wait_for": st.sampled_from(["running", "none"]),
}
REST = st.fixed_dictionaries({}, optional=OPTIONAL)
DESTINATIONS = st.tuples(st.just("postgres"), POSTGRES_CONFIGS) | st.tuples(st.just("webhook"), WEBHOOK_CONFIGS)
ANY_INPUTS: st.SearchStrategy[dict[str, Any]] = st.builds(
    lambda destination, rest: inputs_of(destination_type=destination[0], destination_config=destination[1], **rest),
    DESTINATIONS,
    REST,
)
NUMBERS: st.SearchStrategy[Callable[[int], Any]] = st.sampled_from([int, float, str])


def noisy(data: st.DataObject, value: Any, *, mask: bool = False) -> Any:
    """`value` as some server may echo it: masked, numbers as floats or texts, empty values left out."""
    if isinstance(value, dict):
        noise = {}
        for key, item in value.items():
            hidden = mask or key in {"password", "headers"}
            if item not in ("", {}, []) or data.draw(st.booleans()):
                noise[key] = noisy(data, item, mask=hidden)
        return noise
    if isinstance(value, str):
        return "******" if mask and data.draw(st.booleans()) else value
    return data.draw(NUMBERS)(value) if isinstance(value, int) else value


def noisy_answer(data: st.DataObject, inputs: dict[str, Any]) -> dict[str, Any]:
    defaults = {"sslmode": "prefer", "timeout_ms": 10000, "partition_by": ["hour"]}
    ours = {"triggers", "wait_for", "destination_config"}
    answer = {name: value for name, value in inputs.items() if name not in ours}
    for name in ("execution_start_from", "execution_stop_from"):
        if name in answer:
            answer[name] = data.draw(st.sampled_from([answer[name], int(answer[name])]))
        elif data.draw(st.booleans()):
            answer[name] = data.draw(st.sampled_from(["", "0", "123"]))
    answer["transforms"] = {table: f"{text} -- {table!r}" for table, text in inputs["transforms"].items()}
    answer["abi_contract_addresses"] = [item.upper() for item in reversed(inputs["abi_contract_addresses"])]
    config = noisy(data, inputs["destination_config"])
    added = data.draw(st.sampled_from([{}, defaults]))
    return {"id": PIPELINE_ID, "created_at": "now", **answer, "destination_config": {**added, **config}}


@given(ANY_INPUTS, st.data())
def test_an_echo_is_no_drift(inputs: dict[str, Any], data: st.DataObject) -> None:
    """Law: masks, defaults, other spellings of numbers, heights, addresses and SQL leave the inputs as they are."""
    pipeline = Pipeline.model_validate(noisy_answer(data, inputs))

    assert overlay(inputs, pipeline) == inputs
    assert drifted_fields(inputs, pipeline) == ()


@given(ANY_INPUTS, st.data())
def test_no_mask_comes_through(inputs: dict[str, Any], data: st.DataObject) -> None:
    """Law: whatever the server masks, wholly or in part, on known, new and nested settings, no mask gets in."""
    mask = st.sampled_from(["******", "postgresql://u:******@db/x", "Bearer ******"])
    config = data.draw(st.dictionaries(st.sampled_from(["url", "password", "headers", "new", "user", "retry"]), mask))
    nested = {
        "headers": {"X-New": "******", **dict.fromkeys(inputs["destination_config"].get("headers", {}), "******")}
    }
    answer = {
        **noisy_answer(data, inputs),
        "destination_config": {**config, **data.draw(st.sampled_from([{}, nested]))},
    }

    assert "***" not in repr(overlay(inputs, Pipeline.model_validate(answer)))
    assert "***" not in repr(overlay({}, Pipeline.model_validate(answer)))


DRIFT: dict[str, tuple[Any, Any]] = {
    "project": ("analytics-prod", "other"),
    "topic": ("base.mainnet.ref.block.swap.v3", "other"),
    "execution_mode": ("unbounded", "bounded"),
    "name": ("base-swaps", "renamed"),
    "description": ("", "by hand"),
    "transforms": ({"a": "SELECT 1"}, {"a": "SELECT 1", "b": "SELECT 2"}),
    "execution_start_from": (5, "6"),
    "execution_stop_from": (5, "6"),
    "abi_file": ([{"name": "a"}], [{"name": "b"}]),
    "abi_contract_addresses": (["0xa"], ["0xa", "0xb"]),
    "abi_unmatched": ("raw", ""),
    "status": ("running", "paused"),
}


@pytest.mark.parametrize("name", sorted(DRIFT))
def test_real_drift_comes_in(name: str) -> None:
    """What the server holds differently is what the inputs then say, maps and lists as wholes."""
    wanted, actual = DRIFT[name]
    inputs = inputs_of(**{name: wanted})
    pipeline = response_to(inputs, **{name: actual})

    seen = overlay(inputs, pipeline)

    assert canonical(name, seen.get(name)) == canonical(name, actual)
    assert {**seen, name: None} == {**inputs, name: None}
    assert drifted_fields(inputs, pipeline) == (name,)


def test_what_was_emptied_elsewhere_is_gone() -> None:
    """An input that the server no longer has is missing afterwards, so that the next update brings it back."""
    inputs = inputs_of(description="mine", transforms={"a": "SELECT 1"})

    seen = overlay(inputs, response_to(inputs, description="", transforms={}))

    assert "description" not in seen
    assert "transforms" not in seen


@pytest.mark.parametrize("name", sorted(DRIFT.keys() - {"project", "topic", "execution_mode", "name", "status"}))
def test_null_says_that_a_field_is_unset(name: str) -> None:
    """Some server may answer null where another answers an empty value: emptied elsewhere is emptied in both."""
    inputs = inputs_of(**{name: DRIFT[name][0] or "mine"})

    seen = overlay(inputs, response_to(inputs, **{name: None}))

    assert name not in seen
    assert {**seen, name: None} == {**inputs, name: None}
    assert overlay(inputs_of(), response_to(inputs_of(), **{name: None})) == inputs_of()


def test_what_was_not_answered_stays() -> None:
    """A brief answer is no statement about the fields that it leaves out."""
    inputs = inputs_of(description="mine", transforms={"a": "SELECT 1"})

    assert overlay(inputs, Pipeline(id=PIPELINE_ID)) == inputs


@pytest.mark.parametrize("name", ["execution_start_from", "execution_stop_from", "abi_unmatched"])
def test_what_the_server_decides_is_no_drift(name: str) -> None:
    """Where the user asked for nothing, the server may have a value of its own."""
    inputs = inputs_of()

    assert INPUTS[name].server_decides
    assert overlay(inputs, response_to(inputs, **{name: "123"})) == inputs


def test_ended_pipeline_has_no_desired_status() -> None:
    """Once a bounded pipeline has ended, GoldRush may show either status."""
    inputs = inputs_of(execution_mode="bounded")
    pipeline = response_to(inputs, status="paused")

    assert overlay(inputs, pipeline, ended=True) == inputs
    assert overlay(inputs, pipeline)["status"] == "paused"


def test_a_changed_setting_comes_in_beside_the_untouched_ones() -> None:
    """One changed setting drifts; the masked password and the user's own `type` or none stay as they were."""
    assert config_seen(inputs_of(), user="root", batch_size=7) == {**POSTGRES, "user": "root"}
    typed = inputs_of(destination_config={"type": "postgres", **POSTGRES})
    assert config_seen(typed, user="root") == {"type": "postgres", **POSTGRES, "user": "root"}


def test_an_unmasked_password_that_differs_is_drift() -> None:
    """A server that shows credentials can be compared with."""
    assert config_seen(inputs_of(), password="other") == {**POSTGRES, "password": "other"}


def test_a_setting_that_was_taken_away_is_gone() -> None:
    """A setting that the answer no longer has is no longer among the inputs."""
    assert "batch_size" not in config_seen(webhook(), batch_size=None)


def test_headers_belong_to_the_user_as_a_whole() -> None:
    """A header added elsewhere drifts when it can be seen, one taken away drifts, and a mask is neither."""
    headers = dict.fromkeys(WEBHOOK["headers"], "******")

    assert config_seen(webhook(), headers=headers) == WEBHOOK
    assert config_seen(webhook(), headers={**headers, "X-Mask": "******"}) == WEBHOOK
    assert config_seen(webhook(), headers={**headers, "X-New": "y"})["headers"] == {**WEBHOOK["headers"], "X-New": "y"}
    assert config_seen(webhook(), headers={"X-Team": "******"})["headers"] == {"X-Team": "data"}


def test_credentials_that_are_left_out_are_no_drift() -> None:
    """A server that leaves credentials out in place of masking them shows nothing of them, and so no change."""
    inputs = inputs_of()
    config = {key: value for key, value in shown(inputs).destination_config.items() if value != "******"}

    assert overlay(inputs, response_to(inputs, destination_config=config)) == inputs
    assert config_seen(webhook(), headers=None) == WEBHOOK
    assert drifted_fields(inputs, response_to(inputs, destination_config=config)) == ()


def test_defaults_inside_a_nested_map_stay_out() -> None:
    """The server may complete `retry` by its defaults; only what was asked for is compared."""
    assert config_seen(webhook(), retry={"max_attempts": 5, "backoff_ms": 1000}) == WEBHOOK
    assert config_seen(webhook(), retry={"max_attempts": 6, "backoff_ms": 1000})["retry"] == {"max_attempts": 6}


def test_an_unknown_pipeline_is_described_without_its_masks() -> None:
    """With nothing asked for yet, everything visible counts, and no mask does."""
    inputs = inputs_of(description="mine")
    seen = overlay({}, shown(inputs, batch_size=1000))

    assert seen["destination_config"] == {
        "type": "postgres",
        "url": POSTGRES["url"],
        "user": "goldrush",
        "batch_size": 1000,
    }
    assert seen["description"] == "mine"
    assert "abi_file" not in seen


# --- fields that were not cleared -------------------------------------------------------------------------------------


def test_nothing_to_clear() -> None:
    """A server that replaced what it was sent needs nothing more."""
    old, new = inputs_of(description="old", transforms={"a": "SELECT 1"}), inputs_of()

    assert uncleared_fields(("description", "transforms", "destination_config"), old, new, response_to(new)) == {}


def test_a_table_that_was_merged_in_is_nulled() -> None:
    """A PATCH that merged `transforms` kept the removed table: it is sent as null, the wanted ones with it."""
    old = inputs_of(transforms={"a": "SELECT 1", "b": "SELECT 2"})
    new = inputs_of(transforms={"a": "SELECT 1"})

    assert uncleared_fields(("transforms",), old, new, response_to(old)) == {"transforms": {"a": "SELECT 1", "b": None}}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("description", "old"),
        ("execution_start_from", "5"),
        ("execution_stop_from", "5"),
        ("abi_file", [{"name": "a"}]),
        ("abi_contract_addresses", ["0xa"]),
        ("abi_unmatched", "raw"),
    ],
)
def test_a_field_that_did_not_go_is_nulled(name: str, value: Any) -> None:
    """What the empty value did not clear is sent as null; a field that changed was not removed."""
    old, new = inputs_of(**{name: value}), inputs_of()

    assert uncleared_fields((name,), old, new, response_to(old)) == {name: None}
    assert uncleared_fields((name,), new, old, response_to(old)) == {}


def test_removed_settings_are_nulled() -> None:
    """Removed settings, nested and masked ones too, are sent as null with all that is wanted around them."""
    old, new = webhook(), webhook(headers={"X-Team": "data"}, retry={}, batch_size="")

    body = uncleared_fields(("destination_config",), old, new, shown(old))

    assert body["destination_config"] == {
        "type": "webhook",
        "url": WEBHOOK["url"],
        "headers": {"X-Team": "data", "Authorization": None},
        "batch_size": None,
        "retry": None,
    }


def test_settings_gone_or_filled_again_are_cleared() -> None:
    """A removed setting that the server dropped, or that shows another value than before, was cleared."""
    old = webhook()
    new = inputs_of(destination_type="webhook", destination_config={"url": WEBHOOK["url"]})
    actual = shown(new, batch_size=1, retry={"max_attempts": 3, "backoff_ms": 1000})

    assert uncleared_fields(("destination_config",), old, new, actual) == {}


def test_removed_setting_that_equals_the_default_is_cleared() -> None:
    """A server that fills in defaults shows the same value before and after: there is nothing to clear."""
    old = webhook(headers={}, batch_size=1, retry={"max_attempts": 3})
    new = inputs_of(destination_type="webhook", destination_config={"url": WEBHOOK["url"]})
    actual = shown(new, batch_size="1", retry={"max_attempts": 3, "backoff_ms": 1000}, method="POST")

    assert uncleared_fields(("destination_config",), old, new, actual) == {}


def test_a_removed_map_that_the_server_completed_is_nulled() -> None:
    """Part of a removed map is still there, among defaults: the map is sent as null."""
    old = webhook()
    new = webhook()
    del new["destination_config"]["retry"]
    actual = shown(new, retry={"max_attempts": 5, "backoff_ms": 1000})

    assert uncleared_fields(("destination_config",), old, new, actual)["destination_config"]["retry"] is None


def test_mask_inside_a_list_never_enters_state() -> None:
    """A list with a masked item shows nothing: it keeps its value, and stays out of what nobody declared."""
    tokens = ["planted one", "planted two"]
    inputs = webhook(x_tokens=tokens)
    assert config_seen(inputs, x_tokens=["******", "planted two"])["x_tokens"] == tokens
    assert drifted_fields(inputs, shown(inputs, x_tokens=["******"])) == ()
    assert "***" not in repr(overlay({}, shown(inputs, x_tokens=["******"])))


def test_an_import_takes_all_that_is_shown() -> None:
    """Where nothing was asked for, heights and raw entries are not the server's own idea, and belong to the import."""
    made = {"execution_start_from": "44745000", "execution_stop_from": "44746000", "abi_unmatched": "raw"}
    taken = overlay({}, response_to(inputs_of(), **made))

    assert {name: taken[name] for name in made} == made


def test_an_import_of_an_ended_pipeline_wants_it_to_run() -> None:
    """That a pipeline is STOPPED at its last block tells no desired status: the import gets the default."""
    assert overlay({}, response_to(inputs_of(), status="stopped"), ended=True)["status"] == "running"
    assert overlay(inputs_of(status="paused"), response_to(inputs_of()), ended=True)["status"] == "paused"

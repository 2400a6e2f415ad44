from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.plugin.bookkeeper import Resource, as_sent, searched
from tests.plugin.pipelines import CONFIGS, MASK, PLANTED, leaks, program, start
from tests.plugin.wire import UNKNOWN, VerbError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldrush_pulumi.emulator import Emulator
    from tests.plugin.harness import Plugin
    from tests.plugin.wire import Properties

pytestmark = pytest.mark.traced

ALL_KNOWN = program(
    "webhook",
    name="swaps",
    description="all of it",
    topic="base.mainnet.ref.block.logs",
    transforms={"swaps": "SELECT tx_hash FROM swaps"},
    execution_mode="bounded",
    execution_start_from=1_000,
    execution_stop_from="2000",
    abi_file=[{"type": "event", "name": "Swap", "inputs": []}],
    abi_contract_addresses=["0x4200000000000000000000000000000000000006"],
    abi_unmatched="raw",
    status="paused",
    triggers={"build": 1, "deep": {"list": [1, 2.5, "x"]}},
    wait_for="none",
    adopt_id="pipe_1",
)


@pytest.fixture(scope="module")
def plugin() -> Iterator[Plugin]:
    """A provider without any GoldRush to speak to: check and diff must not need one."""
    with start() as running:
        yield running


def paths_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value, the inner ones too."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths_of(item, (*path, key))


def with_unknown(properties: Any, path: tuple[Any, ...]) -> Any:
    """Return `properties` with what stands at `path` not known yet."""
    key, *rest = path
    inner = with_unknown(properties[key], tuple(rest)) if rest else UNKNOWN
    if isinstance(properties, list):
        return [*properties[:key], inner, *properties[key + 1 :]]
    return {**properties, key: inner}


@pytest.mark.parametrize("path", list(paths_of(ALL_KNOWN)), ids=lambda path: ".".join(map(str, path)))
def test_a_preview_takes_an_unknown_anywhere(plugin: Plugin, path: tuple[Any, ...]) -> None:
    """Whatever is not known yet, check passes it on unjudged and diff calls it a change of its field alone."""
    recorded = as_sent(plugin.check("swaps", ALL_KNOWN).inputs)
    reply = searched(plugin.check("swaps", with_unknown(ALL_KNOWN, path), recorded))
    assert reply.failures == ()
    there: Any = as_sent(reply.inputs)
    for key in path:
        there = there[key]
    assert there == UNKNOWN
    change = plugin.diff("swaps", "pipe_1", recorded, as_sent(reply.inputs), old_inputs=recorded)
    steers_only = path[0] in {"wait_for", "adopt_id"}
    kind_unknown = path in {("destination_type",), ("destination_config", "type")}
    assert change.changes == ("DIFF_NONE" if steers_only else "DIFF_UNKNOWN")
    assert set(change.replaces) <= {path[0]} or kind_unknown


def test_a_preview_takes_inputs_that_are_all_unknown(plugin: Plugin) -> None:
    """A pipeline whose every input comes from other resources is previewed without complaint."""
    reply = plugin.check("swaps", dict.fromkeys(ALL_KNOWN, UNKNOWN))
    assert reply.failures == ()
    assert reply.inputs == dict.fromkeys(ALL_KNOWN, UNKNOWN)


def test_a_known_mistake_is_found_beside_unknowns(plugin: Plugin) -> None:
    """What is known is judged although something else is not."""
    wrong = program(topic="nonsense", destination_config={**CONFIGS["postgres"], "url": UNKNOWN, "batch_size": "many"})
    reasons = [reason for _, reason in plugin.check("swaps", wrong).failures]
    assert [reason.partition(":")[0] for reason in reasons] == ["destination_config.batch_size", "topic"]


def test_numbers_arrive_whole(plugin: Plugin) -> None:
    """The wire turns 3 into 3.0: heights become digits and settings whole numbers again, so a second check agrees."""
    given = program(execution_start_from=44_745_000, triggers={"half": 0.5, "whole": 3})
    checked = as_sent(plugin.check("swaps", given).inputs)
    assert checked["execution_start_from"] == "44745000"
    assert checked["triggers"] == {"half": 0.5, "whole": 3}
    change = plugin.diff("swaps", "pipe_1", checked, {**checked, "execution_start_from": "44745000"})
    assert change.changes == "DIFF_NONE"


def test_nothing_given_as_none_travels(plugin: Plugin) -> None:
    """An input of None is one that was not given, at any depth."""
    given = {**program(), "description": None, "transforms": None, "adopt_id": None}
    given["destination_config"]["batch_size"] = None
    assert plugin.check("swaps", given).inputs == plugin.check("swaps", program()).inputs | {
        "destination_config": plugin.check("swaps", given).inputs["destination_config"]
    }
    assert as_sent(plugin.check("swaps", given).inputs)["destination_config"].get("batch_size") is None


def test_whole_numbers_reach_the_server_as_integers(emulator: Emulator) -> None:
    """What is sent holds 500 and never 500.0, and heights as digits."""
    with start(emulator) as plugin:
        Resource(plugin).up(program(execution_start_from=44_745_000))
    (post,) = (request for request in emulator.requests() if request.method == "POST")
    assert repr(post.body["destination_config"]["batch_size"]) == "500"
    assert post.body["execution_start_from"] == "44745000"
    assert None not in post.body.values()


def test_defaults_are_filled_in_outside_the_destination_alone(plugin: Plugin) -> None:
    """A preview shows the provider's own defaults, while those of the destination stay the server's."""
    checked = as_sent(plugin.check("swaps", program()).inputs)
    assert checked["destination_config"] == CONFIGS["postgres"]
    assert checked.keys() - program().keys() == {
        *("name", "description", "transforms", "execution_mode", "abi_contract_addresses", "abi_unmatched"),
        *("status", "triggers", "wait_for"),
    }
    assert checked["name"] == "swaps"


def test_the_secrets_of_a_plain_program_are_marked(plugin: Plugin) -> None:
    """Credentials passed in plain text come back marked, so that state encrypts them; the rest stays readable."""
    for destination_type in CONFIGS:
        reply = plugin.check("swaps", program(destination_type))
        assert leaks(reply.inputs) == []
        assert as_sent(reply.inputs)["destination_config"] == CONFIGS[destination_type]


WRONG: Properties = {
    "project": "",
    "topic": f"nonsense {PLANTED}",
    "destination_type": "postgres",
    "destination_config": {
        "url": f"mysql://root:{PLANTED}@db/analytics",
        "user": 7,
        "password": f"{MASK}",
        "pasword": f"{PLANTED}",
        "batch_size": 0,
    },
    "execution_start_from": [f"{PLANTED}"],
    "execution_mode": f"{PLANTED}",
    "status": "stopped",
    "destinaton": f"{PLANTED}",
}


def test_all_problems_are_told_at_once_without_a_value(plugin: Plugin) -> None:
    """One line per problem, none under a property's name (the engine would print its value), no value in any."""
    failures = plugin.check("swaps", WRONG).failures
    assert {name for name, _ in failures} == {""}
    reasons = [reason for _, reason in failures]
    paths = {reason.partition(":")[0] for reason in reasons}
    assert {
        *("project", "topic", "execution_start_from", "execution_mode", "status", "destinaton"),
        *("destination_config.url", "destination_config.user", "destination_config.password"),
        *("destination_config.pasword", "destination_config.batch_size"),
    } <= paths
    assert not any(PLANTED in reason or MASK in reason or "\n" in reason for reason in reasons)


def test_a_wrong_check_still_seals_what_it_echoes(plugin: Plugin) -> None:
    """Inputs come back with every problem; the credentials among them are marked all the same."""
    config = {**WRONG["destination_config"], "password": f"{PLANTED}", "pasword": "", "api_token": f"{PLANTED}"}
    reply = plugin.check("swaps", {**program(), "destination_config": config, "status": "stopped"})
    assert reply.failures
    assert leaks(reply.inputs) == []


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"destination_config": PLANTED},
        {"destination_config": [PLANTED]},
        {"destination_config": {}},
        {"destination_config": {"type": 7.0}},
        {"destination_type": {"a": []}},
        {"transforms": PLANTED, "triggers": [1], "abi_contract_addresses": {"a": 1}, "abi_file": 3},
        {"project": True, "topic": ["x"], "name": {}, "description": 5, "status": None},
        {"execution_start_from": 10.5, "execution_stop_from": -1},
        {"execution_start_from": 1e300, "execution_stop_from": True},
    ],
    ids=str,
)
def test_inputs_of_any_shape_get_a_clear_answer(plugin: Plugin, odd: Properties) -> None:
    """Shapes that no program should pass are problems by path, never an internal error, for check and for diff."""
    reply = plugin.check("swaps", odd)
    assert reply.failures
    assert not any(name or PLANTED in reason or "internal" in reason for name, reason in reply.failures)
    assert plugin.diff("swaps", "pipe_1", program(), odd).changes == "DIFF_UNKNOWN"
    assert plugin.diff("swaps", "pipe_1", odd, program()).changes == "DIFF_UNKNOWN"


def test_check_and_diff_send_nothing(emulator: Emulator) -> None:
    """A preview costs the account no request, whether it finds problems, changes or nothing."""
    with start(emulator) as plugin:
        checked = as_sent(plugin.check("swaps", program()).inputs)
        plugin.check("swaps", WRONG)
        plugin.diff("swaps", "pipe_1", checked, checked)
        plugin.diff("swaps", "pipe_1", checked, {**checked, "project": "other"})
    assert emulator.requests() == []


def test_check_and_diff_need_no_settings() -> None:
    """A preview works before any ServiceKey is set."""
    with start(baseUrl="nonsense", parallel="nonsense") as plugin:
        checked = as_sent(plugin.check("swaps", program()).inputs)
        assert plugin.diff("swaps", "pipe_1", checked, checked).changes == "DIFF_NONE"


def says(text: str, *words: str) -> bool:
    return all(word in text for word in words)


@pytest.mark.parametrize(
    "change",
    [
        {"project": "other"},
        {"topic": "eth.mainnet.ref.block.swap.v3"},
        {"execution_mode": "bounded"},
        {"destination_type": "clickhouse", "destination_config": CONFIGS["clickhouse"]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_replacement_is_announced(plugin: Plugin, change: Properties) -> None:
    """What PATCH cannot change replaces, the old pipeline first, and a warning on the row says so."""
    recorded = as_sent(plugin.check("swaps", program()).inputs)
    checked = as_sent(plugin.check("swaps", program(**change)).inputs)
    answer = plugin.diff("swaps", "pipe_1", recorded, checked, old_inputs=recorded)
    assert answer.replaces == (next(iter(change)),)
    assert answer.delete_before_replace
    assert answer.changes == "DIFF_UNKNOWN"
    # Other tests of this process were warned about the same input, for other reasons.
    said = "the old one is deleted before the new one is created"
    lines = plugin.engine.wait_for(lambda lines: any(says(line.text, answer.replaces[0], said) for line in lines))
    warning = next(line for line in lines if says(line.text, answer.replaces[0], said))
    assert (warning.severity, warning.ephemeral) == ("WARNING", False)


def test_a_replacement_does_not_adopt(plugin: Plugin) -> None:
    """With adopt_id still set the engine would delete the pipeline and then adopt it: diff refuses."""
    recorded = as_sent(plugin.check("swaps", program()).inputs)
    checked = as_sent(plugin.check("swaps", program(project="other", adopt_id="pipe_1")).inputs)
    with pytest.raises(VerbError) as caught:
        plugin.diff("swaps", "pipe_1", recorded, checked, old_inputs=recorded)
    assert caught.value.text == (
        "adopt_id: a change of project replaces the pipeline, and the one to adopt would be deleted first;"
        " remove adopt_id from the program first"
    )


def test_a_replacement_that_is_not_certain_yet_is_not_refused(plugin: Plugin) -> None:
    """A value that is not known in the preview may turn out to be the old one: only what is known is refused."""
    recorded = as_sent(plugin.check("swaps", program()).inputs)
    checked = as_sent(plugin.check("swaps", program(project=UNKNOWN, adopt_id="pipe_1")).inputs)
    assert plugin.diff("swaps", "pipe_1", recorded, checked, old_inputs=recorded).replaces == ("project",)


def test_only_drift_is_told_apart_from_a_change(plugin: Plugin) -> None:
    """Unchanged inputs over drifted outputs answer yes; changed inputs leave it to the engine to show what changed."""
    recorded = as_sent(plugin.check("swaps", program()).inputs)
    drifted = {**recorded, "description": "by hand"}
    assert plugin.diff("swaps", "pipe_1", drifted, recorded, old_inputs=recorded).changes == "DIFF_SOME"
    changed = {**recorded, "description": "by us"}
    assert plugin.diff("swaps", "pipe_1", drifted, changed, old_inputs=recorded).changes == "DIFF_UNKNOWN"


def test_what_means_the_same_is_no_change(plugin: Plugin) -> None:
    """Layout of SQL, key order, empty values and the case of addresses are no changes, nor are reports."""
    one = program(
        transforms={"swaps": "SELECT tx_hash FROM swaps"}, abi_contract_addresses=["0xAB", "0xcd"], description=""
    )
    other = program(
        transforms={"swaps": "SELECT  tx_hash\n FROM swaps; -- all"},
        abi_contract_addresses=["0xCD", "0xab"],
        description=None,
        triggers={},
    )
    other["destination_config"] = dict(reversed(list(other["destination_config"].items())))
    recorded = {**as_sent(plugin.check("swaps", one).inputs), "phase": "RUNNING", "runs": [], "__key_fingerprint": "x"}
    checked = as_sent(plugin.check("swaps", other).inputs)
    assert plugin.diff("swaps", "pipe_1", recorded, checked).changes == "DIFF_NONE"

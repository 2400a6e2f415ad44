"""Look-ups: what they return, from GoldRush, from another account, and from the mocks of a program's unit tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pytest

import goldrush_pulumi as goldrush
from goldrush_pulumi import client_factory, invokes
from tests.support.caller import Caller, kafka_body
from tests.unit import programs
from tests.unit.programs import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pulumi.runtime import mocks

    from goldrush_pulumi.emulator import Emulator

    Lookup = Callable[..., Any]

PIPELINE: dict[str, Any] = {
    "id": "pipe_1",
    "name": "Base swaps",
    "project": "analytics-prod",
    "topic": "base.mainnet.ref.block.swap.v3",
    "destination_type": "postgres",
    "destination_config": {"url": "postgresql://db.example.com/analytics"},
    "description": "",
    "transforms": {},
    "execution_mode": "unbounded",
    "execution_start_from": None,
    "execution_stop_from": None,
    "abi_contract_addresses": [],
    "abi_unmatched": "",
    "status": "running",
    "group_id": "grp_1",
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00Z",
}


def output_of(value: str) -> pulumi.Output[str]:
    made: pulumi.Output[str] = pulumi.Output.from_input(value)
    return made


def resolved(ask: Callable[[], pulumi.Output[Any]]) -> Any:
    """What a look-up with outputs comes to in a program."""
    found: list[Any] = []
    run(lambda: ask().apply(found.append))
    (result,) = found
    return result


@pytest.fixture
def caller(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Caller]:
    """Makes pipelines in the account that the stack's config names; look-ups ask GoldRush in spite of mocks."""
    opened: list[Any] = []

    def open_and_note(*arguments: Any) -> Any:
        opened.append(client_factory.open_client(*arguments))
        return opened[-1]

    monkeypatch.setattr(invokes, "_mocked", lambda *_: None)
    monkeypatch.setattr(invokes, "open_client", open_and_note)
    monkeypatch.setenv("GOLDRUSH_BASE_URL", emulator.base_url)
    monkeypatch.setenv("GOLDRUSH_SERVICE_KEY", emulator.service_key)
    invokes._client.cache_clear()
    with Caller(emulator.base_url, emulator.service_key) as made:
        yield made
    invokes._client.cache_clear()
    for client in opened:
        client.close()


def test_a_pipeline_is_shown_with_its_credentials_masked(caller: Caller) -> None:
    """A look-up shows the settings of a destination, and in place of a nested password only that there is one."""
    made = caller.create(kafka_body(description="by the team"))

    found = goldrush.get_pipeline(made["id"])

    assert (found.id, found.project, found.description) == (made["id"], "analytics-prod", "by the team")
    assert found.destination_config["bootstrap_servers"] == "broker1:9092"
    assert found.destination_config["sasl"] == {
        "mechanism": "SCRAM-SHA-512",
        "username": "goldrush",
        "password": "******",
    }


def test_pipelines_are_found_by_every_value_that_is_given(caller: Caller) -> None:
    """A list holds the pipelines that match all given values; without values, it holds all of the account."""
    wanted, other = caller.create(name="one", project="a")["id"], caller.create(name="two", project="a")["id"]

    assert goldrush.get_pipelines(project="a", name="one").ids == [wanted]
    assert sorted(goldrush.get_pipelines().ids) == sorted([wanted, other])
    assert goldrush.get_pipelines(project="b").pipelines == []


def test_status_and_metrics_are_those_of_the_worker(caller: Caller) -> None:
    """The phase, the replicas and the throughput come from the running worker."""
    made = caller.create()["id"]
    assert caller.phase(made) == "RUNNING"

    status, metrics = goldrush.get_pipeline_status(made), goldrush.get_pipeline_metrics(made)

    assert (status.phase, status.ready, status.replicas) == ("RUNNING", 1, 1)
    assert (metrics.uid, metrics.normalization_errors) == (status.uid, 0)


def test_forms_with_outputs_find_the_same(caller: Caller) -> None:
    """A look-up by an output returns what the one by a plain value returns."""
    made = caller.create()["id"]
    caller.phases(made, 3)

    assert resolved(lambda: goldrush.get_pipeline_output(output_of(made))) == goldrush.get_pipeline(made)
    assert resolved(lambda: goldrush.get_pipelines_output(project="analytics-prod")) == goldrush.get_pipelines()
    assert resolved(lambda: goldrush.get_pipeline_status_output(output_of(made))) == goldrush.get_pipeline_status(made)
    metrics = resolved(lambda: goldrush.get_pipeline_metrics_output(output_of(made)))
    assert metrics.uid == goldrush.get_pipeline_metrics(made).uid


def test_an_explicit_provider_looks_in_its_own_account(caller: Caller, emulator: Emulator) -> None:
    """With `opts.provider` a look-up sees the pipelines of that account alone, and what it finds is no secret."""
    caller.create(name="ours")
    other_key = emulator.add_key("other")
    with Caller(emulator.base_url, other_key) as partner:
        theirs = partner.create(name="theirs")["id"]
    seen: list[Any] = []

    def program() -> pulumi.Output[Any]:
        account = goldrush.Provider("partner", service_key=other_key, base_url=emulator.base_url)
        found = goldrush.get_pipelines_output(opts=pulumi.InvokeOptions(provider=account))
        secret: pulumi.Output[bool] = pulumi.Output.from_input(found.is_secret())
        return pulumi.Output.all(found.apply(lambda result: result.ids), secret).apply(seen.extend)

    run(program)
    assert seen == [[theirs], False]


def test_an_explicit_provider_needs_the_form_with_outputs() -> None:
    """A plain look-up cannot wait for the key of another account, and says which form can."""
    with pytest.raises(pulumi.RunError, match=r"^call getPipeline: with opts\.provider use the form"):
        run(
            lambda: goldrush.get_pipeline(
                "pipe_1", pulumi.InvokeOptions(provider=goldrush.Provider("partner", service_key="key"))
            )
        )


def test_an_engine_that_is_no_mock_leads_to_goldrush(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a real run a look-up asks the account that the stack's config names."""
    monkeypatch.setattr(pulumi.runtime.settings, "get_monitor", object)
    monkeypatch.setattr(invokes, "_fetch", lambda *_: "found")

    assert str(goldrush.get_pipeline("pipe_1")) == "found"


# --- Under mocks ------------------------------------------------------------------------------------------------------

STATUS = {"uid": "u", "phase": "RUNNING", "replicas": 1, "ready": 1, "start_time": None}
METRICS = {
    "uid": "u",
    "records_consumed": 7,
    "last_offset": 6,
    "last_block_height": 44_745_006,
    "pending_records": 0,
    "processing_delay_ms": 12.5,
    "records_per_second": 1.0,
    "normalization_errors": 0,
}

MOCKED: dict[str, tuple[Lookup, Lookup, dict[str, Any]]] = {
    "getPipeline": (goldrush.get_pipeline, goldrush.get_pipeline_output, PIPELINE),
    "getPipelines": (goldrush.get_pipelines, goldrush.get_pipelines_output, {"pipelines": [PIPELINE]}),
    "getPipelineStatus": (goldrush.get_pipeline_status, goldrush.get_pipeline_status_output, STATUS),
    "getPipelineMetrics": (goldrush.get_pipeline_metrics, goldrush.get_pipeline_metrics_output, METRICS),
}


@pytest.mark.parametrize("token", MOCKED)
@pytest.mark.parametrize("failures", [None, []], ids=["values", "values and failures"])
def test_mocks_stand_in_for_goldrush(token: str, failures: list[Any] | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a program's unit test both forms return what its mocks say, and neither opens a connection."""
    plain, with_outputs, values = MOCKED[token]
    asked: list[tuple[str, dict[str, Any]]] = []

    def call(_self: object, args: mocks.MockCallArgs) -> Any:
        asked.append((args.token, args.args))
        return values if failures is None else (values, failures)

    def no_network(*_: object) -> None:
        pytest.fail("a look-up under mocks asked GoldRush")

    monkeypatch.setattr(programs.Engine, "call", call)
    monkeypatch.setattr(invokes, "_client", no_network)
    arguments = {"project": "a"} if token == "getPipelines" else {"pipeline_id": "pipe_1"}
    found: list[Any] = []
    run(lambda: found.append(plain(**arguments)))

    assert found == [resolved(lambda: with_outputs(**arguments))]
    assert [name for name, _ in asked] == [f"goldrush:index:{token}"] * 2
    assert all(given.items() >= arguments.items() for _, given in asked)
    shown = found[0].pipelines[0] if token == "getPipelines" else found[0]
    first = PIPELINE if token == "getPipelines" else values
    assert {name: getattr(shown, name) for name in first} == first

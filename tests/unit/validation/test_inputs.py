from __future__ import annotations

import json
import sys
from subprocess import run
from typing import Any

import pytest

from goldrush_pulumi.schema.pipeline import INPUTS
from goldrush_pulumi.validation import find_problems

POSTGRES = {"type": "postgres", "url": "postgresql://db.example.com/d", "user": "u", "password": "p"}
KAFKA = {
    "type": "kafka",
    "bootstrap_servers": "a.example.com:9092, b.example.com:9092",
    "sasl": {"mechanism": "SCRAM-SHA-512", "username": "u", "password": "p"},
    "output_topic": "t",
}
STORAGE = {"type": "object_storage", "provider": "gcs", "bucket": "b", "access_key_id": "a", "secret_access_key": "s"}
SQS = {
    "type": "sqs",
    "queue_url": "https://sqs.example.com/1/q",
    "region": "auto",
    "access_key_id": "a",
    "secret_access_key": "s",
}
WEBHOOK = {"type": "webhook", "url": "https://h.example.com"}
CONFIG = "destination_config"


class NotYet:
    """A value that is known only after the update."""


NOT_YET = NotYet()


def pipeline(config: object = POSTGRES, **changes: Any) -> dict[str, Any]:
    good = {"project": "analytics", "topic": "base.mainnet.ref.block.swap.v3", CONFIG: config}
    return {name: value for name, value in {**good, **changes}.items() if value != "LEFT OUT"}


def problems(inputs: dict[str, Any]) -> list[str]:
    found = find_problems(inputs, lambda value: isinstance(value, NotYet))
    return [str(problem) for problem in found if problem.is_error]


@pytest.mark.parametrize("config", [POSTGRES, KAFKA, STORAGE, SQS, WEBHOOK])
def test_good_pipelines(config: dict[str, Any]) -> None:
    """Nothing is wrong with a pipeline that has what its destination needs."""
    assert problems(pipeline(config)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"topic": "base.mainnet.ref.block.swaps"},
        {"topic": "hyper-core.main_net.ref.block.fills.v2.x"},
        {"topic": "${CHAIN}.mainnet.ref.block.swaps"},
        {"execution_start_from": 5, "execution_stop_from": "5"},
        {"execution_start_from": 5.0, "execution_stop_from": 6.0},
        {"execution_start_from": "", "execution_stop_from": None},
        {"description": ""},
        {"description": "see [pulumi:x/y] in the middle"},
        {"transforms": {}, "triggers": {"a": [1, {"b": None}]}},
        {"abi_contract_addresses": ["0x" + "ab" * 20], "abi_unmatched": "raw"},
        {"abi_file": {}, "abi_unmatched": ""},
        {"destination_type": "postgres"},
        {"__provider": "x", "__secrets": []},
    ],
)
def test_good_inputs(changes: dict[str, Any]) -> None:
    """What the documentation allows is accepted."""
    assert problems(pipeline(**changes)) == []


@pytest.mark.parametrize(
    "config",
    [
        POSTGRES | {"url": "jdbc:postgresql://db.example.com/d"},
        POSTGRES | {"url": "${PG_URL}", "password": "${PG_PASSWORD}"},
        POSTGRES | {"url": "postgresql://${HOST}:${PORT}/d", "batch_size": 3.0},
        KAFKA | {"bootstrap_servers": "${BROKERS}"},
        KAFKA | {"bootstrap_servers": "[2001:db8::1]:9092"},
        STORAGE | {"base_path": "", "format": "${FORMAT}", "partition_by": ["${PART}", "day"]},
        STORAGE | {"provider": "s3", "region": "${REGION}"},
        STORAGE | {"provider": "r2", "region": "auto", "endpoint": "https://r2.example.com"},
        SQS | {"batch_size": 10},
        WEBHOOK | {"url": "http://localhost:9000/x", "headers": {}, "retry": {}},
    ],
)
def test_good_configs(config: dict[str, Any]) -> None:
    """Placeholders, empty optional texts and both forms of a URL are accepted."""
    assert problems(pipeline(config)) == []


def test_the_type_may_stand_outside_of_the_config() -> None:
    """A config without a type is judged by destination_type."""
    config = {name: value for name, value in SQS.items() if name not in {"type", "region"}}

    assert problems(pipeline(config, destination_type="sqs")) == [
        "destination_config.region: is missing, an sqs destination needs it"
    ]


@pytest.mark.parametrize(
    ("changes", "path", "fragment"),
    [
        ({"project": "LEFT OUT"}, "project", "is missing"),
        ({"topic": None}, "topic", "is missing"),
        ({CONFIG: "LEFT OUT"}, CONFIG, "is missing"),
        ({"tpic": "x"}, "tpic", 'did you mean "topic"?'),
        ({"odd name": "x"}, '["odd name"]', "is not an input of a pipeline"),
        ({"project": ""}, "project", "must not be empty"),
        ({"project": 5}, "project", "is not a string, write it in quotes"),
        ({"name": "  "}, "name", "must not be empty"),
        ({"adopt_id": ""}, "adopt_id", "must not be empty"),
        ({"topic": "base.mainnet.swaps"}, "topic", "chain.network.qualifier.block.entity"),
        ({"topic": "base.mainnet.ref.blocks.swaps"}, "topic", "does not have the form of a topic"),
        ({"topic": "base.mainnet.ref.block."}, "topic", "does not have the form of a topic"),
        ({"topic": "base.mainnet.ref.block"}, "topic", "does not have the form of a topic"),
        ({"topic": "base.mainnet.ref.block.swaps\n"}, "topic", "does not have the form of a topic"),
        ({"status": "runing"}, "status", 'did you mean "running"?'),
        ({"status": "RUNNING"}, "status", 'did you mean "running"?'),
        ({"status": True}, "status", 'use "running" or "paused"'),
        ({"status": "******"}, "status", "is not one of the possible values"),
        ({"execution_mode": "batch"}, "execution_mode", 'use "bounded" or "unbounded"'),
        ({"wait_for": "health"}, "wait_for", 'did you mean "healthy"?'),
        ({"execution_start_from": -1}, "execution_start_from", "is not a block height"),
        ({"execution_start_from": 1.5}, "execution_start_from", "is not a block height"),
        ({"execution_start_from": float("nan")}, "execution_start_from", "is not a block height"),
        ({"execution_start_from": True}, "execution_start_from", "is not a block height"),
        ({"execution_start_from": "-5"}, "execution_start_from", "is not a block height"),
        ({"execution_start_from": "٣"}, "execution_start_from", "is not a block height"),
        ({"execution_stop_from": [1]}, "execution_stop_from", "is not a block height"),
        (
            {"execution_start_from": 10, "execution_stop_from": "9"},
            "execution_stop_from",
            "is lower than execution_start_from",
        ),
        ({"description": "mine [pulumi:ab12/cd34]"}, "description", "reserved for the ownership tag"),
        ({"description": "mine [pulumi:] \n"}, "description", "reserved for the ownership tag"),
        ({"transforms": "SELECT 1"}, "transforms", "is not a map"),
        ({"transforms": {"swaps": ""}}, 'transforms["swaps"]', "must not be empty"),
        ({"transforms": {"swaps": 3}}, 'transforms["swaps"]', "is not a string"),
        ({"transforms": {" ": "SELECT 1"}}, 'transforms[" "]', "must not have an empty name"),
        ({"abi_file": "./abi.json"}, "abi_file", "is not a parsed ABI"),
        ({"abi_contract_addresses": "0xab"}, "abi_contract_addresses", "is not a list"),
        ({"abi_contract_addresses": ["0x" + "ab" * 20, 1]}, "abi_contract_addresses[1]", "is not a string"),
        ({"triggers": [1]}, "triggers", "is not a map"),
        ({"destination_type": "postgre"}, "destination_type", 'did you mean "postgres"?'),
        ({"destination_type": 4}, "destination_type", "is not a string"),
        ({"destination_type": "kafka"}, "destination_config.type", 'destination_type says "kafka"'),
        ({CONFIG: "postgresql://h/d"}, CONFIG, "is not a map"),
        ({CONFIG: POSTGRES | {"type": "postgresql"}}, "destination_config.type", 'did you mean "postgres"?'),
        ({CONFIG: {"url": "x"}}, "destination_type", "is missing"),
    ],
)
def test_problems_of_a_pipeline(changes: dict[str, Any], path: str, fragment: str) -> None:
    """Each mistake outside of the destination is one problem, at its path."""
    (problem,) = problems(pipeline(**changes))

    assert problem.startswith(f"{path}: ")
    assert fragment in problem


@pytest.mark.parametrize(
    ("config", "path", "fragment"),
    [
        (POSTGRES | {"password": None}, "password", "is missing, a postgres destination needs it"),
        (POSTGRES | {"pasword": "p"}, "pasword", 'did you mean "password"?'),
        (POSTGRES | {"password": ""}, "password", "must not be empty"),
        (POSTGRES | {"password": 5}, "password", "write it in quotes"),
        (POSTGRES | {"password": "******"}, "password", "which is never sent"),
        (POSTGRES | {"url": "postgresql://u:******@db.example.com/d"}, "url", "which is never sent"),
        (POSTGRES | {"url": "******"}, "url", "which is never sent"),
        (POSTGRES | {"url": "db.example.com"}, "url", 'begin it with "postgresql://" or "jdbc:postgresql://"'),
        (POSTGRES | {"url": "postgresql:///d"}, "url", "names no host"),
        (POSTGRES | {"url": " "}, "url", "must not be empty"),
        (POSTGRES | {"url": 5}, "url", "is not a string"),
        (POSTGRES | {"batch_size": "100"}, "batch_size", "is not a whole number"),
        (POSTGRES | {"batch_size": True}, "batch_size", "is not a whole number"),
        (POSTGRES | {"batch_size": 1.5}, "batch_size", "give a whole number of at least 1"),
        (POSTGRES | {"batch_size": float("inf")}, "batch_size", "is not a whole number"),
        (POSTGRES | {"batch_size": 0}, "batch_size", "is too small"),
        (KAFKA | {"sasl": "plain"}, "sasl", "is not a map, write a map with the fields of a sasl block"),
        (KAFKA | {"sasl": {"mechanism": "m", "username": "u"}}, "sasl.password", "a sasl block needs it"),
        (KAFKA | {"sasl": {**KAFKA["sasl"], "user": "u"}}, "sasl.user", 'did you mean "username"?'),  # type: ignore[dict-item]
        (KAFKA | {"bootstrap_servers": "broker"}, "bootstrap_servers", "write host:port"),
        (KAFKA | {"bootstrap_servers": " , "}, "bootstrap_servers", "write host:port"),
        (KAFKA | {"bootstrap_servers": "a:9092,b:0"}, "bootstrap_servers", "has a port that is not from 1 to 65535"),
        (KAFKA | {"bootstrap_servers": "a:99999"}, "bootstrap_servers", "has a port that is not from 1 to 65535"),
        (KAFKA | {"bootstrap_servers": ["a:9092"]}, "bootstrap_servers", "is not a string"),
        (STORAGE | {"provider": "azure"}, "provider", 'use "s3", "gcs" or "r2"'),
        (STORAGE | {"provider": "s3"}, "region", "a bucket of s3 needs its region"),
        (STORAGE | {"provider": "r2", "region": "auto"}, "endpoint", "a bucket of r2 needs"),
        (STORAGE | {"provider": "r2", "region": "", "endpoint": "https://r"}, "region", "a bucket of r2"),
        (STORAGE | {"format": "jsn"}, "format", 'did you mean "json"?'),
        (STORAGE | {"compression": "brotli"}, "compression", "is not one of the possible values"),
        (STORAGE | {"partition_by": "hour"}, "partition_by", "is not a list"),
        (STORAGE | {"partition_by": ["day", "week"]}, "partition_by[1]", 'use "hour" or "day"'),
        (STORAGE | {"endpoint": "ftp://x"}, "endpoint", "begin it with"),
        (SQS | {"queue_url": "http://sqs.example.com/1/q"}, "queue_url", 'begin it with "https://"'),
        (SQS | {"batch_size": 11}, "batch_size", "is too large, give one from 1 to 10"),
        (WEBHOOK | {"headers": {"X-A": "a******b"}}, 'headers["X-A"]', "which is never sent"),
        (WEBHOOK | {"headers": {"X": 1}}, 'headers["X"]', "is not a string"),
        (WEBHOOK | {"headers": "X: y"}, "headers", "is not a map"),
        (WEBHOOK | {"retry": {"max_attempts": -1}}, "retry.max_attempts", "is too small"),
    ],
)
def test_problems_of_a_config(config: dict[str, Any], path: str, fragment: str) -> None:
    """Each mistake in a destination is one problem, at its path."""
    (problem,) = problems(pipeline(config))

    assert problem.startswith(f"destination_config.{path}: ")
    assert fragment in problem


@pytest.mark.parametrize(
    "changes",
    [
        {"transforms": {"blocks": "SELECT 1"}},
        {"abi_file": [{"type": "event"}]},
        {"abi_contract_addresses": ["0xab"]},
        {"abi_unmatched": "raw"},
    ],
)
def test_kafka_takes_no_processing(changes: dict[str, Any]) -> None:
    """Transforms and ABI inputs are refused beside a kafka destination."""
    (problem,) = problems(pipeline(KAFKA, **changes))

    assert problem.startswith(f"{next(iter(changes))}: cannot be used with a kafka destination")


def test_an_abi_in_json_text_is_judged_like_a_parsed_one() -> None:
    """A large ABI arrives as text: its entries are checked, and unchanged ones are not read again."""
    abi = [{"type": "event", "name": "E", "inputs": [{"name": "a", "type": "uint9"}]}]
    inputs = pipeline(topic="base.mainnet.ref.block.logs", abi_file=json.dumps(abi))

    assert [problem.partition(":")[0] for problem in problems(inputs)] == ["abi_file[0].inputs[0].type"]
    for recorded in (inputs, {**inputs, "abi_file": abi}):
        assert find_problems(inputs, lambda _: False, recorded) == []
    assert problems({**inputs, "abi_file": '"text"'}) == [
        "abi_file: is not a parsed ABI, give the list or map of its JSON file"
    ]


def test_all_problems_are_said_at_once() -> None:
    """Nothing hides behind the first mistake."""
    inputs = pipeline(KAFKA | {"output_topic": "", "extra": 1}, topic="x", status="on", transforms={"a": ""})

    assert [problem.partition(":")[0] for problem in problems(inputs)] == [
        "status",
        "destination_config.output_topic",
        "destination_config.extra",
        "topic",
        'transforms["a"]',
        "transforms",
    ]


def test_masks_are_found_without_a_type() -> None:
    """A mask is refused even where the destination cannot be told, and inside lists."""
    config = {"type": NOT_YET, "list": [{"password": "******"}], "headers": {"X": "******"}}

    assert [problem.partition(": ")[0] for problem in problems(pipeline(config))] == [
        "destination_config.list[0].password",
        'destination_config.headers["X"]',
    ]


@pytest.mark.parametrize(
    "inputs",
    [
        dict.fromkeys(INPUTS, NOT_YET),
        pipeline(NOT_YET),
        pipeline(NOT_YET, destination_type="kafka", transforms=NOT_YET),
        pipeline(POSTGRES | {"type": NOT_YET, "what": "ever"}),
        pipeline(POSTGRES, destination_type=NOT_YET),
        pipeline({"type": "postgres", "url": NOT_YET, "user": NOT_YET, "password": NOT_YET, "batch_size": NOT_YET}),
        pipeline(KAFKA | {"sasl": NOT_YET}),
        pipeline(KAFKA | {"sasl": {"mechanism": "m", "username": NOT_YET, "password": NOT_YET}}),
        pipeline(STORAGE | {"provider": NOT_YET, "partition_by": NOT_YET}),
        pipeline(STORAGE | {"provider": "r2", "region": NOT_YET, "endpoint": NOT_YET, "partition_by": [NOT_YET]}),
        pipeline(WEBHOOK | {"headers": {"X": NOT_YET}}),
        pipeline(transforms={"a": NOT_YET}, abi_contract_addresses=[NOT_YET], triggers=NOT_YET),
        pipeline(execution_start_from=NOT_YET, execution_stop_from=0),
    ],
)
def test_unknown_values_are_passed_over(inputs: dict[str, Any]) -> None:
    """A value that is not known yet, and every rule that depends on it, is passed over."""
    assert problems(inputs) == []


def test_known_values_beside_unknown_ones_are_judged() -> None:
    """An unknown value hides no mistake of its neighbours."""
    inputs = pipeline(WEBHOOK | {"headers": {"A": NOT_YET, "B": 5}}, transforms=NOT_YET, status="on")

    assert [problem.partition(": ")[0] for problem in problems(inputs)] == ["status", 'destination_config.headers["B"]']


def test_validation_imports_nothing_heavy() -> None:
    """Every check runs this code, so neither Pulumi nor pydantic comes along with it."""
    # Imported by path: the package above imports Pulumi for the programs that use it.
    code = (
        "import sys, types; package = types.ModuleType('goldrush_pulumi'); package.__path__ = ['goldrush_pulumi'];"
        "sys.modules['goldrush_pulumi'] = package; import goldrush_pulumi.validation;"
        "print(sorted({'pulumi', 'pydantic', 'httpx'} & set(sys.modules)))"
    )

    assert run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"

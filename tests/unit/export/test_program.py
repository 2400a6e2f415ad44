"""The program that an export writes, run against an engine that only records."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pulumi
import pytest

from goldrush_pulumi.api import Pipeline, PipelineStatus
from goldrush_pulumi.export import UNKNOWN_SECRET, Found, Leaf, declare
from goldrush_pulumi.export.credentials import secret_leaves
from goldrush_pulumi.export.python_program import render_program
from goldrush_pulumi.export.survey import tidy_sql
from goldrush_pulumi.schema.wire import unwrap_secrets
from tests.support.caller import SQL, kafka_body, postgres_body
from tests.unit.programs import inputs_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ABI = [{"type": "event", "name": "Swap", "inputs": []}]
LINES = "\n  SELECT chain_name,\n         tx_hash  \n    FROM swaps\n"


@pytest.fixture(autouse=True)
def config() -> Iterator[None]:
    """The secrets of the exported pipelines, as somebody has set them."""
    secrets = {"shop:swaps-password": "planted-1", "shop:swaps-sasl-password": "planted-2"}
    pulumi.runtime.set_all_config(secrets, list(secrets))
    yield
    pulumi.runtime.set_all_config({}, [])


def program(body: dict[str, Any], abi_path: str | None = None) -> str:
    """The program that declares one pipeline of an account."""
    found = Found(Pipeline.model_validate({"id": "pipe_1", **body, "name": "swaps"}), PipelineStatus(phase="RUNNING"))
    return render_program(declare([found]), {} if abi_path is None else {"swaps": abi_path})


def declared(text: str) -> dict[str, Any]:
    """The inputs that a program declares its one pipeline with."""
    code = compile(text, "__main__.py", "exec")
    inputs = inputs_of(lambda: exec(code, {}))  # noqa: S102 - what a user runs
    return {name: unwrap_secrets(value) for name, value in inputs.items() if not name.startswith("__")}


def test_a_nested_credential_is_read_from_config() -> None:
    """A typed destination is written with its typed parts, and each credential comes from the stack's config."""
    text = program(kafka_body())

    assert "destination_config=goldrush.KafkaDestinationArgs(" in text
    assert "sasl=goldrush.KafkaSaslArgs(" in text
    assert "planted" not in text
    assert declared(text)["destination_config"]["sasl"] == {
        "mechanism": "SCRAM-SHA-512",
        "username": "goldrush",
        "password": "planted-2",
    }


def test_a_pipeline_without_credentials_needs_no_config() -> None:
    """The program of an account without credentials reads no config, and that of an empty account declares nothing."""
    retry = {"max_attempts": 3}
    config = {"type": "webhook", "url": "https://hooks.example.com/x", "retry": retry}
    text = program(postgres_body(destination_type="webhook", destination_config=config))

    assert "import pulumi\n" not in text
    assert "Config(" not in text
    assert declared(text)["destination_config"] == config
    assert "import goldrush" not in render_program([], {})
    compile(render_program([], {}), "__main__.py", "exec")


def test_a_destination_without_a_class_is_written_as_a_map() -> None:
    """A type or a setting that is newer than this package is kept, with the type beside the map."""
    text = program(postgres_body(destination_type="pigeon", destination_config={"type": "pigeon", "loft": "north"}))
    assert 'destination_type="pigeon"' in text
    assert '"loft": "north"' in text

    newer = postgres_body()
    newer["destination_config"]["application_name"] = "shop"
    inputs = program(newer)
    assert "PostgresDestinationArgs" not in inputs
    assert '"application_name": "shop"' in inputs


def test_sql_of_several_lines_stays_readable() -> None:
    """A transform is written line by line between triple quotes, and means what it meant."""
    text = program(postgres_body(transforms={"swaps": LINES, "one_line": SQL}))
    transforms = declared(text)["transforms"]

    assert '"swaps": """\n' in text
    assert tidy_sql(transforms["swaps"]) == tidy_sql(LINES) == "SELECT chain_name,\n       tx_hash\n  FROM swaps"
    assert transforms["one_line"] == SQL
    assert tidy_sql(None) is None


@pytest.mark.parametrize("abi", [ABI, json.dumps(ABI)], ids=["value", "text"])
def test_an_abi_is_read_from_its_own_file(abi: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ABI is large, so the program names its file, whether GoldRush returned it as a value or as text."""
    monkeypatch.setattr(pulumi, "get_root_directory", lambda: str(tmp_path))
    (tmp_path / "swap.json").write_text(json.dumps(ABI), "utf-8")
    text = program(postgres_body(topic="base.mainnet.ref.block.logs", abi_file=abi), "swap.json")

    assert 'abi_file="swap.json"' in text
    assert declared(text)["abi_file"] == ABI


@pytest.mark.parametrize("abi", ["not JSON", "[" * 100_000], ids=["no JSON", "too deep"])
def test_an_abi_that_cannot_be_read_is_left_out(abi: str) -> None:
    """A program with the text of an ABI would look for a file of that name."""
    assert "abi_file" not in program(postgres_body(topic="base.mainnet.ref.block.logs", abi_file=abi), "swap.json")


def test_masks_in_lists_are_credentials_too() -> None:
    """A server may mask a part of a list, of objects even: it is a leaf as a whole, and state never gets the mask."""
    hosts, logins = ["a", "tcp://u:******@b"], [{"user": "u", "token": "******"}]

    leaves = secret_leaves("pigeon", {"hosts": hosts, "logins": logins, "lofts": ["north"], "batch_size": 5})

    assert dict(leaves) == {("hosts",): hosts, ("logins",): logins}
    recorded = [Leaf("a", path, "k", shown).recorded for path, shown in leaves]
    assert recorded == [["a", f"tcp://u:{UNKNOWN_SECRET}@b"], [{"user": "u", "token": UNKNOWN_SECRET}]]
    assert not any(Leaf("a", path, "k", shown).is_known for path, shown in leaves)
    assert Leaf("a", ("k",), "k", {"user": "u", "logins": ["shown"]}).is_known

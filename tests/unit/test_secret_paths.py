from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pytest
from pulumi import Output

import goldrush_pulumi as goldrush
from goldrush_pulumi.secret_paths import marked_secret_paths
from tests.unit.programs import run

if TYPE_CHECKING:
    from collections.abc import Callable


def marks_of(make_inputs: Callable[[], dict[str, Any]], *, preview: bool = False) -> list[list[str]]:
    found: list[list[list[str]]] = []

    def program() -> pulumi.Output[Any]:
        paths: pulumi.Output[Any] = Output.from_input(marked_secret_paths(make_inputs()))
        return paths.apply(found.append)

    run(program, preview=preview)
    (paths,) = found
    return sorted(paths)


def test_secret_outputs_are_listed_wherever_they_are() -> None:
    """In inputs, maps, lists, input types and typed dicts, at any depth: each secret output is listed by its path."""
    secret = Output.secret

    def inputs() -> dict[str, Any]:
        return {
            "description": secret("hidden"),
            "transforms": {"a": secret("SELECT 1"), "b": "SELECT 2"},
            "abi_contract_addresses": ["0x1", secret("0x2")],
            "triggers": secret({"run": 1}),
            "destination_config": goldrush.KafkaDestinationArgs(
                bootstrap_servers=secret("b:1"),
                sasl=goldrush.KafkaSaslArgs(mechanism="PLAIN", username="u", password=secret("p")),
                output_topic="t",
            ),
        }

    assert marks_of(inputs) == [
        ["abi_contract_addresses", "1"],
        ["description"],
        ["destination_config", "bootstrap_servers"],
        ["destination_config", "sasl", "password"],
        ["transforms", "a"],
        ["triggers"],
    ]


def test_nothing_else_is_listed() -> None:
    """Plain values and outputs that are no secrets are not listed, whatever they hold."""

    def inputs() -> dict[str, Any]:
        return {
            "description": Output.from_input("plain"),
            "transforms": {"a": Output.from_input("SELECT 1"), "b": None},
            "abi_file": [{"name": "Swap", "inputs": []}],
            "destination_config": {"type": "postgres", "url": "postgresql://u:p@h/x", "password": "plain"},
        }

    assert marks_of(inputs) == []
    assert marks_of(dict) == []


@pytest.mark.parametrize("name", ["project", "topic", "destination_type", "execution_mode", "status", "wait_for"])
def test_words_of_the_api_are_never_secret(name: str) -> None:
    """A whole stack config that holds one secret makes every value read from it one; a topic is none all the same."""
    assert marks_of(lambda: {name: Output.secret("word")}) == []
    assert marks_of(lambda: {"destination_config": {name: Output.secret("word")}}) == [["destination_config", name]]


def test_secrets_made_from_secrets_are_secrets() -> None:
    """An output that was computed from a secret, or that holds one inside, is a secret as a whole."""

    def inputs() -> dict[str, Any]:
        secret = Output.secret("p")
        return {
            "description": Output.concat("by ", secret),
            "destination_config": Output.from_input({"password": secret, "user": "u"}),
            "name": Output.unsecret(secret),
        }

    assert marks_of(inputs) == [["description"], ["destination_config"]]


def test_secrets_that_are_not_known_yet_are_listed_too() -> None:
    """In a preview a value may be unknown; that it is a secret is known."""

    def inputs() -> dict[str, Any]:
        unknown: pulumi.Output[Any] = Output.from_input(pulumi.output.UNKNOWN)
        return {"description": Output.secret(unknown), "name": unknown}

    assert marks_of(inputs, preview=True) == [["description"]]

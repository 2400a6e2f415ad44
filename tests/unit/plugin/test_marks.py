"""Marks of secrets at places where values are unusual, in both directions."""

from __future__ import annotations

import pytest

from goldrush_pulumi.plugin.destination import api_properties
from goldrush_pulumi.plugin.names import PROPERTY_NAMES, program_path, to_program
from goldrush_pulumi.plugin.values import decode, encode, read, write
from goldrush_pulumi.schema.wire import SECRET_SIGNATURE, SIGNATURE_KEY, secret

POSTGRES = {"url": "postgresql://db.example.com/a", "user": "u"}
ENCRYPTED = {SIGNATURE_KEY: SECRET_SIGNATURE, "ciphertext": "v1:abc"}


def test_a_height_that_is_a_secret_stays_a_number() -> None:
    """Programs see a number as they wrote one, and the mark around it."""
    written = write({"execution_start_from": "44745000"}, [("execution_start_from",)])

    assert decode(written) == {"executionStartFrom": secret(44745000)}


def test_a_type_that_is_a_secret_still_names_the_destination() -> None:
    """State of the dynamic provider may mark the type, which in programs is the name of a property."""
    written = write({"destination_type": "postgres", "destination_config": POSTGRES}, [("destination_type",)])

    assert decode(written) == {"destination": {"postgres": POSTGRES}}


@pytest.mark.parametrize("path", [("transforms", "gone"), ("triggers", "7"), ("triggers", "x"), ("name", "a")])
def test_a_mark_of_what_is_gone_marks_nothing(path: tuple[str, ...]) -> None:
    """A recorded mark whose value has gone leaves everything else readable."""
    values = {"name": "swaps", "transforms": {"swaps": "SELECT 1"}, "triggers": ["a"]}

    assert decode(write(values, [path])) == values


def test_values_of_users_keep_their_nulls() -> None:
    """A null inside of a trigger is part of the value, in both directions."""
    triggers = {"run": [None, {"by": None}]}

    assert decode(write({"triggers": triggers})) == {"triggers": triggers}
    assert read(encode({"triggers": triggers})).values == {"triggers": triggers}


def test_runs_that_are_secret_are_translated_below_their_mark() -> None:
    """A mark around a property does not keep the keys inside from getting the names that programs see."""
    runs = [{"config_version": "v", "steps": [{"started_at": "t"}]}]

    assert to_program({"runs": secret(runs)}, PROPERTY_NAMES) == {
        "runs": secret([{"configVersion": "v", "steps": [{"startedAt": "t"}]}])
    }


def test_an_encrypted_destination_stays_encrypted() -> None:
    """In an exported state the whole destination may be ciphertext: its type and its config are then both hidden."""
    properties = api_properties({"project": "shop", "executionMode": "bounded", "destination": ENCRYPTED})

    assert properties == {
        "project": "shop",
        "execution_mode": "bounded",
        "destination_type": ENCRYPTED,
        "destination_config": ENCRYPTED,
    }


def test_a_path_into_a_destination_that_is_not_known() -> None:
    """Where the type is not known, the path of a setting still leads into `destination`."""
    assert program_path(("destination_config", "password"), None) == ("destination", "password")
    assert program_path(("destination_type",), None) == ("destination",)
    assert program_path(("__owner",), None) == ("__owner",)

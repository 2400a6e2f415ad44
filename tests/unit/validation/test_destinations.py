from __future__ import annotations

from typing import Any

import pytest

from goldrush_pulumi.validation import DESTINATIONS, DestinationField, secret_paths


def test_the_six_destinations() -> None:
    """The table holds the documented types, each under its own name."""
    assert list(DESTINATIONS) == ["postgres", "clickhouse", "kafka", "object_storage", "sqs", "webhook"]
    assert all(type_ == destination.type for type_, destination in DESTINATIONS.items())


@pytest.mark.parametrize(
    ("type_", "required", "optional"),
    [
        ("postgres", "url user password", "batch_size flush_interval_ms"),
        ("clickhouse", "url user password", "batch_size flush_interval_ms"),
        ("kafka", "bootstrap_servers sasl output_topic", ""),
        (
            "object_storage",
            "provider bucket access_key_id secret_access_key",
            "base_path format compression partition_by batch_size batch_interval_ms region endpoint",
        ),
        ("sqs", "queue_url region access_key_id secret_access_key", "batch_size message_group_id"),
        ("webhook", "url", "method headers batch_size timeout_ms retry"),
    ],
)
def test_documented_fields(type_: str, required: str, optional: str) -> None:
    """Each destination has the documented fields, required and optional."""
    fields = DESTINATIONS[type_].fields

    assert {field.name for field in fields if field.required} == set(required.split())
    assert {field.name for field in fields if not field.required} == set(optional.split())


def test_defaults_are_possible_values() -> None:
    """A documented default lies within the field's own choices and bounds."""
    for field in _all_fields():
        if field.choices and field.default is not None:
            defaults = [field.default] if isinstance(field.default, str) else field.default
            assert isinstance(defaults, (list, tuple))
            assert set(defaults) <= set(field.choices)
        if isinstance(field.default, int):
            assert field.minimum <= field.default <= (field.maximum or field.default)


def test_fields_are_found_by_name() -> None:
    """A field is looked up by its name, an unknown one is None."""
    password = DESTINATIONS["postgres"].field("password")

    assert password is not None
    assert password.secret
    assert DESTINATIONS["postgres"].field("passwrd") is None


@pytest.mark.parametrize(
    ("type_", "config", "expected"),
    [
        ("postgres", {"url": "postgresql://h/d", "user": "u", "password": "p"}, [("password",)]),
        ("clickhouse", {"url": "clickhouse://u:p@h/d", "password": "p"}, [("url",), ("password",)]),
        ("kafka", {"sasl": {"username": "u", "password": "p"}, "output_topic": "t"}, [("sasl", "password")]),
        (
            "object_storage",
            {"access_key_id": "a", "secret_access_key": "s", "endpoint": "https://u:p@r2"},
            [("access_key_id",), ("secret_access_key",), ("endpoint",)],
        ),
        (
            "sqs",
            {"queue_url": "https://q?token=1", "access_key_id": "a", "secret_access_key": "s"},
            [("queue_url",), ("access_key_id",), ("secret_access_key",)],
        ),
        (
            "webhook",
            {"url": "https://h", "headers": {"Authorization": "t", "X": "y"}, "retry": {"max_attempts": 1}},
            [("headers", "Authorization"), ("headers", "X")],
        ),
    ],
)
def test_secret_paths(type_: str, config: dict[str, Any], expected: list[tuple[str, ...]]) -> None:
    """Every destination's credentials are secret, and URLs only when they carry one."""
    assert secret_paths(type_, config) == expected


@pytest.mark.parametrize(
    ("type_", "config", "expected"),
    [
        ("kafka", {"sasl": "mechanism:password"}, [("sasl",)]),
        ("webhook", {"headers": ["Authorization: t"]}, [("headers",)]),
        ("webhook", {"headers": {"X": {"inner": "t"}}}, [("headers", "X", "inner")]),
        ("postgres", {"password": {"value": 5}}, [("password", "value")]),
        ("postgres", {"password": None}, []),
        ("postgres", {"pg_password": "p", "apiToken": "t"}, [("pg_password",), ("apiToken",)]),
        ("postgres", {"hosts": ["postgresql://u:p@h/d"]}, [("hosts",)]),
        ("postgres", {"hosts": [{"password": "p"}]}, [("hosts",)]),
        ("postgres", {"hosts": [{"url": "postgresql://u:p@h"}, 3]}, [("hosts",)]),
        ("postgres", {"hosts": [{"name": "h"}]}, []),
        ("postgres", "postgresql://u:p@h/d", []),
        ("postgres", None, []),
    ],
)
def test_secret_paths_of_wrong_shapes(type_: str, config: object, expected: list[tuple[str, ...]]) -> None:
    """A credential stays secret in a shape or under a name that the API does not know."""
    assert secret_paths(type_, config) == expected


@pytest.mark.parametrize("type_", [None, "", "postgre", object()])
def test_secret_paths_without_a_type(type_: object) -> None:
    """With the type unknown, whatever is secret in any destination is secret."""
    config = {"password": "p", "headers": {"X": "y"}, "sasl": {"password": "p"}, "batch_size": 3}

    assert secret_paths(type_, config) == [("password",), ("headers", "X"), ("sasl", "password")]


def test_unknown_values_of_secret_fields_are_listed() -> None:
    """A value that is not known yet is secret when its field is."""
    unknown = object()

    assert secret_paths("kafka", {"sasl": {"username": unknown, "password": unknown}}) == [("sasl", "password")]
    assert secret_paths("kafka", {"sasl": unknown}) == [("sasl",)]


def _all_fields() -> list[DestinationField]:
    top = [field for destination in DESTINATIONS.values() for field in destination.fields]
    return [*top, *(inner for field in top for inner in field.fields)]

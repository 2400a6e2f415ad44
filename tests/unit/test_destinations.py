from __future__ import annotations

import ast
import asyncio
import inspect
import itertools
import typing
from pathlib import Path
from typing import Any

import pulumi
import pytest
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import rpc

from goldrush_pulumi import destinations
from goldrush_pulumi.destinations import (
    ClickHouseDestinationArgs,
    ClickHouseDestinationArgsDict,
    KafkaDestinationArgs,
    KafkaDestinationArgsDict,
    KafkaSaslArgs,
    KafkaSaslArgsDict,
    ObjectStorageDestinationArgs,
    ObjectStorageDestinationArgsDict,
    PostgresDestinationArgs,
    PostgresDestinationArgsDict,
    SqsDestinationArgs,
    SqsDestinationArgsDict,
    WebhookDestinationArgs,
    WebhookDestinationArgsDict,
    WebhookRetryArgs,
    WebhookRetryArgsDict,
)
from goldrush_pulumi.validation import DESTINATIONS, DestinationField

PAIRS: dict[str, tuple[type[Any], type[Any]]] = {
    "postgres": (PostgresDestinationArgs, PostgresDestinationArgsDict),
    "clickhouse": (ClickHouseDestinationArgs, ClickHouseDestinationArgsDict),
    "kafka": (KafkaDestinationArgs, KafkaDestinationArgsDict),
    "object_storage": (ObjectStorageDestinationArgs, ObjectStorageDestinationArgsDict),
    "sqs": (SqsDestinationArgs, SqsDestinationArgsDict),
    "webhook": (WebhookDestinationArgs, WebhookDestinationArgsDict),
}
NESTED: dict[tuple[str, str], tuple[type[Any], type[Any]]] = {
    ("kafka", "sasl"): (KafkaSaslArgs, KafkaSaslArgsDict),
    ("webhook", "retry"): (WebhookRetryArgs, WebhookRetryArgsDict),
}
FORMS = [
    *((DESTINATIONS[type_].fields, *pair) for type_, pair in PAIRS.items()),
    *((_field.fields, *pair) for (type_, name), pair in NESTED.items() if (_field := DESTINATIONS[type_].field(name))),
]


def test_every_destination_and_nested_object_has_its_forms() -> None:
    """Nothing in the table lacks a class and a TypedDict."""
    nested = {(type_, field.name) for type_ in DESTINATIONS for field in DESTINATIONS[type_].fields if field.fields}

    assert PAIRS.keys() == DESTINATIONS.keys()
    assert NESTED.keys() == nested


@pytest.mark.parametrize(("fields", "class_", "typed_dict"), FORMS)
def test_forms_agree_with_the_table(
    fields: tuple[DestinationField, ...], class_: type[Any], typed_dict: type[Any]
) -> None:
    """Class, TypedDict and validation table have the same fields, and the same of them are required."""
    every = {field.name for field in fields}
    required = {field.name for field in fields if field.required}
    parameters = inspect.signature(class_).parameters
    hints = _type_hints(typed_dict)

    assert parameters.keys() - {"type"} == every
    assert {name for name, parameter in parameters.items() if parameter.default is parameter.empty} == required
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters.values())
    assert hints.keys() - {"type"} == every
    assert {name for name, hint in hints.items() if "NotRequired" not in str(hint)} - {"type"} == required


@pytest.mark.parametrize(("class_", "typed_dict"), [*PAIRS.values(), *NESTED.values()])
def test_both_forms_take_the_same_types(class_: type[Any], typed_dict: type[Any]) -> None:
    """A field has the same type in the class and in the TypedDict."""
    in_class = {name: text.removesuffix(" | None") for name, text in _annotations(class_).items()}
    in_dict = {
        name: text.removeprefix("NotRequired[").removesuffix("]" if text.startswith("NotRequired[") else "")
        for name, text in _annotations(typed_dict).items()
    }

    if "type" in in_dict:
        in_dict["type"] = f"pulumi.Input[{in_dict['type']}]"
    assert in_class == in_dict


@pytest.mark.parametrize("type_", list(PAIRS))
def test_classes_set_their_type(type_: str) -> None:
    """A class says its type without being instantiated, and puts it into the config."""
    class_, typed_dict = PAIRS[type_]
    given = {field.name: "x" for field in DESTINATIONS[type_].fields if field.required}

    assert class_.destination_type == type_
    assert class_(**given).type == type_
    assert _type_hints(typed_dict)["type"] == typing.Literal[type_]


@pytest.mark.parametrize(("fields", "class_", "typed_dict"), FORMS)
def test_documented_defaults_and_choices(
    fields: tuple[DestinationField, ...], class_: type[Any], typed_dict: type[Any]
) -> None:
    """The docstring of a field names the default and choices that the table documents."""
    documented = _attribute_docstrings(class_)
    for field in fields:
        default = ", ".join(field.default) if isinstance(field.default, tuple) else field.default
        said = f"(default: {default})"
        assert default is None or said in documented[field.name], (class_, typed_dict, field.name)
        assert all(f"`{choice}`" in documented[field.name] for choice in field.choices)


def test_a_config_serialises_to_the_api_s_own_names() -> None:
    """What the engine receives has the API's names, at every level, and nothing that was left out."""
    config = WebhookDestinationArgs(
        url="https://h.example.com",
        headers={"X_y": "z"},
        retry=WebhookRetryArgs(backoff_ms=5),
    )

    assert _serialise(config) == {
        "type": "webhook",
        "url": "https://h.example.com",
        "headers": {"X_y": "z"},
        "retry": {"backoff_ms": 5},
    }


@pytest.mark.parametrize("sasl", [KafkaSaslArgs(mechanism="m", username="u", password="p"), None])
def test_class_and_dict_are_the_same_on_the_wire(sasl: KafkaSaslArgs | None) -> None:
    """A nested class and a nested dict serialise alike."""
    plain: KafkaSaslArgsDict = {"mechanism": "m", "username": "u", "password": "p"}
    config = KafkaDestinationArgs(bootstrap_servers="b:1", sasl=sasl or plain, output_topic="t")

    assert _serialise(config) == {"type": "kafka", "bootstrap_servers": "b:1", "sasl": plain, "output_topic": "t"}


def test_fields_can_be_changed_afterwards() -> None:
    """A config is a value that a program may adapt before it is used."""
    config = PostgresDestinationArgs(url="postgresql://h/d", user="u", password="p")
    config.batch_size = 5

    assert config == PostgresDestinationArgs(url="postgresql://h/d", user="u", password="p", batch_size=5)


def test_a_misspelt_field_names_the_class() -> None:
    """All wrong names are told in one line, with what was meant, without a value and without a traceback."""
    with pytest.raises(pulumi.RunError) as caught:
        PostgresDestinationArgs(url="u", pasword="hunter2")  # type: ignore[call-arg]

    assert str(caught.value) == (
        'declare PostgresDestinationArgs: pasword is not a field of it, did you mean "password"?; user is missing;'
        " password is missing"
    )


def test_fields_are_given_by_name() -> None:
    """A value without a name is refused and not shown."""
    with pytest.raises(pulumi.RunError, match="fields must be given by name") as caught:
        KafkaSaslArgs("hunter2")  # type: ignore[call-arg]

    assert "hunter2" not in str(caught.value)


def test_no_value_in_a_repr() -> None:
    """Printing a config shows no credential."""
    assert "hunter2" not in repr(PostgresDestinationArgs(url="u", user="u", password="hunter2"))


def _type_hints(typed_dict: type[Any]) -> dict[str, Any]:
    # `pulumi.Input` quotes `Output[T]`.
    return typing.get_type_hints(typed_dict, localns={"Output": pulumi.Output, "T": Any}, include_extras=True)


def _serialise(config: object) -> Any:
    async def work() -> Any:
        return await rpc.serialize_properties({"config": config}, {})

    return MessageToDict(asyncio.run(work()))["config"]


def _annotations(class_: type[Any]) -> dict[str, str]:
    return {
        node.target.id: ast.unparse(node.annotation)
        for node in _class_body(class_)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }


def _attribute_docstrings(class_: type[Any]) -> dict[str, str]:
    return {
        before.target.id: after.value.value
        for before, after in itertools.pairwise(_class_body(class_))
        if isinstance(before, ast.AnnAssign)
        and isinstance(before.target, ast.Name)
        and isinstance(after, ast.Expr)
        and isinstance(after.value, ast.Constant)
        and isinstance(after.value.value, str)
    }


def _class_body(class_: type[Any]) -> list[ast.stmt]:
    module = ast.parse(Path(destinations.__file__).read_text(encoding="utf-8"))
    (body,) = [node.body for node in module.body if isinstance(node, ast.ClassDef) and node.name == class_.__name__]
    return body

"""The decorators of the generated classes of arguments, and what such objects hold."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import pulumi
from typing_extensions import dataclass_transform

from goldrush_pulumi.validation.problems import advise

_Class = TypeVar("_Class")


@dataclass_transform(kw_only_default=True)
def input_type(cls: type[_Class]) -> type[_Class]:
    """Make a Pulumi input type with a keyword-only constructor that type checkers know too.

    A misspelt or missing field raises `pulumi.RunError`, as other mistakes in a program do.
    """
    return _with_checked_names(pulumi.input_type(cls))


@dataclass_transform(kw_only_default=True, frozen_default=True)
def arguments_type(cls: type[_Class]) -> type[_Class]:
    """Make a frozen dataclass with a keyword-only constructor that refuses wrong names like an input type's."""
    return _with_checked_names(dataclass(frozen=True, kw_only=True)(cls))


def _with_checked_names(cls: type[_Class]) -> type[_Class]:
    construct = cls.__init__
    parameters = list(inspect.signature(construct).parameters.values())[1:]

    @functools.wraps(construct)
    def checked(self: object, *values: object, **fields: object) -> None:
        _require_fields(cls.__name__, parameters, values, fields)
        construct(self, **fields)

    cls.__init__ = checked  # type: ignore[method-assign]
    return cls


def _require_fields(
    name: str, parameters: list[inspect.Parameter], values: tuple[object, ...], fields: dict[str, object]
) -> None:
    """Refuse a call that does not give each required field, and known fields only.

    Raises:
        pulumi.RunError: all that is wrong with the names, in one line.
    """
    known = [parameter.name for parameter in parameters]
    required = [parameter.name for parameter in parameters if parameter.default is inspect.Parameter.empty]
    problems = ["fields must be given by name"] if values else []
    problems += [f"{field} is not a field of it, {advise(field, known)}" for field in fields if field not in known]
    problems += [f"{field} is missing" for field in required if field not in fields]
    if problems:
        raise pulumi.RunError(f"declare {name}: {'; '.join(problems)}")


def as_plain(value: Any) -> Any:
    """Return `value` with every input type in it as the dict that it becomes on the wire; outputs stay as they are."""
    if isinstance(value, Mapping):
        return {key: as_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_plain(item) for item in value]
    if is_output(value) or isinstance(value, (pulumi.Resource, pulumi.Asset, pulumi.Archive)):
        return value
    if hasattr(value, "__dict__"):
        # An input type keeps its fields as attributes.
        return {key: as_plain(item) for key, item in vars(value).items() if item is not None}
    return value


def is_output(value: object) -> bool:
    """Return whether `value` is only known when the program's outputs are: an output, or something to await."""
    return isinstance(value, pulumi.Output) or hasattr(value, "__await__")

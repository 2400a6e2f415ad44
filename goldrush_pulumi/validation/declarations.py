"""Rules for a pipeline that is declared in a file: its inputs, and what Pulumi is told about it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from goldrush_pulumi.validation.inputs import INPUTS
from goldrush_pulumi.validation.problems import Problem, advise, field_path
from goldrush_pulumi.validation.unknowns import UNKNOWN

OPTIONS: Final = ("protect", "retain_on_delete", "custom_timeouts")
"""The settings of a declaration that are for Pulumi; all others are inputs."""

_TIMEOUTS: Final = ("create", "update", "delete")
_DURATION: Final = re.compile(r"(\d+(\.\d+)?(h|m|s|ms))+")


def declaration_path(name: str) -> str:
    """The path of an entry of `pipelines`, by its name."""
    return f"pipelines.{name}" if re.fullmatch(r"[\w-]+", name) else f"pipelines[{json.dumps(name)}]"


def find_declaration_problems(
    name: str, entry: object, find: Callable[[Mapping[str, object]], list[Problem]]
) -> list[Problem]:
    """Find everything that is wrong with one entry of `pipelines`.

    Args:
        name: The entry's name.
        entry: What stands there.
        find: Judges the inputs; an `abi_file` that is a path is not among them.
    """
    path = declaration_path(name)
    if not isinstance(entry, Mapping):
        return [Problem(path, "is not a map", "write a map with project, topic and destination_config")]
    inputs = {key: value for key, value in entry.items() if key in INPUTS}
    if isinstance(inputs.get("abi_file"), str):
        # A path, which the resource reads when it is declared.
        del inputs["abi_file"]
    return [problem.under(path) for problem in (*_find_option_problems(entry), *find(inputs))]


def _find_option_problems(entry: Mapping[str, object]) -> Iterator[Problem]:
    for name in entry:
        if name not in INPUTS and name not in OPTIONS:
            right = advise(str(name), (*INPUTS, *OPTIONS))
            yield Problem(field_path("", str(name)), "is not a setting of a pipeline", right)
    for name in ("protect", "retain_on_delete"):
        value = entry.get(name, False)
        if value is not UNKNOWN and not isinstance(value, bool):
            yield Problem(name, "is not true or false", "write true or false without quotes")
    yield from _find_timeout_problems(entry.get("custom_timeouts"))


def _find_timeout_problems(timeouts: object) -> Iterator[Problem]:
    if timeouts is None or timeouts is UNKNOWN:
        return
    if not isinstance(timeouts, Mapping):
        yield Problem("custom_timeouts", "is not a map", "write a map with create, update and delete")
        return
    for name, value in timeouts.items():
        path = field_path("custom_timeouts", str(name))
        if name not in _TIMEOUTS:
            yield Problem(path, "is not a setting of a pipeline", advise(str(name), _TIMEOUTS))
        elif value is not None and not (isinstance(value, str) and _DURATION.fullmatch(value)):
            yield Problem(path, "is not a duration", "write it like 10m or 1h30m")

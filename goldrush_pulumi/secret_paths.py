"""Which values a program marked as secret: the engine tells no verb of it, so the program passes it on itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi

_NEVER_SECRET = frozenset({"project", "topic", "destination_type", "execution_mode", "status", "wait_for"})


def marked_secret_paths(inputs: Mapping[str, Any]) -> pulumi.Output[list[list[str]]]:
    """The paths of the values in `inputs` that are secret outputs, known when all of them are resolved.

    Each path is a list of keys. The list itself tells no value, so it is no secret.
    """
    candidates = list(_outputs_in(inputs, ()))
    if not candidates:
        return pulumi.Output.from_input([])
    return pulumi.Output.from_input(_secret_paths(candidates))


async def _secret_paths(candidates: list[tuple[tuple[str, ...], pulumi.Output[Any]]]) -> list[list[str]]:
    answers = await asyncio.gather(*(output.is_secret() for _, output in candidates))
    return [list(path) for (path, _), secret in zip(candidates, answers, strict=True) if secret]


def _outputs_in(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], pulumi.Output[Any]]]:
    if isinstance(value, pulumi.Output):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if path or key not in _NEVER_SECRET:
                yield from _outputs_in(item, (*path, str(key)))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from _outputs_in(item, (*path, str(index)))
    elif hasattr(value, "__dict__"):
        # An input type keeps its fields as attributes.
        yield from _outputs_in(vars(value), path)

"""Which values a program marked as secret. The engine hides this from every verb, so the program passes it on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pulumi

from goldrush_pulumi.input_type import as_plain
from goldrush_pulumi.schema.wire import SECRET_SIGNATURE, SIGNATURE_KEY

_NEVER_SECRET: Final = frozenset({"project", "topic", "destination_type", "execution_mode", "status", "wait_for"})


async def marked_secret_paths(inputs: Mapping[str, Any]) -> list[list[str]]:
    """Return the paths of the values in `inputs` that are secret outputs, once all of them are resolved.

    Each path is a list of keys. The list holds no value, so it is not a secret itself.
    """
    found = list(_find_markable(as_plain(inputs), ()))
    flags = await asyncio.gather(*(_is_secret(value) for _, value in found))
    return [list(path) for (path, _), is_secret in zip(found, flags, strict=True) if is_secret]


async def _is_secret(value: Any) -> bool:
    return not isinstance(value, pulumi.Output) or await value.is_secret()


def _find_markable(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield outputs and, because the engine hands some of them to a transform, secrets in the form of the wire."""
    if isinstance(value, pulumi.Output):
        yield path, value
    elif isinstance(value, Mapping):
        if value.get(SIGNATURE_KEY) == SECRET_SIGNATURE:
            yield path, value
            return
        for key, item in value.items():
            if path or key not in _NEVER_SECRET:
                yield from _find_markable(item, (*path, str(key)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _find_markable(item, (*path, str(index)))

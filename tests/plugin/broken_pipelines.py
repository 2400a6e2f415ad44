"""The real provider with one part of it broken, as a bug would: each word names the part and how it fails."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from goldrush_pulumi import verbs
from goldrush_pulumi.provider import PipelineProvider

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

BROKEN_VARIABLE = "LAB_BROKEN"
PLANTED = "pl4ntedSecret"


class BrokenProvider(PipelineProvider):
    def __reduce__(self) -> tuple[Any, ...]:
        return make_broken_provider, ()


def make_broken_provider() -> BrokenProvider:
    """The provider, with the part broken that the environment names as "part: failure"."""
    part, _, failure = os.environ.get(BROKEN_VARIABLE, "").partition(": ")
    if part:
        _PARTS[part](_FAILURES[failure])
    return BrokenProvider()


def _exit(*_: Any, **__: Any) -> Any:
    raise SystemExit(3)


def _recurse(*arguments: Any, **named: Any) -> Any:
    return _recurse(*arguments, **named)


def _run_out_of_memory(*_: Any, **__: Any) -> Any:
    raise MemoryError


def _have_a_bug(*_: Any, **__: Any) -> Any:
    raise ValueError(PLANTED)


_FAILURES: dict[str, Callable[..., Any]] = {
    "exit": _exit,
    "recursion": _recurse,
    "memory": _run_out_of_memory,
    "bug": _have_a_bug,
}


def _replace(module: ModuleType, name: str, fail: Callable[..., Any]) -> None:
    setattr(module, name, fail)


def _break_submission(fail: Callable[..., Any]) -> None:
    from goldrush_pulumi.operations import create  # noqa: PLC0415 - as late as the provider loads it

    _replace(create, "submit_new", fail)


def _break_rollout(fail: Callable[..., Any]) -> None:
    from goldrush_pulumi.operations import create, update  # noqa: PLC0415 - as late as the provider loads it

    _replace(create, "roll_out", fail)
    _replace(update, "roll_out", fail)


def _break_diagnosis(fail: Callable[..., Any]) -> None:
    from goldrush_pulumi.operations import rollout  # noqa: PLC0415 - as late as the provider loads it

    _replace(rollout, "diagnose", fail)


def _break_outputs(fail: Callable[..., Any]) -> None:
    from goldrush_pulumi.operations import outputs  # noqa: PLC0415 - as late as the provider loads it

    _replace(outputs, "outputs_of", fail)


def _break_marking(fail: Callable[..., Any]) -> None:
    whole = verbs.with_secrets_marked

    def mark(properties: Any, *arguments: Any) -> Any:
        return fail() if "runs" in properties else whole(properties, *arguments)

    _replace(verbs, "with_secrets_marked", mark)


def _break_reading(fail: Callable[..., Any]) -> None:
    from goldrush_pulumi.operations import read as reading  # noqa: PLC0415 - as late as the provider loads it

    _replace(reading, "overlay", fail)


_PARTS: dict[str, Callable[[Callable[..., Any]], None]] = {
    "submission": _break_submission,
    "rollout": _break_rollout,
    "diagnosis": _break_diagnosis,
    "outputs": _break_outputs,
    "marking": _break_marking,
    "reading": _break_reading,
}

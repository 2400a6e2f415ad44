"""Rules for the heights between which a pipeline runs, and for how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldrush_pulumi.validation.problems import Problem, warning
from goldrush_pulumi.validation.unknowns import UNKNOWN
from goldrush_pulumi.validation.values import holds_placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# Python refuses to read numbers of some thousand digits, and no chain comes near these.
_GREATEST_LENGTH = 100
_GREATEST_EXACT = 2**53


def read_height(value: object) -> int | None:
    """Read a block height from an int, a whole float or digits; None when it is none of these or negative."""
    if isinstance(value, str):
        digits = value.isascii() and value.isdigit() and len(value) <= _GREATEST_LENGTH
        return int(value) if digits else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if value >= 0 and value == value // 1 else None


def find_execution_problems(inputs: Mapping[str, object]) -> Iterator[Problem]:
    """Check the heights and what `execution_mode` makes of them, given inputs whose unknown values are marked."""
    heights: dict[str, int | None] = {}
    for name in ("execution_start_from", "execution_stop_from"):
        value = inputs.get(name, "")
        if value != "" and value is not UNKNOWN and not (isinstance(value, str) and holds_placeholder(value)):
            heights[name] = read_height(value)
            yield from _find_height_problems(name, value)
    start, stop = heights.get("execution_start_from"), heights.get("execution_stop_from")
    if start is not None and stop is not None and stop < start:
        yield Problem("execution_stop_from", "lies before execution_start_from", "stop at that height or after it")
    yield from _find_mode_problems(inputs.get("execution_mode"), inputs.get("execution_stop_from", ""))


def _find_height_problems(name: str, value: object) -> Iterator[Problem]:
    if read_height(value) is None:
        yield Problem(name, "is not a block height", "give a whole number of at least 0, or its digits as a text")
    elif isinstance(value, float) and value > _GREATEST_EXACT:
        yield warning(name, "is so large that its last digits were lost on the way", "write it as a text, in quotes")


def _find_mode_problems(mode: object, stop: object) -> Iterator[Problem]:
    if stop is UNKNOWN:
        return
    if mode == "bounded" and stop == "":
        right = "set it, unless GoldRush is to decide where the pipeline ends: that is not documented"
        yield warning("execution_stop_from", "is missing for a bounded pipeline", right)
    elif mode in (None, "unbounded") and stop != "":
        right = 'set execution_mode to "bounded" to end there'
        yield warning("execution_stop_from", "is set for an unbounded pipeline, which goes on with the chain", right)

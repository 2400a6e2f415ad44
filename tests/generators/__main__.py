"""`python -m tests.generators 100000` judges that many generated pipelines and says what it found.

Hypothesis draws two thousand; the others are put together from parts of those, which takes a tenth of the time. A
second number is the seed.
"""

from __future__ import annotations

import random
import sys
from copy import deepcopy
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.generators.laws import find_changes, find_errors
from tests.generators.pipelines import pipelines

_DRAWN = 2000
# Parts that are right or wrong together, so they come from one pipeline.
_DESTINATION = ("destination_type", "destination_config")
_PROCESSING = ("topic", "transforms", "abi_file", "abi_contract_addresses", "abi_unmatched")
_EXECUTION = ("execution_mode", "execution_start_from", "execution_stop_from")


def judge(count: int, first_seed: int = 0) -> int:
    """Judge `count` pipelines and return how many were; one that breaks a law ends it as an AssertionError."""
    drawn = _draw(min(count, _DRAWN), first_seed)
    for inputs in drawn:
        _require_lawful(inputs)
    choose = random.Random(first_seed)  # noqa: S311 - a choice of test data
    for _ in range(count - len(drawn)):
        _require_lawful(_combine(choose, drawn))
    return max(count, len(drawn))


def _draw(count: int, number: int) -> list[dict[str, Any]]:
    drawn: list[dict[str, Any]] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(pipelines())
    def keep(inputs: dict[str, Any]) -> None:
        drawn.append(inputs)

    keep()
    return drawn


def _combine(choose: random.Random, drawn: list[dict[str, Any]]) -> dict[str, Any]:
    """Put a pipeline together from four others, each of which gives the parts that belong together."""
    rest, destination, processing, execution = (choose.choice(drawn) for _ in range(4))
    if _is_kafka(destination):
        # It takes neither transforms nor ABI, so their topic must be one of Kafka's own.
        processing = destination
    sources = {
        **dict.fromkeys(_DESTINATION, destination),
        **dict.fromkeys(_PROCESSING, processing),
        **dict.fromkeys(_EXECUTION, execution),
    }
    names = {**rest, **destination, **processing, **execution}
    found = {name: sources.get(name, rest) for name in names}
    return {name: deepcopy(source[name]) for name, source in found.items() if name in source}


def _is_kafka(inputs: dict[str, Any]) -> bool:
    return "kafka" in (inputs.get("destination_type"), inputs["destination_config"].get("type"))


def _require_lawful(inputs: dict[str, Any]) -> None:
    errors, changes = find_errors(inputs), find_changes(inputs)
    assert not errors, f"a valid pipeline is refused: {errors}\n{inputs}"
    assert not changes, f"an untouched pipeline differs: {changes}\n{inputs}"


if __name__ == "__main__":
    judged = judge(*map(int, sys.argv[1:]))
    sys.stdout.write(f"{judged} pipelines: none refused, none changed by its round trip\n")

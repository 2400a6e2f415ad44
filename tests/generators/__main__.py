"""`python -m tests.generators 100000` judges that many generated pipelines and says what it found.

A second number is where the seeds begin, so that several processes can share the work.
"""

from __future__ import annotations

import sys
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.generators.laws import find_changes, find_errors
from tests.generators.pipelines import pipelines

# Drawing gets slower the more was drawn in one go.
_BATCH = 2000


def judge(count: int, first_seed: int = 0) -> int:
    """Judge `count` pipelines and return how many were; the first that breaks a law ends it as an AssertionError."""
    judged = 0
    for number, begun in enumerate(range(0, count, _BATCH), first_seed):
        judged += _judge_batch(min(_BATCH, count - begun), number)
        sys.stderr.write(f"{judged} of {count}\n")
    return judged


def _judge_batch(count: int, number: int) -> int:
    judged = 0

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(pipelines())
    def law(inputs: dict[str, Any]) -> None:
        nonlocal judged
        judged += 1
        assert find_errors(inputs) == [], "a valid pipeline is refused"
        assert find_changes(inputs) == [], "an untouched pipeline differs"

    law()
    return judged


if __name__ == "__main__":
    judged = judge(*map(int, sys.argv[1:]))
    sys.stdout.write(f"{judged} pipelines: none refused, none changed by its round trip\n")

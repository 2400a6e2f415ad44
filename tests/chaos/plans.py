"""What may go wrong in one storm, drawn by dice alone, so that the same seed makes the same plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.emulator.faults import HTML_BODY

if TYPE_CHECKING:
    import random

LOSSES: Final[tuple[dict[str, Any], ...]] = (
    {"status": 500},
    {"status": 503, "commit": True},
    {"status": 502, "body": HTML_BODY},
    {"status": 200, "body": HTML_BODY, "commit": True},
    {"status": 429},
    {"status": 429, "retry_after": 1},
    {"drop": "before"},
    {"drop": "after"},
    {"delay_seconds": 0.7},
    {"delay_seconds": 0.5, "drop": "after"},
    {"drip_seconds": 0.002},
)
LOST_CHANGES: Final[tuple[dict[str, Any], ...]] = (
    {"status": 502, "commit": True},
    {"status": 200, "body": "", "commit": True},
    {"status": 200, "body": HTML_BODY, "commit": True},
    {"drop": "after"},
)
"""How every response to a change gets lost, although the change is carried out."""
OUTAGE: Final[dict[str, Any]] = {"status": 404}
"""GoldRush answers 404 to everything."""
DRIPPING: Final[dict[str, Any]] = {"drip_seconds": 3600.0}
"""Every response begins and never ends."""

METHODS: Final = ("*", "*", "GET", "POST", "POST", "PATCH", "PUT", "DELETE")
VIOLENCE: Final = (
    "none",
    "interrupt",
    "kill command",
    "kill command",
    "kill provider",
    "restart server",
    "outage",
    "drip and interrupt",
)


@dataclass(frozen=True)
class Plan:
    """What happens in one storm: the faults, and what is done at which request."""

    faults: tuple[tuple[str, dict[str, Any]], ...]
    violence: str
    at_request: int
    extra_seconds: float
    saves_late: bool = False
    """Whether the command saves state at its end alone; only where pipelines, and so an owner, are in state by then."""

    @classmethod
    def drawn(cls, dice: random.Random, violence: str | None = None, most_requests: int = 20) -> Plan:
        """A plan by the dice alone."""
        faults = [
            (dice.choice(METHODS), {**dice.choice(LOSSES), "skip": dice.randrange(12), "times": dice.randint(1, 3)})
            for _ in range(dice.randint(0, 6))
        ]
        if dice.random() < 0.25:
            faults.append((dice.choice(("PATCH", "PUT", "*")), {**dice.choice(LOST_CHANGES), "times": None}))
        return cls(
            tuple(faults),
            violence or dice.choice(VIOLENCE),
            dice.randint(0, most_requests),
            dice.uniform(0, 0.2),
            saves_late=dice.random() < 0.3,
        )

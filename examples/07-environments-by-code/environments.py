"""The three environments, and every difference between them."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class Environment:
    """One environment.

    Attributes:
        name: Name of the environment and of its stack.
        chains: Chains to read swaps from.
        batch_size: Rows per INSERT.
        is_protected: Whether Pulumi refuses to delete or replace the pipelines.
    """

    name: str
    chains: tuple[str, ...]
    batch_size: int = 100
    is_protected: bool = False


ENVIRONMENTS = {
    environment.name: environment
    for environment in (
        Environment("dev", chains=("base",)),
        Environment("staging", chains=("base", "eth"), batch_size=500),
        Environment("prod", chains=("base", "eth", "matic"), batch_size=1000, is_protected=True),
    )
}


def environment_of(stack: str) -> Environment:
    """Return the environment of a stack.

    Raises:
        pulumi.RunError: No environment has that name.
    """
    if stack not in ENVIRONMENTS:
        raise pulumi.RunError(f"stack {stack}: is not an environment, use one of {', '.join(ENVIRONMENTS)}")
    return ENVIRONMENTS[stack]

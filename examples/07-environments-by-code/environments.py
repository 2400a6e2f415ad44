"""The three environments and everything in which they differ."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi


@dataclass(frozen=True)
class Environment:
    """One environment.

    Attributes:
        name: Its name, which is the stack's.
        chains: The chains whose swaps it follows.
        batch_size: Rows per INSERT.
        is_protected: Whether Pulumi refuses to delete or replace its pipelines.
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
    """The environment of a stack.

    Raises:
        pulumi.RunError: There is no environment of that name.
    """
    if stack not in ENVIRONMENTS:
        raise pulumi.RunError(f"stack {stack}: is no environment, use one of {', '.join(ENVIRONMENTS)}")
    return ENVIRONMENTS[stack]

"""`SwapFeed`: a component that wraps a pipeline with the team's own defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

import goldrush_pulumi as goldrush

if TYPE_CHECKING:
    from environments import Environment


class SwapFeed(pulumi.ComponentResource):
    """Write the Uniswap v3 swaps of one chain to the analytics database of an environment."""

    def __init__(self, name: str, chain: str, environment: Environment, password: pulumi.Output[str]) -> None:
        super().__init__("example:analytics:SwapFeed", name)
        self.pipeline = goldrush.Pipeline(
            name,
            goldrush.PipelineArgs(
                project=f"feeds-{environment.name}",
                description=f"Uniswap v3 swaps on {chain}",
                topic=f"{chain}.mainnet.ref.block.swap.v3",
                destination_config=goldrush.PostgresDestinationArgs(
                    url=f"postgresql://postgres.{environment.name}.example.com:5432/analytics",
                    user="goldrush",
                    password=password,
                    batch_size=environment.batch_size,
                ),
                transforms={"swaps": "SELECT * FROM swaps WHERE protocol = 'uniswap_v3'"},
            ),
            pulumi.ResourceOptions(parent=self, protect=environment.is_protected),
        )
        self.register_outputs({"phase": self.pipeline.phase})

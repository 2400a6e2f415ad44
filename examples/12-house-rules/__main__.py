"""Two pipelines, checked against the house rules like everything that this program declares."""

from __future__ import annotations

import pulumi
from house_rules import house_rules

import goldrush_pulumi as goldrush

stack = pulumi.get_stack()
password = pulumi.Config().require_secret("pgPassword")

with house_rules(stack):
    feeds = {
        entity: goldrush.Pipeline(
            f"base-{entity}",
            pulumi.ResourceOptions(protect=stack == "prod"),
            project=f"analytics-{stack}",
            topic=f"base.mainnet.ref.block.{entity}",
            destination_config=goldrush.PostgresDestinationArgs(
                url=f"postgresql://postgres.{stack}.example.com:5432/analytics",
                user="goldrush",
                password=password,
            ),
        )
        for entity in ("transfers", "logs")
    }

pulumi.export("phases", {entity: feed.phase for entity, feed in feeds.items()})

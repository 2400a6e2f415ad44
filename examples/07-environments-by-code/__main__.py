"""One program for dev, staging and prod. The stack's name selects an environment of `environments.py`."""

from __future__ import annotations

import pulumi
from environments import environment_of
from feed import SwapFeed

environment = environment_of(pulumi.get_stack())
password = pulumi.Config().require_secret("pgPassword")

feeds = {chain: SwapFeed(f"{chain}-swaps", chain, environment, password) for chain in environment.chains}

pulumi.export("phases", {name: feed.pipeline.phase for name, feed in feeds.items()})

"""`BackfillThenLive`: a component that loads past blocks first, and follows the chain once they are loaded."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

import goldrush_pulumi as goldrush

_DONE = "STOPPED"
"""The phase of a bounded pipeline that has read its last block."""


@dataclass(frozen=True)
class Source:
    """What both pipelines read: a topic, the rows to keep, and the block at which the second takes over."""

    topic: str
    transforms: dict[str, str]
    first_block: int
    handover_block: int


class BackfillThenLive(pulumi.ComponentResource):
    """A bounded pipeline up to the handover, and an unbounded one from there that waits until the first is done."""

    def __init__(
        self,
        name: str,
        source: Source,
        destination: goldrush.PostgresDestinationArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("example:analytics:BackfillThenLive", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.backfill = goldrush.Pipeline(
            f"{name}-backfill",
            child,
            # Each has its own project: two pipelines of one project would share its consumer group and its checkpoint.
            project=f"{name}-backfill",
            description=f"Past blocks of {source.topic}",
            topic=source.topic,
            transforms=source.transforms,
            destination_config=destination,
            execution_mode="bounded",
            execution_start_from=source.first_block,
            execution_stop_from=source.handover_block - 1,
        )
        self.live = goldrush.Pipeline(
            f"{name}-live",
            child,
            project=f"{name}-live",
            description=f"New blocks of {source.topic}",
            topic=source.topic,
            transforms=source.transforms,
            destination_config=destination,
            execution_start_from=source.handover_block,
            # The phase is the one that the last `up` or refresh observed.
            status=self.backfill.phase.apply(lambda phase: "running" if phase == _DONE else "paused"),
        )
        self.register_outputs({"backfill": self.backfill.phase, "live": self.live.phase})

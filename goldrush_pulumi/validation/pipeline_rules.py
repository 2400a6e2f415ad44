"""Rules for the inputs of a pipeline that go beyond the shape of one text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from goldrush_pulumi.validation.destination_rules import resolve_type
from goldrush_pulumi.validation.problems import Problem
from goldrush_pulumi.validation.unknowns import UNKNOWN
from goldrush_pulumi.validation.values import find_text_map_problems, holds_placeholder

_SEGMENT = r"[A-Za-z0-9_-]+"
# The entity may go on after a dot: GoldRush's own samples read `base.mainnet.ref.block.swap.v3`.
_TOPIC = re.compile(rf"{_SEGMENT}\.{_SEGMENT}\.{_SEGMENT}\.block(?:\.{_SEGMENT})+")
OWNERSHIP_MARK = re.compile(r"\s?\[pulumi:[^\]]*\]?\s*$")
"""The mark at the end of a description that tells whose a pipeline is; its end may have been cut off by the server."""
_PROCESSING_INPUTS = ("transforms", "abi_file", "abi_contract_addresses", "abi_unmatched")


def find_pipeline_problems(inputs: Mapping[str, object]) -> Iterator[Problem]:
    """Check topic, description, transforms, heights, ABI and triggers, given inputs whose unknown values are marked."""
    yield from _find_topic_problems(inputs.get("topic"))
    yield from _find_description_problems(inputs.get("description"))
    yield from find_text_map_problems(inputs.get("transforms", {}), "transforms")
    yield from _find_height_problems(inputs)
    yield from _find_abi_problems(inputs.get("abi_file"))
    yield from _find_trigger_problems(inputs.get("triggers", {}))
    yield from _find_kafka_problems(inputs)


def read_height(value: object) -> int | None:
    """Read a block height from an int, a whole float or digits; None when it is none of these or negative."""
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if value >= 0 and value == value // 1 else None


def _find_topic_problems(topic: object) -> Iterator[Problem]:
    if not isinstance(topic, str) or not topic.strip() or holds_placeholder(topic):
        return
    if not _TOPIC.fullmatch(topic):
        right = "write it as chain.network.qualifier.block.entity, for example base.mainnet.ref.block.swap.v3"
        yield Problem("topic", "does not read like a topic", right)


def _find_description_problems(description: object) -> Iterator[Problem]:
    if isinstance(description, str) and OWNERSHIP_MARK.search(description):
        yield Problem(
            "description", "ends in [pulumi:...], which is reserved for the ownership mark", "remove that end"
        )


def _find_height_problems(inputs: Mapping[str, object]) -> Iterator[Problem]:
    heights = {}
    for name in ("execution_start_from", "execution_stop_from"):
        value = inputs.get(name, "")
        if value == "" or value is UNKNOWN:
            continue
        heights[name] = read_height(value)
        if heights[name] is None:
            yield Problem(name, "is not a block height", "give a whole number of at least 0, or its digits as a text")
    start, stop = heights.get("execution_start_from"), heights.get("execution_stop_from")
    if start is not None and stop is not None and stop < start:
        yield Problem("execution_stop_from", "lies before execution_start_from", "stop at that height or after it")


def _find_abi_problems(abi: object) -> Iterator[Problem]:
    if abi is not None and abi is not UNKNOWN and not isinstance(abi, (list, dict)):
        yield Problem("abi_file", "is not a parsed ABI", "give the list or map that its JSON file holds")


def _find_trigger_problems(triggers: object) -> Iterator[Problem]:
    if triggers is not UNKNOWN and not isinstance(triggers, Mapping):
        yield Problem("triggers", "is not a map", "write a map of names to any values")


def _find_kafka_problems(inputs: Mapping[str, object]) -> Iterator[Problem]:
    if resolve_type(inputs) != "kafka":
        return
    for name in _PROCESSING_INPUTS:
        if inputs.get(name) and inputs[name] is not UNKNOWN:
            wrong = "cannot go with a kafka destination, which forwards raw bytes"
            yield Problem(name, wrong, "remove it or choose another destination")

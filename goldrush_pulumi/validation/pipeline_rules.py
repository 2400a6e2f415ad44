"""Rules for the inputs of a pipeline that go beyond the shape of one text and need no parser."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from goldrush_pulumi.validation.catalog import DECODED_ENTITIES
from goldrush_pulumi.validation.destination_rules import resolve_type
from goldrush_pulumi.validation.execution import find_execution_problems
from goldrush_pulumi.validation.problems import Problem, list_choices, warning
from goldrush_pulumi.validation.topics import find_topic_problems, read_topic
from goldrush_pulumi.validation.unknowns import UNKNOWN
from goldrush_pulumi.validation.values import find_text_map_problems

OWNERSHIP_MARK = re.compile(r"\s?\[pulumi:[^\]]*\]?\s*$")
"""The mark at the end of a description that tells whose a pipeline is; its end may have been cut off by the server."""
_ABI_OPTIONS = ("abi_contract_addresses", "abi_unmatched")
_PROCESSING_INPUTS = ("transforms", "abi_file", *_ABI_OPTIONS)


def find_pipeline_problems(inputs: Mapping[str, object]) -> Iterator[Problem]:
    """Check topic, description, transforms, heights, ABI and triggers, given inputs whose unknown values are marked."""
    yield from find_topic_problems(inputs.get("topic"))
    yield from _find_description_problems(inputs.get("description"))
    yield from find_text_map_problems(inputs.get("transforms", {}), "transforms")
    yield from find_execution_problems(inputs)
    yield from _find_abi_problems(inputs.get("abi_file"))
    yield from _find_trigger_problems(inputs.get("triggers", {}))
    if resolve_type(inputs) == "kafka":
        yield from _find_kafka_problems(inputs)
    else:
        yield from _find_decoding_problems(inputs)


def _find_description_problems(description: object) -> Iterator[Problem]:
    if isinstance(description, str) and OWNERSHIP_MARK.search(description):
        yield Problem(
            "description", "ends in [pulumi:...], which is reserved for the ownership mark", "remove that end"
        )


def _find_abi_problems(abi: object) -> Iterator[Problem]:
    if abi is not None and abi is not UNKNOWN and not isinstance(abi, (list, dict)):
        yield Problem("abi_file", "is not a parsed ABI", "give the list or map that its JSON file holds")


def _find_trigger_problems(triggers: object) -> Iterator[Problem]:
    if triggers is not UNKNOWN and not isinstance(triggers, Mapping):
        yield Problem("triggers", "is not a map", "write a map of names to any values")


def _find_kafka_problems(inputs: Mapping[str, object]) -> Iterator[Problem]:
    for name in _PROCESSING_INPUTS:
        if inputs.get(name) and inputs[name] is not UNKNOWN:
            wrong = "cannot go with a kafka destination, which forwards raw bytes"
            yield Problem(name, wrong, "remove it or choose another destination")


def _find_decoding_problems(inputs: Mapping[str, object]) -> Iterator[Problem]:
    """Check that there is something to decode, and an ABI where the options of one are given."""
    abi = inputs.get("abi_file")
    if abi:
        yield from _find_entity_problems(inputs.get("topic")) if isinstance(abi, (list, dict)) else ()
        return
    for name in _ABI_OPTIONS:
        if inputs.get(name) and inputs[name] is not UNKNOWN:
            yield warning(name, "does nothing without an ABI", "give abi_file or remove it")


def _find_entity_problems(topic: object) -> Iterator[Problem]:
    parts = read_topic(topic)
    if parts is None or parts.entity in DECODED_ENTITIES:
        return
    right = f"read a topic of {list_choices(DECODED_ENTITIES)} or remove the ABI"
    if parts.entity:
        yield Problem("abi_file", f"cannot decode {parts.entity}", right)
    else:
        yield warning("abi_file", "is documented for other entities only", right)

"""Topics: their shape, and the words in them that look misspelt."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from goldrush_pulumi.validation.catalog import (
    CHAINS,
    ENTITY_TABLES,
    NETWORKS,
    OTHER_CHAIN_NAMES,
    QUALIFIERS,
    find_entity,
)
from goldrush_pulumi.validation.problems import Problem, suggest
from goldrush_pulumi.validation.rules import Rule
from goldrush_pulumi.validation.values import holds_placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEGMENT: Final = r"[A-Za-z0-9_-]+"

# GoldRush's own samples read `base.mainnet.ref.block.swap.v3`, so the number of segments is open.
_TOPIC: Final = re.compile(rf"{_SEGMENT}\.{_SEGMENT}\.{_SEGMENT}\.block(?:\.{_SEGMENT})+")

_CLOSENESS: Final = 0.75


class Topic(NamedTuple):
    """The parts of a topic.

    `entity` is the documented entity (`swaps` for `swap.v3`), None when the documentation knows none of that name.
    """

    chain: str
    network: str
    qualifier: str
    segment: str
    entity: str | None


def read_topic(topic: object) -> Topic | None:
    """Return the parts of a topic; None when it does not read like one, or holds a placeholder or an unknown value."""
    if not isinstance(topic, str) or not _TOPIC.fullmatch(topic):
        return None
    chain, network, qualifier, _, segment, *_ = topic.split(".")
    return Topic(chain, network, qualifier, segment, find_entity(segment))


def find_topic_problems(topic: object) -> Iterator[Problem]:
    """Check the shape of a topic, and warn of parts that look misspelt."""
    if not isinstance(topic, str) or not topic.strip() or holds_placeholder(topic):
        return
    parts = read_topic(topic)
    if parts is None:
        hint = "write chain.network.qualifier.block.entity, for example base.mainnet.ref.block.swap.v3"
        yield Problem(Rule.BAD_TOPIC, "topic", "does not have the form of a topic", hint)
        return
    yield from _find_misspelling("chain", parts.chain, CHAINS)
    yield from _find_misspelling("network", parts.network, NETWORKS)
    yield from _find_misspelling("qualifier", parts.qualifier, QUALIFIERS)
    if parts.entity is None:
        yield from _find_misspelling("entity", parts.segment, tuple(ENTITY_TABLES))


def _find_misspelling(part: str, word: str, known: tuple[str, ...]) -> Iterator[Problem]:
    if word in known:
        return
    likely = OTHER_CHAIN_NAMES.get(word.lower()) if part == "chain" else None
    likely = likely or suggest(word, known, _CLOSENESS)
    if likely:
        message = f"names {'an' if part == 'entity' else 'a'} {part} that the documentation does not"
        yield Problem(Rule.UNKNOWN_TOPIC_PART, "topic", message, f'did you mean "{likely}"?')

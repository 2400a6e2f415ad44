"""Rules for topics: `{chain}.{network}.{qualifier}.block.{entity}`, where the entity may go on after a dot."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from goldrush_pulumi.validation.catalog import CHAINS, ENTITY_TABLES, NETWORKS, QUALIFIERS, find_entity
from goldrush_pulumi.validation.problems import Problem, suggest, warning
from goldrush_pulumi.validation.values import holds_placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEGMENT = r"[A-Za-z0-9_-]+"
# GoldRush's own samples read `base.mainnet.ref.block.swap.v3`, so the number of segments is open.
_TOPIC = re.compile(rf"{_SEGMENT}\.{_SEGMENT}\.{_SEGMENT}\.block(?:\.{_SEGMENT})+")
_CLOSENESS = 0.75


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
    """Take a topic apart; None when it does not read like one, or holds a placeholder or an unknown value."""
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
        right = "write it as chain.network.qualifier.block.entity, for example base.mainnet.ref.block.swap.v3"
        yield Problem("topic", "does not read like a topic", right)
        return
    yield from _find_misspelling("chain", parts.chain, CHAINS)
    yield from _find_misspelling("network", parts.network, NETWORKS)
    yield from _find_misspelling("qualifier", parts.qualifier, QUALIFIERS)
    if parts.entity is None:
        yield from _find_misspelling("entity", parts.segment, tuple(ENTITY_TABLES))


def _find_misspelling(part: str, word: str, known: tuple[str, ...]) -> Iterator[Problem]:
    likely = None if word in known else suggest(word, known, _CLOSENESS)
    if likely:
        yield warning(
            "topic", f"names {_article(part)} {part} that the documentation does not", f'did you mean "{likely}"?'
        )


def _article(word: str) -> str:
    return "an" if word == "entity" else "a"

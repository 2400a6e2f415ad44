"""Rules for `destination_type` and `destination_config`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from goldrush_pulumi.validation.delivery_rules import find_delivery_problems
from goldrush_pulumi.validation.destinations import DESTINATIONS
from goldrush_pulumi.validation.problems import Problem, entry_path, field_path, list_choices
from goldrush_pulumi.validation.unknowns import UNKNOWN
from goldrush_pulumi.validation.values import MASK, find_object_problems, find_text_problems

_CONFIG = "destination_config"
_CONFIG_TYPE = "destination_config.type"
_FREELY_KEYED = frozenset(
    field.name for destination in DESTINATIONS.values() for field in destination.fields if field.kind == "text_map"
)


def find_destination_problems(inputs: Mapping[str, object]) -> Iterator[Problem]:
    """Check type and config of the destination, given inputs whose unknown values are marked."""
    yield from _find_type_problems(inputs)
    config = inputs.get(_CONFIG)
    if config is None or config is UNKNOWN:
        return
    if not isinstance(config, Mapping):
        yield Problem(_CONFIG, "is not a map", "use one of the destination classes or a map with the same fields")
        return
    yield from _find_masks(config, _CONFIG)
    destination = DESTINATIONS.get(resolve_type(inputs) or "")
    if destination:
        fields = {name: value for name, value in config.items() if name != "type"}
        owner = f"{_article(destination.type)} {destination.type} destination"
        yield from find_object_problems(destination.fields, fields, _CONFIG, owner)
        yield from find_delivery_problems(destination.type, config)


def resolve_type(inputs: Mapping[str, object]) -> str | None:
    """Find the type of the destination; None when it is unknown, wrong, or said in two ways."""
    said = {_said_outside(inputs), _said_inside(inputs)} - {None}
    answer = said.pop() if len(said) == 1 else None
    return answer if isinstance(answer, str) and answer in DESTINATIONS else None


def _said_outside(inputs: Mapping[str, object]) -> object:
    return _hashable(inputs.get("destination_type"))


def _said_inside(inputs: Mapping[str, object]) -> object:
    config = inputs.get(_CONFIG)
    return _hashable(config.get("type")) if isinstance(config, Mapping) else None


def _hashable(value: object) -> object:
    return value if value is None or value is UNKNOWN or isinstance(value, str) else ""


def _find_type_problems(inputs: Mapping[str, object]) -> Iterator[Problem]:
    outside, inside, config = _said_outside(inputs), _said_inside(inputs), inputs.get(_CONFIG)
    types = tuple(DESTINATIONS)
    if outside is not None:
        yield from find_text_problems(inputs["destination_type"], "destination_type", choices=types)
    if inside is not None and isinstance(config, Mapping):
        yield from find_text_problems(config["type"], _CONFIG_TYPE, choices=types)
    if outside is None and inside is None and isinstance(config, Mapping):
        yield Problem("destination_type", "is missing", f"use {list_choices(types)}, or a destination class")
    if outside in DESTINATIONS and inside in DESTINATIONS and outside != inside:
        yield Problem(_CONFIG_TYPE, f'says "{inside}"', f'destination_type says "{outside}": say the same in both')


def _find_masks(value: object, path: str) -> Iterator[Problem]:
    if isinstance(value, str) and MASK in value:
        wrong = "holds the mask GoldRush shows in place of a secret, which is never sent"
        yield Problem(path, wrong, "give the real value")
    elif isinstance(value, Mapping):
        extend = entry_path if path.rpartition(".")[2] in _FREELY_KEYED else field_path
        for name, item in value.items():
            yield from _find_masks(item, extend(path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _find_masks(item, entry_path(path, index))


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" or word == "sqs" else "a"

"""Rules for `destination_type` and `destination_config`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from goldrush_pulumi.schema.destinations import DESTINATIONS
from goldrush_pulumi.schema.urls import holds_user_info
from goldrush_pulumi.schema.wire import MASK
from goldrush_pulumi.validation.names import FIELD_HINTS, TYPE_HINTS
from goldrush_pulumi.validation.problems import Problem, entry_path, field_path, list_choices
from goldrush_pulumi.validation.rules import Rule
from goldrush_pulumi.validation.values import UNKNOWN, find_object_problems, find_string_problems, holds_placeholder

_CONFIG = "destination_config"

_CONFIG_TYPE = "destination_config.type"

_FREELY_KEYED = frozenset(
    field.name for destination in DESTINATIONS.values() for field in destination.fields if field.kind == "string_map"
)


def find_destination_problems(inputs: Mapping[str, object]) -> Iterator[Problem]:
    """Check type and config of the destination, given inputs whose unknown values are marked."""
    yield from _find_type_problems(inputs)
    config = inputs.get(_CONFIG)
    if config is None or config is UNKNOWN:
        return
    if not isinstance(config, Mapping):
        yield Problem(
            Rule.WRONG_TYPE, _CONFIG, "is not a map", "use one of the destination classes or a map with the same fields"
        )
        return
    yield from _find_masks(config, _CONFIG)
    destination = DESTINATIONS.get(resolve_type(inputs) or "")
    if destination:
        fields = {name: value for name, value in config.items() if name != "type"}
        owner = f"{_article(destination.type)} {destination.type} destination"
        yield from find_object_problems(destination.fields, fields, _CONFIG, owner, FIELD_HINTS[destination.type])
        yield from find_delivery_problems(destination.type, config)


def resolve_type(inputs: Mapping[str, object]) -> str | None:
    """Return the type of the destination; None when it is unknown, wrong, or given twice with different values."""
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
        yield from find_string_problems(inputs["destination_type"], "destination_type", choices=types, hints=TYPE_HINTS)
    if inside is not None and isinstance(config, Mapping):
        yield from find_string_problems(config["type"], _CONFIG_TYPE, choices=types, hints=TYPE_HINTS)
    if outside is None and inside is None and isinstance(config, Mapping):
        yield Problem(
            Rule.MISSING, "destination_type", "is missing", f"use {list_choices(types)}, or a destination class"
        )
    if outside in DESTINATIONS and inside in DESTINATIONS and outside != inside:
        hint = f'destination_type says "{outside}": give the same in both'
        yield Problem(Rule.TYPE_CONFLICT, _CONFIG_TYPE, f'says "{inside}"', hint)


def _find_masks(value: object, path: str) -> Iterator[Problem]:
    if isinstance(value, str) and MASK in value:
        message = "holds the mask that GoldRush shows in place of a secret, which is never sent"
        yield Problem(Rule.MASKED_VALUE, path, message, "give the real value")
    elif isinstance(value, Mapping):
        extend = entry_path if path.rpartition(".")[2] in _FREELY_KEYED else field_path
        for name, item in value.items():
            yield from _find_masks(item, extend(path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _find_masks(item, entry_path(path, index))


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" or word == "sqs" else "a"


_Config = Mapping[str, object]

_REGION_PROVIDERS = ("s3", "r2")

_ENDPOINT_PROVIDERS = ("r2",)

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

_METHODS_WITH_BODY = ("POST", "PUT", "PATCH")

_QUEUE_REGION = re.compile(r"https://sqs\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/")


def find_delivery_problems(destination_type: str, config: _Config) -> Iterator[Problem]:
    """Check the fields of a `destination_config` against each other, given one whose unknown values are marked."""
    yield from _find_user_info(config)
    yield from _RULES[destination_type](config)


def _find_user_info(config: _Config) -> Iterator[Problem]:
    for name in ("url", "queue_url", "endpoint"):
        url = config.get(name)
        if isinstance(url, str) and holds_user_info(url):
            hint = "give them in fields of their own: URLs are shown and logged more easily"
            yield Problem(Rule.USER_INFO_IN_URL, field_path(_CONFIG, name), "holds a user or a password", hint)


def _find_object_storage_problems(config: _Config) -> Iterator[Problem]:
    provider = config.get("provider")
    if provider in _REGION_PROVIDERS and not config.get("region"):
        hint = f"a bucket of {provider} needs its region"
        yield Problem(Rule.MISSING, field_path(_CONFIG, "region"), "is missing", hint)
    if provider in _ENDPOINT_PROVIDERS and not config.get("endpoint"):
        hint = f"a bucket of {provider} needs its S3-compatible URL"
        yield Problem(Rule.MISSING, field_path(_CONFIG, "endpoint"), "is missing", hint)
    if config.get("format") == "parquet" and config.get("compression") == "gzip":
        message = "is gzip for parquet, which the documentation names in one place and leaves out in another"
        hint = 'use "snappy" or "zstd" to be sure'
        yield Problem(Rule.UNCERTAIN_COMPRESSION, field_path(_CONFIG, "compression"), message, hint)


def _find_queue_problems(config: _Config) -> Iterator[Problem]:
    url, region = config.get("queue_url"), config.get("region")
    if not isinstance(url, str) or holds_placeholder(url):
        return
    if config.get("message_group_id") and not url.endswith(".fifo"):
        message = "makes GoldRush treat the queue as FIFO, but its URL does not end in .fifo"
        hint = "remove it or name a FIFO queue"
        yield Problem(Rule.NOT_A_FIFO_QUEUE, field_path(_CONFIG, "message_group_id"), message, hint)
    home = _QUEUE_REGION.match(url)
    if home and isinstance(region, str) and region not in ("auto", home[1]) and not holds_placeholder(region):
        message, hint = "is not the region in the queue's URL", f'did you mean "{home[1]}"?'
        yield Problem(Rule.REGION_CONFLICT, field_path(_CONFIG, "region"), message, hint)


def _find_webhook_problems(config: _Config) -> Iterator[Problem]:
    yield from _find_method_problems(config.get("method"))
    headers = config.get("headers")
    seen: set[str] = set()
    for name, value in headers.items() if isinstance(headers, Mapping) else ():
        path = entry_path(field_path(_CONFIG, "headers"), name)
        if name.strip() and not holds_placeholder(name) and not _TOKEN.fullmatch(name):
            yield Problem(Rule.BAD_HEADER, path, "is not a valid header name", "use letters, digits and hyphens")
        if isinstance(value, str) and _CONTROL.search(value):
            message = "holds a line break or another control character"
            yield Problem(Rule.BAD_HEADER, path, message, "write its value on one line")
        if name.lower() in seen:
            message = "is given twice: header names are the same in upper and lower case"
            yield Problem(Rule.DUPLICATE_HEADER, path, message, "keep one of them")
        seen.add(name.lower())


def _find_method_problems(method: object) -> Iterator[Problem]:
    if not isinstance(method, str) or not method.strip() or holds_placeholder(method):
        return
    path = field_path(_CONFIG, "method")
    if not _TOKEN.fullmatch(method):
        yield Problem(Rule.BAD_METHOD, path, "is not an HTTP method", 'use "POST"')
    elif method not in _METHODS_WITH_BODY:
        message = "is not known to carry a body, in which records are sent"
        yield Problem(Rule.METHOD_WITHOUT_BODY, path, message, 'use "POST", "PUT" or "PATCH"')


def _find_nothing(_: _Config) -> Iterator[Problem]:
    return iter(())


_RULES: Final[Mapping[str, Callable[[_Config], Iterator[Problem]]]] = MappingProxyType(
    {
        "postgres": _find_nothing,
        "clickhouse": _find_nothing,
        "kafka": _find_nothing,
        "object_storage": _find_object_storage_problems,
        "sqs": _find_queue_problems,
        "webhook": _find_webhook_problems,
    }
)

"""The names that programs see, and the API's own: the schema, property values, paths and messages all go by this table.

Only keys of the schema are translated. Keys that belong to the user (tables of `transforms`, headers, triggers, an ABI)
stay as they are, and so does a key that is already the API's own: state of the dynamic provider reads like any other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from goldrush_pulumi.schema.destinations import DESTINATIONS, DestinationField
from goldrush_pulumi.schema.pipeline import INPUTS, METRICS, OUTPUTS
from goldrush_pulumi.schema.wire import is_secret, secret

DESTINATION: Final = "destination"
"""What programs call `destination_type` and `destination_config` together: an object with one property, which names the
type and holds the config."""

DESTINATION_TYPE: Final = "destination_type"
DESTINATION_CONFIG: Final = "destination_config"

RUN_FIELDS: Final[Mapping[str, str]] = {
    "config_version": "Version of the configuration that was deployed.",
    "action": "What was done: `create`, `update`, `pause`, `resume`, `adopt` or `await`.",
    "status": "How it ended: `Succeeded`, `Failed`, `TimedOut` or `Cancelled`.",
    "started_at": "When it started, by the clock of the machine that ran Pulumi.",
    "finished_at": "When it ended, by the clock of the machine that ran Pulumi.",
    "changed": "Names of the inputs that changed, as the API names them; not given for `create`.",
    "user": "Who ran it: the user whom the CI system names, or that of the operating system.",
    "ci": "The CI system that ran it.",
    "job": "The CI job that ran it: its URL, or its id.",
    "commit": "The commit that the CI job worked on.",
}
STEP_FIELDS: Final[Mapping[str, str]] = {
    "name": "The step: `look-up`, `submit`, `deploy`, `ready` or `destination`.",
    "status": "How the step ended.",
    "started_at": "When the step started.",
    "finished_at": "When the step ended.",
}


def camel_case(name: str) -> str:
    """Return the name that programs see for one of the API's names."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


@dataclass(frozen=True)
class Names:
    """The names of one object: each of the API's keys by the key that programs see, and the objects below."""

    to_api: Mapping[str, str]
    below: Mapping[str, Names] = field(default_factory=dict)
    """Names inside the value of an API key; a list is looked through."""

    @classmethod
    def of(cls, keys: Iterable[str], below: Mapping[str, Names] | None = None) -> Names:
        """Return the names of an object with these API keys."""
        return cls({camel_case(key): key for key in keys}, below or {})

    def api(self, key: str) -> str:
        """Return the API's key for one that a program wrote."""
        return self.to_api.get(key, key)

    def program(self, key: str) -> str:
        """Return the key that programs see."""
        return camel_case(key) if key in self.to_api.values() else key


def _field_names(fields: Iterable[DestinationField]) -> Names:
    rows = tuple(fields)
    return Names.of(
        (row.name for row in rows), {row.name: _field_names(row.fields) for row in rows if row.kind == "object"}
    )


DESTINATION_NAMES: Final[Mapping[str, Names]] = {
    kind: _field_names(destination.fields) for kind, destination in DESTINATIONS.items()
}
"""The names inside the config of each type of destination."""

TYPE_NAMES: Final = Names.of(DESTINATIONS)
"""The names of the six destinations."""

_RUN_NAMES = Names.of((*RUN_FIELDS, "steps"), {"steps": Names.of(STEP_FIELDS)})

PROPERTY_NAMES: Final = Names.of((*INPUTS, *OUTPUTS, *(row.name for row in METRICS)), {"runs": _RUN_NAMES})
"""The names of a pipeline's properties and metrics, its destination apart."""


def to_api(value: Any, names: Names) -> Any:
    """Return `value`, as a program wrote it, with the API's keys; secret marks stay where they are."""
    if is_secret(value):
        # An exported state has the ciphertext in place of the value.
        return secret(to_api(value["value"], names)) if "value" in value else value
    if isinstance(value, list):
        return [to_api(item, names) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {api: _descend(to_api, item, names, api) for api, item in ((names.api(key), value[key]) for key in value)}


def to_program(value: Any, names: Names) -> Any:
    """Return `value`, as the API names it, with the keys that programs see; secret marks stay where they are."""
    if is_secret(value):
        return secret(to_program(value["value"], names))
    if isinstance(value, list):
        return [to_program(item, names) for item in value]
    if not isinstance(value, Mapping):
        return value
    return {names.program(key): _descend(to_program, item, names, key) for key, item in value.items()}


def _descend(translate: Any, item: Any, names: Names, api_key: str) -> Any:
    return translate(item, names.below[api_key]) if api_key in names.below else item


def program_path(path: tuple[str, ...], destination_type: object) -> tuple[str, ...]:
    """Return the path of a property as programs see it, for one in the API's names."""
    head, *rest = path
    if head == DESTINATION_TYPE:
        return (DESTINATION,)
    if head != DESTINATION_CONFIG:
        return _translated((head, *rest), PROPERTY_NAMES)
    if destination_type not in DESTINATION_NAMES:
        return (DESTINATION, *rest)
    kind = str(destination_type)
    return (DESTINATION, camel_case(kind), *_translated(tuple(rest), DESTINATION_NAMES[kind]))


def _translated(path: tuple[str, ...], names: Names | None) -> tuple[str, ...]:
    if not path or names is None:
        return path
    head, *rest = path
    return (names.program(head), *_translated(tuple(rest), names.below.get(head)))


def write_path(path: tuple[str, ...]) -> str:
    """Return a path as the engine and people write it: `destination.postgres.url`, `transforms["my table"]`."""
    text = ""
    for key in path:
        if key.isdigit():
            text += f"[{key}]"
        elif re.fullmatch(r"[A-Za-z_$][\w$]*", key):
            text += f".{key}" if text else key
        else:
            text += '["{}"]'.format(key.replace("\\", "\\\\").replace('"', '\\"'))
    return text


_API_WORDS: Final = {
    name: camel_case(name)
    for name in (
        *INPUTS,
        *OUTPUTS,
        *DESTINATIONS,
        *(row.name for kind in DESTINATIONS.values() for field in kind.fields for row in (field, *field.fields)),
    )
    if "_" in name
} | {DESTINATION_TYPE: DESTINATION, DESTINATION_CONFIG: DESTINATION}

_API_WORD: Final = re.compile(rf"(?<![\w-])({'|'.join(sorted(_API_WORDS, key=len, reverse=True))})(?![\w-])")


def in_program_words(text: str, destination_type: object = None) -> str:
    """Return a message of the verbs with the names of properties as programs see them."""
    kind = camel_case(str(destination_type)) + "." if destination_type in DESTINATION_NAMES else ""
    text = text.replace(f"{DESTINATION_CONFIG}.", f"{DESTINATION}.{kind}")
    return _API_WORD.sub(lambda found: _API_WORDS[found[1]], text)

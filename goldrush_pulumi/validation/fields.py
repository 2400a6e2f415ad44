"""How one field of a destination is described: the columns of the destination table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "url", "brokers", "integer", "texts", "text_map", "object"]
"""Shape of a value: `texts` is a list of texts, `text_map` a map of texts, `object` a map with its own fields."""


@dataclass(frozen=True)
class Field:
    """One field of a `destination_config`.

    Attributes:
        name: The API's own name.
        kind: Shape of the value.
        description: What the field is for, with its unit.
        required: Whether the API documents it as required in every case.
        secret: Whether its value (for a map: each value in it) is a credential.
        default: What the service documents it uses when the field is left out. Informative: it is never filled in.
        choices: The documented values of a text or of the texts in a list; empty means any.
        minimum: Least integer; never negative, for all of them count something.
        maximum: Greatest integer, if there is one.
        schemes: How a URL may begin.
        fields: Fields of a nested object.
    """

    name: str
    kind: Kind
    description: str
    required: bool = False
    secret: bool = False
    default: str | int | tuple[str, ...] | None = None
    choices: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int | None = None
    schemes: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()

    @property
    def holds_secrets(self) -> bool:
        """Whether the field, or a field nested in it, is a credential."""
        return self.secret or any(field.holds_secrets for field in self.fields)


@dataclass(frozen=True)
class Destination:
    """One kind of destination.

    Attributes:
        type: Value of `destination_type` and of `destination_config.type`.
        title: Its name in a sentence.
        description: What it does with the records.
        fields: Fields of its `destination_config`, without `type`.
    """

    type: str
    title: str
    description: str
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field | None:
        """Look a field up by its name."""
        return find_field(self.fields, name)


def find_field(fields: tuple[Field, ...], name: str) -> Field | None:
    """Look a field up by its name, or answer None."""
    return next((field for field in fields if field.name == name), None)

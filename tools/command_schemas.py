"""The JSON Schemas of what commands print with `--json`, made from the models of the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter

from goldrush_pulumi.cli.json_models import OUTPUTS

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER: Final = Path(__file__).resolve().parents[1] / "schemas" / "cli"

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema_files() -> dict[Path, str]:
    """Return the text of each schema file by its path."""
    return {FOLDER / f"{name}.schema.json": f"{json.dumps(_schema(name), indent=2)}\n" for name in OUTPUTS}


def _schema(command: str) -> Mapping[str, Any]:
    schema = TypeAdapter(OUTPUTS[command]).json_schema(mode="serialization")
    return {"$schema": _DIALECT, "title": f"goldrush-pulumi {command} --json", **_open(schema)}


def _open(schema: Any) -> Any:
    """Return a schema that accepts fields of later versions, without the titles that pydantic makes from names."""
    if isinstance(schema, dict):
        return {key: _open(item) for key, item in schema.items() if not _is_left_out(key, item)}
    return [_open(item) for item in schema] if isinstance(schema, list) else schema


def _is_left_out(key: str, value: object) -> bool:
    # A property may be called "title"; its value is then a schema.
    return (key == "title" and isinstance(value, str)) or (key == "additionalProperties" and isinstance(value, bool))

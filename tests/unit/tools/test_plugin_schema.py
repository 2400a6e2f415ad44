from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.plugin.names import PROPERTY_NAMES, camel_case, to_api
from goldrush_pulumi.schema.destinations import DESTINATIONS
from goldrush_pulumi.schema.pipeline import INPUTS, OUTPUTS
from goldrush_pulumi.schema.wire import PIPELINE_TYPE, PLUGIN_PIPELINE_TYPE
from goldrush_pulumi.settings import SETTING_NAMES
from tools.plugin_schema import SCHEMA_FILE, package_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA: dict[str, Any] = package_schema()
PIPELINE: dict[str, Any] = SCHEMA["resources"][PLUGIN_PIPELINE_TYPE]


def described(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every property in the schema with its path."""
    if isinstance(node, dict):
        for key, item in node.items():
            if key in {"properties", "inputProperties", "variables"}:
                yield from ((f"{path}.{name}", item[name]) for name in item)
            yield from described(item, f"{path}.{key}")


def test_the_file_is_in_step() -> None:
    """`make reference` writes what GetSchema serves."""
    assert json.loads(SCHEMA_FILE.read_text("utf-8")) == SCHEMA


def test_every_property_says_what_it_is_for() -> None:
    """Editors show a description of each, which names no property by the API's spelling."""
    texts = {path: item.get("description", "") for path, item in described(SCHEMA)}

    assert [path for path, text in texts.items() if not re.fullmatch(r"[A-Z`][^\n]*\.", text)] == []
    spellings = [name for name in (*INPUTS, *OUTPUTS) if "_" in name]
    assert [path for path, text in texts.items() if any(re.search(rf"\b{name}\b", text) for name in spellings)] == []


def test_all_references_lead_somewhere() -> None:
    """A type that is named is defined."""
    named = set(re.findall(r'"#/types/([^"]+)"', json.dumps(SCHEMA)))

    assert named - set(SCHEMA["types"]) == set()
    assert set(SCHEMA["types"]) - named == set()


def test_every_row_is_a_property() -> None:
    """Inputs, outputs, destinations and settings are all there, under names that lead back to their own."""
    inputs = set(to_api(PIPELINE["inputProperties"], PROPERTY_NAMES)) - {"destination"}

    assert inputs == set(INPUTS) - {"destination_type", "destination_config"}
    assert set(OUTPUTS) <= set(to_api(PIPELINE["properties"], PROPERTY_NAMES))
    assert list(SCHEMA["types"]["goldrush:index:Destination"]["properties"]) == list(map(camel_case, DESTINATIONS))
    assert tuple(SCHEMA["provider"]["inputProperties"]) == tuple(SCHEMA["config"]["variables"]) == SETTING_NAMES


def test_what_a_change_means_is_said() -> None:
    """Inputs that GoldRush cannot change replace; the type of the destination does too, which the plugin decides."""
    replacing = {name for name, item in PIPELINE["inputProperties"].items() if item.get("replaceOnChanges")}

    assert replacing == {"project", "topic", "executionMode"}
    assert "Another type replaces" in PIPELINE["inputProperties"]["destination"]["description"]


def test_credentials_are_secrets() -> None:
    """Each field that is a credential says so, and the ServiceKey does."""
    assert SCHEMA["provider"]["inputProperties"]["serviceKey"]["secret"] is True
    for kind in DESTINATIONS.values():
        fields = SCHEMA["types"][f"goldrush:index:{kind.class_name}"]["properties"]
        assert {row.name for row in kind.fields if row.secret} == {
            row.name for row in kind.fields if fields[camel_case(row.name)].get("secret")
        }


def test_enum_values_have_names() -> None:
    """Go would spell a value without a name in capitals, and has no word for an empty one."""
    values = [value for item in SCHEMA["types"].values() for value in item.get("enum", [])]

    assert values
    assert [value for value in values if not re.fullmatch(r"[A-Z][A-Za-z0-9]*", value["name"])] == []


def test_state_of_the_dynamic_provider_is_found() -> None:
    """The alias is what moves a stack over."""
    assert PIPELINE["aliases"] == [{"type": PIPELINE_TYPE}]

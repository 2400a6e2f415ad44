from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.plugin.fake_engine import Line
from tests.plugin.wire import UNKNOWN, urn

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.plugin.harness import Plugin
    from tests.plugin.wire import RawResponse

TELL = {"does": "tell request"}


def test_the_request_names_its_resource(lab: Plugin) -> None:
    """The name is read from the URN, parents and names with colons included."""
    request = lab.create("base::swaps", TELL).properties["request"]
    assert request["urn"] == urn("base::swaps")
    assert request["resource_name"] == "base::swaps"


@pytest.mark.parametrize("timeout_seconds", [42.0, 0.5])
def test_a_custom_timeout_arrives(lab: Plugin, timeout_seconds: float) -> None:
    """The engine's number of seconds reaches create and update."""
    created = lab.create("swaps", TELL, timeout_seconds=timeout_seconds)
    updated = lab.update("swaps", "lab-1", TELL, TELL, timeout_seconds=timeout_seconds)
    assert created.properties["request"]["timeout_seconds"] == timeout_seconds
    assert updated.properties["request"]["timeout_seconds"] == timeout_seconds


def test_no_custom_timeout_is_none(lab: Plugin) -> None:
    """The engine's zero means that the user set none; a null does not travel, so the key is absent or null."""
    assert lab.create("swaps", TELL).properties["request"].get("timeout_seconds") is None


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda plugin: plugin.create("swaps", TELL), {}),
        (lambda plugin: plugin.update("swaps", "lab-1", TELL, TELL, old_inputs={"topic": "old"}), {"topic": "old"}),
        (lambda plugin: plugin.read("swaps", "lab-1", TELL, {"topic": "recorded"}), {"topic": "recorded"}),
    ],
    ids=["create", "update", "read"],
)
def test_recorded_inputs_arrive(lab: Plugin, call: Callable[[Plugin], RawResponse], expected: dict[str, Any]) -> None:
    """Update sees the old inputs, read the recorded ones, create none; the SDK's own key is taken off."""
    assert call(lab).properties["request"]["inputs"] == expected


def test_status_and_warning_reach_the_resources_row(lab: Plugin) -> None:
    """A status line is ephemeral, a warning is not; both name the resource."""
    lab.create("talkative", {"does": "say"})
    lines = [line for line in lab.engine.lines if line.urn == urn("talkative")]
    assert lines == [
        Line("INFO", "DEPLOYING, ready 0 of 1", urn("talkative"), ephemeral=True),
        Line("WARNING", "this takes long", urn("talkative"), ephemeral=False),
    ]


def test_unknown_values_are_recognised(lab: Plugin) -> None:
    """Unknowns of a preview are found at any depth; only a value that is itself one counts as unknown."""
    news = {
        "does": "find unknowns",
        "direct": UNKNOWN,
        "in_map": {"deep": {"er": UNKNOWN}},
        "in_list": ["known", [UNKNOWN]],
        "known": {"text": "x", "list": [1, None, True]},
    }
    nested, direct = lab.check("swaps", news).failures
    assert set(nested[1].split(",")) == {"direct", "in_map", "in_list"}
    assert direct[1] == "direct"


def test_unknown_values_travel_back(lab: Plugin) -> None:
    """Check returns unknowns as unknowns."""
    news = {"does": "succeed", "unknown": UNKNOWN, "nested": {"list": [UNKNOWN]}}
    assert lab.check("swaps", news).inputs == news

"""The log of requests of a real provider process: it reaches the engine only when a user asks, and holds no secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.plugin import pipelines, resource_plugin
from tests.plugin.bookkeeper import Resource
from tests.plugin.pipelines import PLANTED

if TYPE_CHECKING:
    from types import ModuleType

    from goldrush_pulumi.emulator import Emulator

pytestmark = [
    pytest.mark.traced,
    pytest.mark.parametrize("front_end", [pipelines, resource_plugin], ids=["dynamic", "plugin"]),
]


def test_debug_shows_requests(emulator: Emulator, front_end: ModuleType) -> None:
    """With GOLDRUSH_PULUMI_DEBUG=1 each call is a line for `pulumi up --debug`, without key and credentials."""
    with front_end.start(emulator, env={"GOLDRUSH_PULUMI_DEBUG": "1"}) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(front_end.program("webhook"))
        lines = plugin.engine.wait_for(lambda lines: any("/status/" in line.text for line in lines))
    found = [line for line in lines if line.severity == "DEBUG"]
    assert any(line.text.startswith("POST /platform/pipeline-api/: 201, tries: 1, ") for line in found)
    assert {line.urn.rpartition("::")[2] for line in found} == {"swaps"}
    text = "\n".join(line.text for line in lines)
    assert PLANTED not in text
    assert emulator.service_key not in text


def test_nothing_is_shown_unasked(emulator: Emulator, front_end: ModuleType) -> None:
    """Without it no line costs a call to the engine."""
    with front_end.start(emulator) as plugin:
        Resource(plugin).up(front_end.program("webhook"))
        assert [line for line in plugin.engine.lines if line.severity == "DEBUG"] == []

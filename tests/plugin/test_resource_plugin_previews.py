from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.plugin.bookkeeper import Resource, as_sent
from tests.plugin.pipelines import leaks
from tests.plugin.resource_plugin import destination, program, secret, start
from tests.plugin.wire import UNKNOWN

if TYPE_CHECKING:
    from goldrush_pulumi.emulator import Emulator

pytestmark = pytest.mark.traced


def test_a_preview_knows_what_can_be_known(emulator: Emulator) -> None:
    """Outputs echo the inputs, the version is known, and the rest is unknown; nothing is sent."""
    with start(emulator) as plugin:
        checked = plugin.check("swaps", program()).inputs
        planned = plugin.preview_create("swaps", checked)
        assert leaks(planned) == []
        assert as_sent(planned)["destination"] == program()["destination"]
        assert planned["phase"] == planned["uid"] == UNKNOWN
        assert emulator.requests() == []
        pipeline = Resource(plugin)
        pipeline.up(program())
        assert planned["configVersion"] == pipeline.outputs["configVersion"]
        emulator.clear_requests()
        changed = pipeline.check(program(description="changed"))
        planned = plugin.preview_update("swaps", pipeline.id, pipeline.outputs, changed)
        assert (planned["description"], planned["createdAt"]) == ("changed", pipeline.outputs["createdAt"])
        assert planned["phase"] == UNKNOWN
        assert planned["configVersion"] != pipeline.outputs["configVersion"]
    assert emulator.requests() == []


def test_unknown_values_pass_a_preview(emulator: Emulator) -> None:
    """Any part of the inputs may be an output of a resource that does not exist yet, the whole destination too."""
    unknown = secret(UNKNOWN)
    with start(emulator) as plugin:
        for declared in (
            program(description=UNKNOWN, transforms=UNKNOWN, executionStartFrom=UNKNOWN),
            program(destination=destination("postgres", password=unknown, url=UNKNOWN)),
            program(destination={"postgres": UNKNOWN}),
            program(destination=UNKNOWN),
            program(destination=unknown),
        ):
            checked = plugin.check("swaps", declared)
            assert checked.failures == ()
            planned = plugin.preview_create("swaps", checked.inputs)
            assert as_sent(planned)["destination"] == as_sent(declared)["destination"]
        assert planned["configVersion"] == UNKNOWN
    assert emulator.requests() == []


def test_imports_and_look_ups_by_id(emulator: Emulator) -> None:
    """A pipeline that no program made reads whole but for its credentials, and giving those is the only change."""
    with start(emulator) as plugin:
        Resource(plugin, "made").up(program(description="mine", executionStartFrom=1))
    (held,) = emulator.pipelines()
    emulator.clear_requests()
    with start(emulator) as plugin:
        imported = Resource(plugin, "imported", id=held["id"])
        imported.refresh()
        assert imported.inputs["description"] == "mine"
        assert "password" not in imported.inputs["destination"]["postgres"]
        assert imported.inputs["destination"]["postgres"]["user"] == "goldrush"
        assert imported.inputs["executionStartFrom"] == 1
        # The engine checks what was read before it writes a program from it.
        assert plugin.check("imported", imported.inputs, imported.inputs).failures == ()
        warned = "".join(line.text for line in plugin.engine.lines if line.severity == "WARNING")
        declared = program(name="made", description="mine", executionStartFrom=1)
        changes = imported.diff(imported.check(declared)).raw.detailedDiff
    assert set(changes) == {"destination.postgres.password"}
    assert "destination.postgres.password: is not known, because GoldRush shows no credentials" in warned
    assert {request.method for request in emulator.requests()} == {"GET"}

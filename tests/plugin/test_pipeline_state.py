from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pulumi.dynamic.dynamic import serialize_provider

from goldrush_pulumi.provider import make_provider
from tests.plugin.bookkeeper import Resource
from tests.plugin.pipelines import program, start

if TYPE_CHECKING:
    from pathlib import Path

    from goldrush_pulumi.emulator import Emulator

PINNED = {
    "3.13 and older": "gASVMQAAAAAAAACMGGdvbGRydXNoX3B1bHVtaS5wcm92aWRlcpSMDW1ha2VfcHJvdmlkZXKUk5QpUpQu",
    # Python 3.14 pickles by a later protocol: what it wrote to state has to be read by every other one.
    "3.14": "gAWVMQAAAAAAAACMGGdvbGRydXNoX3B1bHVtaS5wcm92aWRlcpSMDW1ha2VfcHJvdmlkZXKUk5QpUpQu",
}
"""What state holds in `__provider` of every pipeline that was ever deployed, by the Python that wrote it."""


def test_the_provider_in_state_stays_what_it_was() -> None:
    """New resources carry the very string that old ones have: another would change every pipeline of a stack."""
    assert serialize_provider(make_provider()) in PINNED.values()


@pytest.mark.parametrize("writer", PINNED)
def test_every_verb_works_on_what_an_older_process_recorded(emulator: Emulator, sdk_python: Path, writer: str) -> None:
    """A literal string out of an old state leads all six verbs to the code of today."""
    with start(emulator, sdk_python, provider=PINNED[writer]) as plugin:
        pipeline = Resource(plugin)
        assert pipeline.up(program()) == "create"
        pipeline.refresh()
        assert pipeline.up(program(description="changed")) == "update"
        assert pipeline.up(program(description="changed")) == "same"
        pipeline.destroy()
    assert emulator.pipelines() == []


def test_strings_of_two_writers_serve_one_stack(emulator: Emulator) -> None:
    """After a change of Python, old records are read and deleted by the old string while new ones carry the new."""
    with start(emulator, provider=PINNED["3.13 and older"]) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program())
        plugin.provider = PINNED["3.14"]
        pipeline.refresh()
        assert pipeline.up(program()) == "same"
        assert pipeline.up(program(description="changed")) == "update"
        plugin.provider = PINNED["3.13 and older"]
        pipeline.destroy()
    assert emulator.pipelines() == []


def test_state_without_bookkeeping_still_works(emulator: Emulator) -> None:
    """Outputs of an earlier form, without runs, reports and fingerprint, are refreshed, updated and deleted."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program())
        pipeline.outputs = {name: pipeline.outputs[name] for name in pipeline.inputs if name in pipeline.outputs}
        assert pipeline.up(program()) == "same"
        assert pipeline.up(program(description="changed")) == "update"
        pipeline.outputs = {name: pipeline.outputs[name] for name in pipeline.inputs if name in pipeline.outputs}
        pipeline.refresh()
        assert pipeline.clear["phase"] == "RUNNING"
        pipeline.destroy()
    assert emulator.pipelines() == []

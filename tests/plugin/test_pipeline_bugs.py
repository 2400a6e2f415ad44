from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from pulumi.dynamic.dynamic import serialize_provider

from tests.plugin.bookkeeper import Resource, as_sent
from tests.plugin.broken_pipelines import BROKEN_VARIABLE, BrokenProvider
from tests.plugin.pipelines import leaks, program, start
from tests.plugin.wire import VerbError

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldrush_pulumi.emulator import Emulator
    from tests.plugin.harness import Plugin

FAILURES = ("exit", "recursion", "memory", "bug")
AFTER_POST = [*(f"rollout: {failure}" for failure in FAILURES), "diagnosis: bug", "outputs: bug", "marking: bug"]


def start_broken(emulator: Emulator, broken: str) -> Plugin:
    return start(emulator, sys.executable, provider=serialize_provider(BrokenProvider()), env={BROKEN_VARIABLE: broken})


def catch(verb: Callable[[], object]) -> VerbError:
    with pytest.raises(VerbError) as caught:
        verb()
    assert caught.value.text
    assert leaks(caught.value.text) == []
    assert "Traceback" not in caught.value.text
    return caught.value


@pytest.mark.parametrize("broken", AFTER_POST)
def test_a_bug_after_the_post_loses_no_pipeline(emulator: Emulator, broken: str) -> None:
    """Whatever breaks once the pipeline exists, it is recorded with its id, and a sound provider goes on with it."""
    if broken.startswith("diagnosis"):
        emulator.script(outcome="FAILED")
    with start_broken(emulator, broken) as plugin:
        pipeline = Resource(plugin)
        error = catch(lambda: pipeline.up(program()))
        assert error.partial is not None
        assert "internal error" in error.text
        assert pipeline.id == emulator.pipelines()[0]["id"]
    with start(emulator) as plugin:
        pipeline.plugin = plugin
        assert pipeline.up(program()) == "update"
        pipeline.refresh()
        assert pipeline.up(program()) == "same"
        pipeline.destroy()
    assert [request.method for request in emulator.requests()].count("POST") == 1
    assert emulator.pipelines() == []


@pytest.mark.parametrize("failure", FAILURES)
def test_a_bug_before_the_post_is_a_clean_error(emulator: Emulator, failure: str) -> None:
    """Nothing was sent, so nothing is recorded; the process goes on serving."""
    with start_broken(emulator, f"submission: {failure}") as plugin:
        pipeline = Resource(plugin)
        error = catch(lambda: pipeline.up(program()))
        assert error.partial is None
        assert "create Pipeline swaps: internal error" in error.text
        assert pipeline.check(program())
    assert emulator.pipelines() == []


@pytest.mark.parametrize("broken", ["rollout: exit", "rollout: recursion", "outputs: bug", "marking: bug"])
def test_a_bug_after_the_patch_is_mended_by_the_next_up(emulator: Emulator, broken: str) -> None:
    """An update that breaks after its PATCH was taken never leaves a state that claims to be clean."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program())
    with start_broken(emulator, broken) as plugin:
        pipeline.plugin = plugin
        error = catch(lambda: pipeline.up(program(description="changed")))
        assert error.partial is not None
    with start(emulator) as plugin:
        pipeline.plugin = plugin
        assert pipeline.up(program(description="changed")) == "update"
        assert pipeline.up(program(description="changed")) == "same"
        assert pipeline.clear["description"] == "changed"


@pytest.mark.parametrize("broken", ["reading: exit", "reading: bug"])
def test_a_bug_while_reading_changes_nothing(emulator: Emulator, broken: str) -> None:
    """A refresh that breaks is an error without a partial result: what is on record stays."""
    with start(emulator) as plugin:
        pipeline = Resource(plugin)
        pipeline.up(program())
    with start_broken(emulator, broken) as plugin:
        read = lambda: plugin.read("swaps", pipeline.id, pipeline.clear, as_sent(pipeline.inputs))  # noqa: E731
        assert catch(read).partial is None

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import grpc
import pytest

from goldrush_pulumi import engine
from tests.plugin.harness import Plugin
from tests.plugin.lab_provider import PLANTED, LabProvider
from tests.plugin.wire import RawResponse, VerbError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.traced

VERBS = ("check", "diff", "create", "read", "update", "delete")


def call(plugin: Plugin, verb: str, behaviour: str) -> RawResponse:
    properties = {"does": behaviour}
    calls: dict[str, Callable[[], RawResponse]] = {
        "check": lambda: plugin.check("swaps", properties),
        "diff": lambda: plugin.diff("swaps", "lab-1", properties, properties),
        "create": lambda: plugin.create("swaps", properties),
        "read": lambda: plugin.read("swaps", "lab-1", properties, properties),
        "update": lambda: plugin.update("swaps", "lab-1", properties, properties),
        "delete": lambda: plugin.delete("swaps", "lab-1", properties),
    }
    return calls[verb]()


def fail(plugin: Plugin, verb: str, behaviour: str) -> VerbError:
    with pytest.raises(VerbError) as caught:
        call(plugin, verb, behaviour)
    return caught.value


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_that_succeeds_is_left_alone(lab: Plugin, verb: str) -> None:
    """The wrapper changes nothing about a verb that returns."""
    reply = call(lab, verb, "succeed")
    expected = {"check": reply.inputs, "create": reply.properties, "read": reply.properties, "update": reply.properties}
    assert expected.get(verb, {"does": "succeed"}) == {"does": "succeed"}
    assert reply.changes == ("DIFF_SOME" if verb == "diff" else "")


@pytest.mark.parametrize("verb", VERBS)
def test_a_user_error_arrives_exactly_as_written(lab: Plugin, verb: str) -> None:
    """Every verb shows a UserError's text, all lines of it and nothing else."""
    error = fail(lab, verb, "fail for user")
    assert error.text == "pipeline base-swaps: the topic is gone\nchoose another one"
    assert error.partial is None


@pytest.mark.parametrize("verb", VERBS)
def test_the_trailer_agrees_with_the_status(lab: Plugin, verb: str) -> None:
    """Status and trailer both say UNKNOWN, else the engine's gRPC library throws the trailer away."""
    error = fail(lab, verb, "fail for user")
    assert error.code is grpc.StatusCode.UNKNOWN
    assert error.status is not None
    assert error.status.code == grpc.StatusCode.UNKNOWN.value[0]


@pytest.mark.parametrize("verb", ["create", "update", "read"])
def test_a_partial_result_is_whole(lab: Plugin, verb: str) -> None:
    """InitFailed sends id, outputs, reasons and the pickled provider, without which nothing could be deleted."""
    error = fail(lab, verb, "fail partly")
    assert error.text == "is FAILED\nfix the cause"
    assert error.partial is not None
    assert error.partial.id == "lab-1"
    assert error.partial.reasons == ("is FAILED", "fix the cause")
    assert error.partial.has_provider
    assert error.partial.properties["does"] == "fail partly"


@pytest.mark.parametrize("verb", ["create", "update", "read"])
def test_a_partial_result_that_is_too_large_is_recorded_without_its_largest_properties(lab: Plugin, verb: str) -> None:
    """17 MB are more than the engine takes: what fits is recorded, and a reason names what was left out."""
    error = fail(lab, verb, "fail partly at length")

    assert error.partial is not None
    assert error.partial.id == "lab-1"
    assert error.partial.has_provider
    assert error.partial.properties["small"] == "kept"
    assert "abi" not in error.partial.properties
    assert error.partial.reasons[0] == "is FAILED"
    assert error.partial.reasons[1].startswith("abi is too large to be recorded")


@pytest.mark.parametrize("verb", ["create", "update", "read"])
def test_a_secret_stays_marked_in_a_partial_result(lab: Plugin, verb: str) -> None:
    """A marked leaf leaves the process with its mark, so the engine encrypts it."""
    error = fail(lab, verb, "fail partly")
    assert error.partial is not None
    assert error.partial.properties["nested"] == {"token": engine.secret(PLANTED)}
    assert PLANTED not in error.details


def test_a_partial_read_keeps_the_recorded_inputs(lab: Plugin) -> None:
    """Without inputs of its own, a partial read sends back those on record; sent without any, they would be lost."""
    with pytest.raises(VerbError) as caught:
        lab.read("swaps", "lab-1", {"does": "fail partly"}, {"does": "fail partly", "kept": ["as", "written"]})
    assert caught.value.partial is not None
    assert caught.value.partial.inputs == {"does": "fail partly", "kept": ["as", "written"]}
    assert caught.value.partial.has_provider


def test_a_partial_read_can_change_the_inputs(lab: Plugin) -> None:
    """Inputs given to InitFailed take the place of the recorded ones."""
    with pytest.raises(VerbError) as caught:
        lab.read("swaps", "lab-1", {"does": "fail partly", "new_inputs": {"topic": "drifted"}}, {"topic": "old"})
    assert caught.value.partial is not None
    assert caught.value.partial.inputs == {"topic": "drifted"}


@pytest.mark.parametrize("verb", ["create", "update"])
def test_a_partial_change_says_nothing_of_inputs(lab: Plugin, verb: str) -> None:
    """After a partial create or update the engine decides which inputs to record."""
    error = fail(lab, verb, "fail partly")
    assert error.partial is not None
    assert error.partial.inputs is None


@pytest.mark.parametrize("verb", ["check", "diff", "delete"])
def test_a_verb_without_partial_results_still_says_the_reasons(lab: Plugin, verb: str) -> None:
    """InitFailed from a verb that cannot be partial is a plain, clean error."""
    error = fail(lab, verb, "fail partly")
    assert error.text == "is FAILED\nfix the cause"
    assert error.partial is None


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        ("have a bug", "ValueError"),
        ("exit", "SystemExit"),
        ("interrupt", "KeyboardInterrupt"),
        ("recurse", "RecursionError"),
    ],
)
def test_a_bug_is_one_line_that_names_its_place(lab: Plugin, verb: str, behaviour: str, kind: str) -> None:
    """Whatever escapes is answered, with the place of the bug and without the exception's own text."""
    error = fail(lab, verb, behaviour)
    assert re.fullmatch(
        rf"{verb} Pipeline swaps: internal error {kind} in tests\.plugin\.lab_provider:\d+, please report it "
        r"\(GOLDRUSH_PULUMI_DEBUG=1 shows the traceback\)",
        error.text,
    )
    assert PLANTED not in error.text + error.details


def test_the_process_serves_on_after_bugs(lab: Plugin) -> None:
    """An exit or an endless recursion costs its own verb, not the process."""
    for behaviour in ("exit", "recurse", "interrupt") * 4:
        fail(lab, "create", behaviour)
    assert lab.create("swaps", {"does": "succeed"}).id == "lab-1"


def test_debug_shows_the_frames_but_no_values(sdk_python: Path) -> None:
    """With GOLDRUSH_PULUMI_DEBUG=1 the traceback of the bug and its cause are there, without their texts."""
    with Plugin(provider=LabProvider(), interpreter=sdk_python, env={"GOLDRUSH_PULUMI_DEBUG": "1"}) as plugin:
        text = fail(plugin, "create", "have a bug").text
        assert fail(plugin, "create", "fail for user").text.endswith("choose another one")
    assert "ValueError" in text
    assert "KeyError" in text
    assert "in _have_a_bug" in text
    assert PLANTED not in text


@pytest.mark.parametrize("verb", ["create", "update", "read"])
def test_outputs_that_cannot_be_sent_do_not_cost_the_resource(lab: Plugin, verb: str) -> None:
    """A bug in one output is named; the resource is recorded with all others and no value is shown."""
    error = fail(lab, verb, "return what cannot be sent")
    assert error.text == f"{verb} Pipeline swaps: internal error: broken cannot be recorded, please report it"
    assert error.partial is not None
    assert error.partial.id == "lab-1"
    assert error.partial.properties == {"does": "return what cannot be sent"}
    assert PLANTED not in error.text + error.details


def test_inputs_that_cannot_be_sent_are_named(lab: Plugin) -> None:
    """Check has no partial result: its error names the input and shows no value."""
    error = fail(lab, "check", "return what cannot be sent")
    assert error.text == "check Pipeline swaps: internal error: broken cannot be recorded, please report it"
    assert PLANTED not in error.details


def test_a_partial_result_with_a_bug_keeps_its_reasons(lab: Plugin) -> None:
    """What cannot be sent is left out of a partial result and said after the reasons proper."""
    error = fail(lab, "create", "fail partly with a bug")
    assert error.partial is not None
    assert error.partial.reasons == (
        "is FAILED",
        "create Pipeline swaps: internal error: broken cannot be recorded, please report it",
    )
    assert error.partial.properties == {"does": "fail partly with a bug"}


def test_nothing_is_printed(sdk_python: Path) -> None:
    """Neither success nor failure of any kind writes to stdout or stderr, which the CLI would show."""
    with Plugin(provider=LabProvider(), interpreter=sdk_python) as plugin:
        call(plugin, "create", "say")
        for behaviour in ("fail for user", "fail partly", "have a bug", "exit", "recurse"):
            fail(plugin, "create", behaviour)
    assert plugin.printed == ""

"""What operations make of rare answers: refusals of another kind, numbers as text, and ids that lead nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi import verbs
from goldrush_pulumi.api import InvalidRequest
from goldrush_pulumi.operations.context import AbsenceUnproven
from goldrush_pulumi.operations.diff import drifted_fields, uncleared_fields
from goldrush_pulumi.operations.errors import UserError
from goldrush_pulumi.operations.update import submit_change
from tests.support.account import TAG, context_of
from tests.support.client import ScriptedClient
from tests.support.pipelines import PIPELINE_ID, POSTGRES, inputs_of, response_to, spec_of

if TYPE_CHECKING:
    from tests.support.account import Account


# --- A tagged description ---------------------------------------------------------------------------------------------


def refused(text: str) -> InvalidRequest:
    return InvalidRequest("update pipeline", "rejected by GoldRush (422)", status=422, server_message=text)


def test_a_refusal_of_something_else_is_not_blamed_on_the_tag() -> None:
    """A change that is refused for another field is reported, and not sent again without the tag."""
    client = ScriptedClient(update=[refused("topic: field cannot change")])

    with pytest.raises(InvalidRequest, match="topic"):
        submit_change(context_of(client, tag=TAG), spec_of(description="b"), PIPELINE_ID, ("description",))

    assert len(client.changes) == 1


def test_a_description_that_has_no_room_for_the_tag_goes_without() -> None:
    """A server that refuses the description gets the user's own words, with a warning that the tag is missing."""
    warnings: list[str] = []
    spec = spec_of(description="b")
    client = ScriptedClient(update=[refused("description: too long"), response_to(spec.inputs)])

    submit_change(context_of(client, tag=TAG, warn=warnings.append), spec, PIPELINE_ID, ("description",))

    (_, with_tag), (_, without) = client.changes
    assert with_tag["description"] == TAG.on("b")
    assert without["description"] == "b"
    assert len(warnings) == 1


# --- Settings that come back in another form --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "shown", "is_drift"),
    [("500", 500, False), (500, "500", False), ("500", 501, True), (500, "0500", True)],
    ids=["text declared", "text shown", "another number", "other digits"],
)
def test_a_number_may_come_back_as_its_digits(declared: object, shown: object, *, is_drift: bool) -> None:
    """A setting that reads the same as a number and as text is no drift, on whichever side the text stands."""
    inputs = inputs_of(destination_config={**POSTGRES, "batch_size": declared})
    pipeline = response_to(inputs)
    pipeline.destination_config["batch_size"] = shown

    assert drifted_fields(inputs, pipeline) == ("destination_config",) * is_drift


def test_what_was_empty_need_not_be_removed() -> None:
    """A setting that was empty before is not nulled, whatever the server shows in its place."""
    old = inputs_of(destination_config={**POSTGRES, "schema": ""})
    pipeline = response_to(old)
    pipeline.destination_config["schema"] = "public"

    assert uncleared_fields(("destination_config",), old, inputs_of(), pipeline) == {}


# --- Look-ups by id ---------------------------------------------------------------------------------------------------


def test_an_id_that_leads_nowhere_names_what_to_check(account: Account) -> None:
    """A look-up or an import by a wrong id says that the id, the key and the endpoint may be wrong."""
    with pytest.raises(UserError) as failed:
        verbs._look(account.process().context(), "pipe_nowhere", {}, {})

    assert str(failed.value) == (
        "read pipeline base-swaps: pipe_nowhere does not exist or is hidden from this ServiceKey; check the id, the key"
        " and goldrush:baseUrl"
    )


@pytest.mark.parametrize("known", [{"inputs": inputs_of()}, {"properties": {"__key_fingerprint": "another key's"}}])
def test_a_recorded_pipeline_is_not_given_up_for_a_wrong_key(known: dict[str, Any], account: Account) -> None:
    """Where state knows the pipeline, a 404 that another key gets is no proof that the pipeline is gone."""
    properties = known.get("properties", {})
    with pytest.raises(AbsenceUnproven, match="is not visible") as failed:
        verbs._look(account.process().context(), "pipe_nowhere", known.get("inputs", {}), properties)

    assert "check the id" not in str(failed.value)

"""Whose a pipeline is: the tag, the owners on record, the claims of a process, and proof that a 404 means "deleted"."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldrush_pulumi.api import Pipeline
from goldrush_pulumi.operations.context import AbsenceUnproven, make_fingerprint
from goldrush_pulumi.operations.diff import overlay
from goldrush_pulumi.operations.identity import (
    Claims,
    OwnershipTag,
    as_user_wrote,
    is_cut,
    is_foreign,
    is_tag_cut_on,
    key_fingerprint,
    recorded_owners,
    tag_owner,
    without_tag,
)
from goldrush_pulumi.schema.wire import KEY_FINGERPRINT, OWNER, OWNERSHIP_TAG, TAG_OWNER
from tests.support.account import context_of
from tests.support.client import ScriptedClient
from tests.support.pipelines import PIPELINE_ID, inputs_of, response_to

MINE, STRANGER = "0123456789abcdef" * 2, "fedcba9876543210" * 2
URN = "urn:pulumi:dev::shop::shop:index:Group$pulumi-python:dynamic/goldrush:Pipeline::swaps"
TAG = OwnershipTag.of(MINE, URN)
KEY, URL = "cqt_planted", "https://api.example.com/"
ONE, OTHER = "urn:pulumi:dev::shop::t::one", "urn:pulumi:dev::shop::t::other"

# --- The tag ----------------------------------------------------------------------------------------------------------

words = st.text(st.characters(min_codepoint=32, max_codepoint=0x24F, exclude_characters="[]"), max_size=80).map(
    str.strip
)


def test_tag_names_owner_and_resource() -> None:
    """Stack and project do not count, for they may be renamed; owner, component and name do."""
    assert OwnershipTag.of(MINE, URN.replace("dev::shop::", "prod::market::")) == TAG
    assert OwnershipTag.of(STRANGER, URN) != TAG
    assert OwnershipTag.of(MINE, URN.replace("Group$", "Team$")) != TAG
    assert OwnershipTag.of(MINE, URN.replace("::swaps", "::mints")) != TAG


@given(words)
def test_tag_comes_off_again(description: str) -> None:
    """A tagged description gives back its tag and, without it, the user's own words."""
    tagged = TAG.on(description)

    assert OwnershipTag.found_in(tagged) == TAG
    assert without_tag(tagged) == description
    assert as_user_wrote(description, tagged) == description


@given(words, st.integers(min_value=1, max_value=60))
def test_tag_cut_anywhere_is_no_change(description: str, lost: int) -> None:
    """A server that limits lengths may cut the tag at any place: the user still sees what they wrote."""
    tagged = TAG.on(description)
    cut = tagged[: max(len(tagged) - lost, len(description))].rstrip()

    assert as_user_wrote(description, cut) == description


@given(words)
def test_tags_of_others_are_hidden_too(description: str) -> None:
    """Whoever left the tag, users never see it."""
    assert as_user_wrote(description, OwnershipTag.of(STRANGER, URN).on(description)) == description


@given(words, words)
def test_edited_description_is_drift(wanted: str, edited: str) -> None:
    """What somebody wrote in the place of the user's words is drift, with the tag or without."""
    assert as_user_wrote(wanted, TAG.on(edited)).strip() in {edited, wanted}
    if edited != wanted and not is_cut(wanted, edited) and not is_tag_cut_on(wanted, edited):
        assert as_user_wrote(wanted, edited) == edited
        assert as_user_wrote(wanted, TAG.on(edited)) == edited


@pytest.mark.parametrize(
    ("held", "seen"),
    [
        (f"swaps {TAG} and more", "swaps and more"),
        (f"{TAG} swaps", " swaps"),
        ("swaps [pulumi:somebody edited this]", "swaps"),
        (f"swaps {TAG} {OwnershipTag.of(STRANGER, URN)}", "swaps"),
        ("swaps [pulumi:0123", "swaps"),
        ("swaps [pul", "swaps"),
        ("swaps", "swaps"),
        ("swaps [production]", "swaps [production]"),
    ],
)
def test_tags_edited_by_hand(held: str, seen: str) -> None:
    """A tag that was moved, edited, doubled, cut or removed by hand is still not part of the description."""
    assert as_user_wrote("swaps", held) == seen


def test_tag_is_never_drift() -> None:
    """What a refresh lays over the inputs has the user's own description in it."""
    inputs = inputs_of(description="Swaps on Base")

    for held in (TAG.on("Swaps on Base"), "Swaps on Base [pulu", "Swaps on Base"):
        assert overlay(inputs, response_to(inputs, description=held))["description"] == "Swaps on Base"


def test_tag_alone_is_no_description() -> None:
    """A pipeline without a description has nothing but the tag there, and shows no drift."""
    inputs = inputs_of()

    assert overlay(inputs, response_to(inputs, description=str(TAG)))["description"] == ""


def test_users_may_not_write_a_tag() -> None:
    """Each tag is what the check of descriptions refuses at their end."""
    assert OWNERSHIP_TAG.search(TAG.on("mine"))


# --- Owners on record -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outputs", "inputs", "owners"),
    [
        ({TAG_OWNER: MINE}, {"project": "p", OWNER: STRANGER}, {MINE, STRANGER}),
        ({}, {"project": "p", OWNER: MINE}, {MINE}),
        ({TAG_OWNER: MINE}, {}, {MINE}),
        ({}, {"project": "p"}, set()),
        ({}, {}, None),
    ],
)
def test_owners_on_record(outputs: dict[str, Any], inputs: dict[str, Any], owners: set[str] | None) -> None:
    """A record names the owner of its tag and that of its program; without visible inputs it cannot tell of none."""
    assert recorded_owners(outputs, inputs) == owners


@pytest.mark.parametrize(
    ("description", "owners", "foreign"),
    [
        (TAG.on("swaps"), {MINE}, False),
        (TAG.on("swaps"), {STRANGER, MINE}, False),
        (TAG.on("swaps"), {STRANGER}, True),
        (TAG.on("swaps"), set(), True),
        (TAG.on("swaps"), None, False),
        ("swaps", {STRANGER}, False),
        ("swaps", set(), False),
    ],
)
def test_foreign_is_the_tag_of_another_owner(description: str, owners: set[str] | None, foreign: bool) -> None:  # noqa: FBT001 - a table
    """A tag counts against a record that names other owners or none; an unknown record leaves it open."""
    assert is_foreign(description, owners) is foreign


def test_only_the_owner_of_a_known_tag_is_recorded() -> None:
    """Another stack's tag never becomes this one's record; without a tag the record stays."""
    assert tag_owner(TAG.on("swaps"), {MINE}, None) == MINE
    assert tag_owner(TAG.on("swaps"), {STRANGER}, STRANGER) == STRANGER
    assert tag_owner("swaps", {MINE}, MINE) == MINE
    assert tag_owner(TAG.on("swaps"), None, None) is None


# --- Claims -----------------------------------------------------------------------------------------------------------


def test_declared_resources_are_known() -> None:
    """A diff of a resource that no check declared comes from a refresh, and claims nothing."""
    claims = Claims()
    claims.declare(ONE)

    assert claims.is_declared(ONE)
    assert not claims.is_declared(OTHER)


def test_pipeline_is_taken_once() -> None:
    """Of two new resources that want the same pipeline, the second learns who has it; the first may ask again."""
    claims = Claims()

    assert claims.take("pipe_1", ONE) is None
    assert claims.take("pipe_1", OTHER) == ONE
    assert claims.take("pipe_1", ONE) is None
    assert claims.was_taken("pipe_1")


def test_pipeline_that_a_declared_resource_holds_cannot_be_taken() -> None:
    """A diff of a declared resource is a claim; a refresh or a look-up is none."""
    claims = Claims()
    claims.see("pipe_read")
    claims.hold("pipe_compared", ONE)

    assert claims.take("pipe_read", OTHER) is None
    assert claims.take("pipe_compared", OTHER) == ONE
    assert not claims.was_taken("pipe_compared")


def test_whatever_a_verb_works_on_is_seen() -> None:
    """A pipeline that was read, compared or taken has a record, so it is not an orphan."""
    claims = Claims()
    claims.see("pipe_read")
    claims.hold("pipe_compared", ONE)
    claims.take("pipe_taken", ONE)

    assert all(claims.has_seen(name) for name in ("pipe_read", "pipe_compared", "pipe_taken"))
    assert not claims.has_seen("pipe_other")


def test_two_records_of_one_pipeline_are_found() -> None:
    """Holding says which other resource has the pipeline, and the first holder stays the holder."""
    claims = Claims()

    assert claims.hold("pipe_1", ONE) is None
    assert claims.hold("pipe_1", ONE) is None
    assert claims.hold("pipe_1", OTHER) == ONE
    assert claims.other_holder("pipe_1", OTHER) == ONE
    assert claims.other_holder("pipe_1", ONE) is None


def test_deleted_pipeline_is_nobodys() -> None:
    """After a delete the id is remembered as deleted, and no resource has it."""
    claims = Claims()
    claims.hold("pipe_1", ONE)
    claims.note_deleted("pipe_1")

    assert claims.was_deleted("pipe_1")
    assert claims.other_holder("pipe_1", OTHER) is None


def test_planned_replacement_is_remembered() -> None:
    """A delete can look at what will be created next."""
    claims = Claims()
    claims.plan_replacement("pipe_1", {"project": "other"})

    assert claims.planned_replacement("pipe_1") == {"project": "other"}
    assert claims.planned_replacement("pipe_2") is None


def test_threads_race_for_one_pipeline() -> None:
    """However many threads ask at once, exactly one gets it, and all others learn who."""
    claims, start = Claims(), threading.Barrier(16)
    got: list[str | None] = []

    def ask(number: int) -> None:
        start.wait(30)
        got.append(claims.take("pipe_1", f"urn-{number}"))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert got.count(None) == 1
    assert len({*got} - {None}) == 1


# --- Proof of absence -------------------------------------------------------------------------------------------------


def test_fingerprint_names_key_endpoint_and_pipeline() -> None:
    """Twelve hex digits, the same for the same three, another when one of them changes, and none of them inside."""
    fingerprint = key_fingerprint(KEY, URL, PIPELINE_ID)

    assert len(fingerprint) == 12
    assert int(fingerprint, 16) >= 0
    assert fingerprint == make_fingerprint(KEY, URL)(PIPELINE_ID)
    others = {
        key_fingerprint("x", URL, PIPELINE_ID),
        key_fingerprint(KEY, "x", PIPELINE_ID),
        key_fingerprint(KEY, URL, "x"),
    }
    assert fingerprint not in others
    assert len(others) == 3
    assert len(key_fingerprint(KEY, URL, "x" * 1000)) == 12


def listed(*groups: str | None) -> list[Pipeline]:
    """A list of pipelines, one of each group."""
    found = [{"id": f"pipe_{number}", "group": group and {"id": group}} for number, group in enumerate(groups)]
    return [Pipeline.model_validate(item) for item in found]


@pytest.mark.parametrize(
    ("groups", "group_id", "key", "proven"),
    [
        ((), "grp_1", "now", True),
        (("grp_2", "grp_1"), "grp_1", "before", True),
        (("grp_2",), "grp_1", "before", False),
        ((), "grp_1", "before", False),
        ((None,), None, "before", False),
        (("",), "", "before", False),
        (("grp_1",), None, "before", False),
    ],
)
def test_absence_is_proven_by_the_key_or_the_group(
    groups: tuple[str | None, ...],
    group_id: str | None,
    key: str,
    proven: bool,  # noqa: FBT001
) -> None:
    """The key on record would see the pipeline, and so would one that sees another pipeline of its group."""
    context = context_of(ScriptedClient(list=[listed(*groups)]))
    outputs = {KEY_FINGERPRINT: f"fingerprint of {PIPELINE_ID}" if key == "now" else key, "group_id": group_id}

    if proven:
        context.require_absence("read", PIPELINE_ID, outputs)
    else:
        with pytest.raises(AbsenceUnproven):
            context.require_absence("read", PIPELINE_ID, outputs)


def test_group_that_shows_later_proves_absence() -> None:
    """A key that did not see the group a moment ago is asked again; that it does see it is believed for a while."""
    client = ScriptedClient(list=[listed(), listed("grp_1")])
    context = context_of(client)
    with pytest.raises(AbsenceUnproven):
        context.require_absence("read", PIPELINE_ID, {"group_id": "grp_1"})

    for _ in range(3):
        context.require_absence("read", PIPELINE_ID, {"group_id": "grp_1"})
    assert [call[0] for call in client.calls].count("list") == 2


def test_unproven_absence_is_refused() -> None:
    """The error names the verb and the pipeline, and says what to do in either case."""
    other_group = Pipeline.model_validate({"id": "pipe_0", "group": {"id": "grp_2"}})
    context = context_of(ScriptedClient(list=[[other_group]]))

    with pytest.raises(AbsenceUnproven) as refused:
        context.require_absence("delete", PIPELINE_ID, {"group_id": "grp_1"})

    text = str(refused.value)
    assert text.startswith(f"delete pipeline base-swaps: {PIPELINE_ID} is not visible")
    for hint in ("goldrush:baseUrl", "--run-program", "pulumi state delete", "nothing was changed"):
        assert hint in text

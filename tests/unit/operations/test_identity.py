from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldrush_pulumi.operations.diff import overlay
from goldrush_pulumi.operations.identity import OwnershipTag, as_user_wrote, is_cut, is_tag_cut_on, without_tag
from goldrush_pulumi.schema.wire import OWNERSHIP_TAG
from tests.support.pipelines import inputs_of, response_to

OWNER, STRANGER = "0123456789abcdef" * 2, "fedcba9876543210" * 2
URN = "urn:pulumi:dev::shop::shop:index:Group$pulumi-python:dynamic/goldrush:Pipeline::swaps"
MARK = OwnershipTag.of(OWNER, URN)

words = st.text(st.characters(min_codepoint=32, max_codepoint=0x24F, exclude_characters="[]"), max_size=80).map(
    str.strip
)


def test_a_mark_names_owner_and_resource() -> None:
    """Stack and project do not count, for they may be renamed; owner, component and name do."""
    assert OwnershipTag.of(OWNER, URN.replace("dev::shop::", "prod::market::")) == MARK
    assert OwnershipTag.of(STRANGER, URN) != MARK
    assert OwnershipTag.of(OWNER, URN.replace("Group$", "Team$")) != MARK
    assert OwnershipTag.of(OWNER, URN.replace("::swaps", "::mints")) != MARK


@given(words)
def test_what_is_put_on_comes_off(description: str) -> None:
    """A marked description gives back its mark and, without it, the user's own words."""
    marked = MARK.on(description)

    assert OwnershipTag.found_in(marked) == MARK
    assert without_tag(marked) == description
    assert as_user_wrote(description, marked) == description


@given(words, st.integers(min_value=1, max_value=60))
def test_a_cut_anywhere_in_the_mark_is_no_change(description: str, lost: int) -> None:
    """A server that limits lengths may cut the mark at any place: the user still sees what they wrote."""
    marked = MARK.on(description)
    cut = marked[: max(len(marked) - lost, len(description))].rstrip()

    assert as_user_wrote(description, cut) == description


@given(words)
def test_marks_of_others_are_hidden_too(description: str) -> None:
    """Whoever left the mark, users never see it."""
    assert as_user_wrote(description, OwnershipTag.of(STRANGER, URN).on(description)) == description


@given(words, words)
def test_an_edited_description_is_told(wanted: str, edited: str) -> None:
    """What somebody wrote in the place of the user's words is drift, with the mark or without."""
    assert as_user_wrote(wanted, MARK.on(edited)).strip() in {edited, wanted}
    if edited != wanted and not is_cut(wanted, edited) and not is_tag_cut_on(wanted, edited):
        assert as_user_wrote(wanted, edited) == edited
        assert as_user_wrote(wanted, MARK.on(edited)) == edited


@pytest.mark.parametrize(
    ("held", "seen"),
    [
        (f"swaps {MARK} and more", "swaps and more"),
        (f"{MARK} swaps", " swaps"),
        ("swaps [pulumi:somebody edited this]", "swaps"),
        (f"swaps {MARK} {OwnershipTag.of(STRANGER, URN)}", "swaps"),
        ("swaps [pulumi:0123", "swaps"),
        ("swaps [pul", "swaps"),
        ("swaps", "swaps"),
        ("swaps [production]", "swaps [production]"),
    ],
)
def test_marks_edited_by_hand(held: str, seen: str) -> None:
    """A mark that was moved, edited, doubled, cut or removed by hand is still no part of the description."""
    assert as_user_wrote("swaps", held) == seen


def test_a_mark_is_never_drift() -> None:
    """What a refresh lays over the inputs has the user's own description in it."""
    inputs = inputs_of(description="Swaps on Base")

    for held in (MARK.on("Swaps on Base"), "Swaps on Base [pulu", "Swaps on Base"):
        assert overlay(inputs, response_to(inputs, description=held))["description"] == "Swaps on Base"


def test_a_mark_alone_is_no_description() -> None:
    """A pipeline without a description has nothing but the mark there, and shows no drift."""
    inputs = inputs_of()

    assert overlay(inputs, response_to(inputs, description=str(MARK)))["description"] == ""


def test_users_may_not_write_a_mark() -> None:
    """Each mark is what the check of descriptions refuses at their end."""
    assert OWNERSHIP_TAG.search(MARK.on("mine"))

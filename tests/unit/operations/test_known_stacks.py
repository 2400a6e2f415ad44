"""The names of stacks that a machine has seen, and the messages that name another stack by them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from goldrush_pulumi.operations.create import AdoptionRefused, CreateRefused, adopt, create
from goldrush_pulumi.operations.delete import DeleteRefused, delete
from goldrush_pulumi.operations.identity import OwnershipTag
from goldrush_pulumi.operations.known_stacks import KnownStacks, StackName
from goldrush_pulumi.operations.update import UpdateRefused, update
from tests.support.account import OWNER, STRANGER, URN
from tests.support.pipelines import inputs_of, spec_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.account import Account

TAGGED = str(OwnershipTag(STRANGER, "0" * 10))
PROD = "urn:pulumi:prod::shop::goldrush:index:Pipeline::swaps"


def test_a_stack_is_found_by_the_tag_of_its_pipelines(tmp_path: Path) -> None:
    """Another process finds the last name that was noted; descriptions without tag, and of others, say nothing."""
    KnownStacks(tmp_path / "stacks").note(STRANGER, StackName.of(PROD))
    known = KnownStacks(tmp_path / "stacks")
    assert known.find(f"mine {TAGGED}") == "shop/prod"
    assert known.find("mine") == known.find(str(OwnershipTag(OWNER, "0" * 10))) == ""
    known.note(STRANGER, StackName.of(PROD.replace("prod", "renamed")))
    assert known.find(TAGGED) == "shop/renamed"


def test_an_organization_stays_known(tmp_path: Path) -> None:
    """What only the command line knows is kept when a provider notes the same stack, unless it says nothing."""
    KnownStacks(tmp_path).note(STRANGER, StackName("shop", "prod", "acme"))
    KnownStacks(tmp_path).note(STRANGER, StackName("shop", "prod"))
    assert KnownStacks(tmp_path).find(TAGGED) == "acme/shop/prod"
    KnownStacks(tmp_path).note(STRANGER, StackName("shop", "other"))
    assert KnownStacks(tmp_path).find(TAGGED) == "shop/other"
    KnownStacks(tmp_path).note(STRANGER, StackName("shop", "other", "organization"))
    assert KnownStacks(tmp_path).find(TAGGED) == "shop/other"


def test_what_is_no_owner_or_no_name_is_not_noted(tmp_path: Path) -> None:
    """Owners that are not known yet, strange ids and URNs without a stack leave no file; no folder is no error."""
    folder = tmp_path / "stacks"
    for owner in ("04da6b54-80e4-46f7-96ec-b56ff0331ba9", "../../x", "", None, 7):
        KnownStacks(folder).note(owner, StackName.of(PROD))
    for urn in ("", "urn:pulumi:prod", "urn:pulumi:::shop::x"):
        KnownStacks(folder).note(STRANGER, StackName.of(urn))
    assert not folder.exists()
    (tmp_path / "file").write_text("", "utf-8")
    for nowhere in (None, tmp_path / "file"):
        KnownStacks(nowhere).note(STRANGER, StackName.of(PROD))
        assert KnownStacks(nowhere).find(TAGGED) == ""


HARMFUL = '{"project": "\\u001b[31mshop", "stack": "p\\nrod"}'


@pytest.mark.parametrize("text", ["", "[]", '{"project": "shop"}', HARMFUL])
def test_a_broken_file_breaks_nothing(tmp_path: Path, text: str) -> None:
    """What cannot be read is no name, and a name is shown without control characters."""
    (tmp_path / f"{STRANGER}.json").write_text(text, "utf-8")
    assert KnownStacks(tmp_path).find(TAGGED) == (" [31mshop/p rod" if text == HARMFUL else "")


def test_names_that_nobody_noted_for_a_year_go(tmp_path: Path) -> None:
    """Files do not pile up."""
    KnownStacks(tmp_path).note(STRANGER, StackName.of(PROD))
    os.utime(tmp_path / f"{STRANGER}.json", (0, 0))
    KnownStacks(tmp_path).note(OWNER, StackName.of(URN))
    assert [file.stem for file in tmp_path.iterdir()] == [OWNER]


def test_refusals_name_the_stack(account: Account, tmp_path: Path) -> None:
    """Whoever is refused because of a tag reads which stack left it, as far as this machine knows."""
    known = KnownStacks(tmp_path)
    known.note(STRANGER, StackName.of(PROD))
    theirs = account.leave(owner=STRANGER)
    context = account.process().context(owners=frozenset({OWNER}), stack_in=known.find)
    named = "(shop/prod, as far as this machine knows)"

    with pytest.raises(AdoptionRefused) as adopted:
        adopt(context, spec_of(), theirs)
    with pytest.raises(UpdateRefused) as updated:
        update(context, theirs, inputs_of(), spec_of(description="mine"))
    with pytest.raises(DeleteRefused) as deleted:
        delete(context, theirs, {})
    for refused in (adopted, updated, deleted):
        assert f"carries the ownership tag of another Pulumi stack {named}, " in str(refused.value)
    with pytest.raises(CreateRefused) as created:
        create(account.process().context(stack_in=known.find), spec_of())
    assert f"because another stack {named} owns it" in str(created.value)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("shop/dev", "shop/dev too"), ("acme/shop/dev", "acme/shop/dev too"), ("workshop/dev", "workshop/dev")],
)
def test_a_stack_of_the_same_name_is_told_apart(account: Account, name: str, shown: str) -> None:
    """A stack that was removed and made again is another one under its old name."""
    context = account.process().context(stack_in=lambda _description: name)
    assert context.another_stack("") == f"another Pulumi stack ({shown}, as far as this machine knows)"

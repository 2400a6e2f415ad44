"""The owner of a stack, called as a plain object."""

from __future__ import annotations

import pytest

from goldrush_pulumi.owner import make_owner_provider


@pytest.mark.parametrize("text", ["", "0", "false", "no"])
def test_each_stack_gets_an_identity_of_its_own(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two owners have two ids, of 32 hex digits, where state is saved at each step."""
    monkeypatch.setenv("PULUMI_SKIP_CHECKPOINTS", text)
    one, other = (make_owner_provider().create({}).id for _ in range(2))
    assert one != other
    assert len(one) == 32
    assert int(one, 16) > 0


@pytest.mark.parametrize("text", ["1", "true", "TRUE"])
def test_no_identity_that_a_kill_would_lose(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that saves its state late makes no owner, and says which command does."""
    monkeypatch.setenv("PULUMI_SKIP_CHECKPOINTS", text)
    with pytest.raises(Exception, match=r"^create Owner goldrush: with PULUMI_SKIP_CHECKPOINTS, .*pulumi up --target"):
        make_owner_provider().create({})

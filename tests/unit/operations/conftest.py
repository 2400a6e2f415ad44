"""An account on an emulator, for what the verbs do to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.account import Account

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldrush_pulumi.emulator import Emulator


@pytest.fixture
def account(emulator: Emulator) -> Iterator[Account]:
    """An account without pipelines, on a server of its own."""
    account = Account(emulator)
    yield account
    account.close()

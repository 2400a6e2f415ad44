"""Accounts (GoldRush calls them groups) and the keys that open them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any


def new_service_key() -> str:
    """Return a new random ServiceKey."""
    return f"gsk_{secrets.token_hex(20)}"


@dataclass(frozen=True)
class Account:
    """A group, with the user that its ServiceKey acts for.

    Args:
        name: A short name for tests and output, such as "main".
        group_id: "group_" and 24 hex digits; every pipeline belongs to one group.
        user_id: "user_" and 27 hex digits; shown as the creator of a pipeline.
        service_key: The first key of the account. ``repr`` leaves it out.
    """

    name: str
    group_id: str = field(default_factory=lambda: f"group_{secrets.token_hex(12)}")
    user_id: str = field(default_factory=lambda: f"user_{secrets.token_hex(14)[:27]}")
    service_key: str = field(default_factory=new_service_key, repr=False)

    def group(self) -> dict[str, Any]:
        """Return the group as a pipeline object shows it."""
        return {
            "id": self.group_id,
            "name": self.name.capitalize(),
            "slug": self.name,
            "is_paid": True,
            "is_over_limit": False,
            "is_free_trial_expired": False,
        }

    def user(self) -> dict[str, Any]:
        """Return the creator as a pipeline object shows it."""
        return {
            "id": self.user_id,
            "email": f"{self.name}@emulator.invalid",
            "display_name": self.name.capitalize(),
            "full_name": f"{self.name.capitalize()} of the emulator",
        }


class KeyRing:
    """Which key opens which account. There is also one plain API key, which opens none.

    Args:
        accounts: The accounts; their first keys are valid from the start.
    """

    def __init__(self, accounts: list[Account]) -> None:
        self.accounts = accounts
        self.api_key = f"cqt_{secrets.token_hex(13)}"
        self._owners = {account.service_key: account for account in accounts}

    def account_of(self, key: str) -> Account | None:
        """Return the account that ``key`` opens, or None for an unknown or revoked key."""
        return self._owners.get(key)

    def account_named(self, name: str) -> Account:
        """Return the account of that name.

        Raises:
            LookupError: No account has that name.
        """
        for account in self.accounts:
            if account.name == name:
                return account
        names = ", ".join(account.name for account in self.accounts)
        raise LookupError(f"find account {name}: there is no such account, use one of {names}")

    def add(self, account_name: str) -> str:
        """Create and return one more key of an account, as the first step of a rotation.

        Raises:
            LookupError: No account has that name.
        """
        account, key = self.account_named(account_name), new_service_key()
        self._owners[key] = account
        return key

    def revoke(self, key: str) -> None:
        """Make a key invalid from now on; an unknown key is ignored."""
        self._owners.pop(key, None)


def default_accounts() -> list[Account]:
    """Return two new accounts, "main" and "other"."""
    return [Account("main"), Account("other")]

"""Rules for the addresses of contracts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from goldrush_pulumi.validation.problems import Problem, entry_path
from goldrush_pulumi.validation.rules import Rule
from goldrush_pulumi.validation.values import holds_placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATH: Final = "abi_contract_addresses"

_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}")

_HEX_DIGITS: Final = 40


def find_address_problems(addresses: object) -> Iterator[Problem]:
    """Check the addresses of contracts. What is not a string is passed over: the rules of lists report it."""
    seen: dict[str, int] = {}
    for index, address in enumerate(addresses if isinstance(addresses, list) else ()):
        if not isinstance(address, str) or not address.strip() or holds_placeholder(address):
            continue
        path = entry_path(_PATH, index)
        yield from _find_fault(address, path)
        first = seen.setdefault(address.lower(), index)
        if first != index:
            yield Problem(Rule.REPEATED_ADDRESS, path, f"repeats {entry_path(_PATH, first)}", "list each contract once")


def _find_fault(address: str, path: str) -> Iterator[Problem]:
    digits = address[2:]
    if not address.startswith("0x"):
        hint = "begin it with 0x and give its 40 hex digits"
        yield Problem(Rule.BAD_ADDRESS, path, "is not a contract address", hint)
    elif not _ADDRESS.fullmatch(address):
        right_length = len(digits) == _HEX_DIGITS
        message = "holds something other than hex digits" if right_length else f"has {len(digits)} digits"
        yield Problem(Rule.BAD_ADDRESS, path, message, "an address is 0x and 40 hex digits")
    elif digits not in (digits.lower(), digits.upper()):
        yield from _find_wrong_checksum(address, path)


def _find_wrong_checksum(address: str, path: str) -> Iterator[Problem]:
    from eth_utils.address import to_checksum_address  # noqa: PLC0415 - few pipelines have such addresses

    right = to_checksum_address(address)
    if address != right:
        hint = f"write {right} if every digit is right, or copy the address again"
        yield Problem(Rule.WRONG_CHECKSUM, path, "has a wrong checksum, so a digit may be wrong", hint, fix=right)

"""Rules for contract addresses: 20 bytes in hex, and the checksum that mixed case carries (EIP-55)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from goldrush_pulumi.validation.problems import Problem, entry_path, warning
from goldrush_pulumi.validation.values import holds_placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATH = "abi_contract_addresses"
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_HEX_DIGITS = 40


def find_address_problems(addresses: object) -> Iterator[Problem]:
    """Check the addresses of contracts. What is no text is passed over: whoever checks the list's shape says so."""
    seen: dict[str, int] = {}
    for index, address in enumerate(addresses if isinstance(addresses, list) else ()):
        if not isinstance(address, str) or not address.strip() or holds_placeholder(address):
            continue
        path = entry_path(_PATH, index)
        yield from _find_fault(address, path)
        first = seen.setdefault(address.lower(), index)
        if first != index:
            yield warning(path, f"repeats {entry_path(_PATH, first)}", "list each contract once")


def _find_fault(address: str, path: str) -> Iterator[Problem]:
    digits = address[2:]
    if not address.startswith("0x"):
        yield Problem(path, "is not a contract address", "begin it with 0x and give its 40 hex digits")
    elif not _ADDRESS.fullmatch(address):
        wrong = "holds something other than hex digits" if len(digits) == _HEX_DIGITS else f"has {len(digits)} digits"
        yield Problem(path, wrong, "an address is 0x and 40 hex digits")
    elif digits not in (digits.lower(), digits.upper()):
        yield from _find_wrong_checksum(address, path)


def _find_wrong_checksum(address: str, path: str) -> Iterator[Problem]:
    from eth_utils.address import to_checksum_address  # noqa: PLC0415 - few pipelines have such addresses

    right = to_checksum_address(address)
    if address != right:
        advice = f"write {right} if every digit is right, or copy the address anew"
        yield Problem(path, "has a wrong checksum, so a digit may be wrong", advice)

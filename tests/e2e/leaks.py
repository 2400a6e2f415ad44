"""Searching for planted secrets wherever they must not be."""

from __future__ import annotations

import base64
import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_numbers = itertools.count(1)


def core(what: str) -> str:
    """A new secret of letters and digits: it reads the same in JSON, in a URL and in a log."""
    return f"plnt{what}{next(_numbers):03d}X7q9Zk"


def spellings(secret: str) -> Iterator[bytes]:
    """`secret` in clear, and the base64 digits that it alone decides, at each of the three places it may start."""
    yield secret.encode()
    for before in range(3):
        digits = base64.b64encode(bytes(before) + secret.encode()).rstrip(b"=")
        first, last = -(-8 * before // 6), 8 * (before + len(secret)) // 6
        yield digits[first:last]


def find_leaks(secrets: Iterable[str], places: Iterable[tuple[str, bytes]]) -> list[str]:
    """Every secret that stands in one of the named `places`, as "secret in place"."""
    wanted = [(secret, list(spellings(secret))) for secret in secrets]
    return [
        f"{secret} in {name}"
        for name, content in places
        for secret, forms in wanted
        if any(form in content for form in forms)
    ]


def files_below(*folders: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below some folders, with its content."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield str(path), path.read_bytes()

"""Writing into files what is certain: the right spelling of a name, the right checksum of an address."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from goldrush_pulumi.validation.files import Finding

_BYTE_ORDER_MARK = "\ufeff"


def apply_fixes(findings: Iterable[Finding]) -> int:
    """Write the fixes of findings into their files, and return how many there were.

    Everything else in a file stays as it is, to the byte. A value that several pipelines share is fixed once.

    Raises:
        OSError: A file cannot be written.
    """
    edits: dict[str, set[tuple[tuple[int, int], str]]] = {}
    for finding in findings:
        if finding.edit:
            edits.setdefault(finding.file, set()).add(finding.edit)
    for name, of_file in edits.items():
        file = Path(name)
        content = file.read_bytes().decode()
        mark = _BYTE_ORDER_MARK if content.startswith(_BYTE_ORDER_MARK) else ""
        text = content.removeprefix(mark)
        # From the end, so that the places before stay right.
        for (start, end), replacement in sorted(of_file, reverse=True):
            text = text[:start] + replacement + text[end:]
        file.write_bytes(f"{mark}{text}".encode())
    return sum(map(len, edits.values()))

"""What modules and classes say about themselves, read from their source."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT: Final = Path(__file__).resolve().parents[1] / "goldrush_pulumi"

PACKAGES: Final = ("", "schema", "operations", "engine", "api", "validation", "emulator")
"""The packages, by their names below `goldrush_pulumi`; "" is itself."""


def modules_of(package: str) -> Iterator[tuple[str, Path]]:
    """The name and file of each module of a package; packages in it stand as modules."""
    folder = _ROOT / package
    for path in sorted(folder.iterdir()):
        inside = path / "__init__.py"
        if inside.is_file():
            yield f"{path.name}/", inside
        elif path.suffix == ".py" and path.name != "__init__.py":
            yield path.name, path


def module_summary(path: Path) -> str:
    """The first sentence of a module's docstring."""
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return text.partition("\n\n")[0].replace("\n", " ")

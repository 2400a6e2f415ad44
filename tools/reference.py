"""Write what is generated from the schema: `python -m tools.reference`, or `--check` to only compare.

These are the classes of destinations, arguments and results (`tools.generated_classes`), the JSON Schemas of commands
(`tools.command_schemas`), the schema that the plugin serves (`tools.plugin_schema`), and the tables of the
documentation: a Markdown file takes one between `<!-- generated: NAME -->` and `<!-- end of generated -->`. A test
fails when a file is not what the code says.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tools.command_schemas import schema_files
from tools.generated_classes import generated_files
from tools.plugin_schema import SCHEMA_FILE, schema_text
from tools.reference_tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[1]

_BLOCK: Final = re.compile(
    r"(?P<begin><!-- generated: (?P<name>[\w-]+) -->\n)(?P<text>.*?)(?P<end><!-- end of generated -->)", re.DOTALL
)


class ReferenceError(Exception):  # noqa: A001 - the builtin of that name is about weak references
    """A Markdown file asks for a table that does not exist."""


def documents() -> Iterator[Path]:
    """Every Markdown file that may hold generated tables."""
    yield ROOT / "README.md"
    yield from sorted((ROOT / "docs").glob("*.md"))


def filled(text: str) -> str:
    """The text of a document with all its generated tables as the code has them now.

    Raises:
        ReferenceError: It names a table that does not exist.
    """
    return _BLOCK.sub(_fill, text)


def used_tables(text: str) -> list[str]:
    """The names of the tables that a document asks for."""
    return [match["name"] for match in _BLOCK.finditer(text)]


def main(arguments: list[str] | None = None) -> int:
    """Write the files, or compare them; the exit code is 1 when a comparison finds a difference."""
    parser = argparse.ArgumentParser(prog="python -m tools.reference", description="Generated classes and tables.")
    parser.add_argument("--check", action="store_true", help="write nothing, name the files that are out of step")
    check = parser.parse_args(arguments).check
    texts = generated_files() | schema_files() | {SCHEMA_FILE: schema_text()}
    texts |= {path: filled(path.read_text("utf-8")) for path in documents()}
    stale = {path: text for path, text in texts.items() if not path.is_file() or path.read_text("utf-8") != text}
    for path, text in stale.items():
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        print(f"{path.relative_to(ROOT)}: {'out of step, run make reference' if check else 'written'}")
    return 1 if check and stale else 0


def _fill(block: re.Match[str]) -> str:
    name = block["name"]
    if name not in TABLES:
        raise ReferenceError(f"generated table {name}: there is none, use {', '.join(TABLES)}")
    return f"{block['begin']}{TABLES[name]()}{block['end']}"


if __name__ == "__main__":
    sys.exit(main())

"""The columns of a transform's SELECT, against those the documentation names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from goldrush_pulumi.validation.catalog import COLUMNS, WHOLE_TABLES
from goldrush_pulumi.validation.problems import suggest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldrush_pulumi.validation.problems import Severity
    from goldrush_pulumi.validation.select_parser import Statement

_CLOSENESS = 0.85
_SHOWN = 40


def find_column_faults(
    statement: Statement, select: exp.Select, nodes: list[exp.Expr], table: str
) -> Iterator[tuple[str, str, Severity]]:
    """Warn of columns that a documented table does not have, or of likely misspellings where not all are documented."""
    known = COLUMNS.get(table.lower())
    if known is None or sum(isinstance(node, exp.Select) for node in nodes) > 1:
        return
    aliases = {expression.alias.lower() for expression in select.expressions if expression.alias}
    owners = {"", table.lower(), *(node.alias.lower() for node in nodes if isinstance(node, exp.Table) and node.alias)}
    said: set[str] = set()
    for column in (node for node in nodes if isinstance(node, exp.Column)):
        name = column.name.lower()
        if isinstance(column.this, exp.Star) or column.table.lower() not in owners:
            continue
        if name not in known and name not in aliases and name not in said:
            said.add(name)
            yield from _describe(column, statement, table.lower(), known)


def _describe(
    column: exp.Column, statement: Statement, table: str, known: tuple[str, ...]
) -> Iterator[tuple[str, str, Severity]]:
    likely = suggest(column.name, known, _CLOSENESS)
    if likely is None and table not in WHOLE_TABLES:
        return
    where = statement.place(column.this.meta.get("start"))
    right = f'did you mean "{likely}"?' if likely else f"use one of the columns of {table}"
    # What stands in double quotes may have been meant as a literal.
    shown = "a column" if column.this.quoted else f"the column {column.name[:_SHOWN]}"
    wrong = f"names {shown}{where}, which the documentation does not"
    yield wrong, right, "warning"

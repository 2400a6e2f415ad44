"""The table that a transform's SELECT reads: the one it is keyed by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldrush_pulumi.validation.problems import Severity
    from goldrush_pulumi.validation.select_parser import Statement


def find_table_faults(
    statement: Statement, select: exp.Select, nodes: list[exp.Expr], table: str
) -> Iterator[tuple[str, str, Severity]]:
    """Check that FROM names the table; what reads no table by name is only warned of."""
    source = select.args.get("from_")
    if source is None:
        yield "reads no table", f"write FROM {table}", "error"
        return
    read = source.this
    if not isinstance(read, exp.Table) or not isinstance(read.this, exp.Identifier):
        # Subqueries are warned of as such.
        if not isinstance(read, exp.Subquery):
            yield "reads something other than a table, which is not documented", f"write FROM {table}", "warning"
        return
    if read.name.lower() in {node.alias.lower() for node in nodes if isinstance(node, exp.CTE)}:
        return
    where = statement.place(read.this.meta.get("start"))
    if read.name.lower() != table.lower():
        yield f"reads another table{where}", f"write FROM {table}, or move it to the key of the table it reads", "error"
    elif read.args.get("db"):
        yield f"names its table with a schema{where}, which is not documented", f"write FROM {table}", "warning"

"""What a transform's SELECT may hold. Importing this module loads the SQL parser."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from sqlglot import TokenType, exp

from goldrush_pulumi.validation.select_columns import find_column_faults
from goldrush_pulumi.validation.select_functions import find_function_faults
from goldrush_pulumi.validation.select_parser import Statement, TooDeepError, UnreadableError, read_statement
from goldrush_pulumi.validation.select_tables import find_table_faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldrush_pulumi.validation.problems import Severity


class Fault(NamedTuple):
    """What is wrong with a SELECT, what would be right, and how bad it is."""

    wrong: str
    right: str
    severity: Severity = "error"


class _Clause(NamedTuple):
    name: str
    right: str
    tokens: tuple[TokenType, ...]
    nodes: frozenset[type[exp.Expr]]
    severity: Severity = "error"
    # Where the same node may stand for something else, the parent that makes it this clause.
    parent: type[exp.Expr] = exp.Expr


_ROW_BY_ROW = "a transform reads one row at a time, so do that at the destination"
_UNDOCUMENTED = "try it on a pipeline that does not matter, or write the SELECT without it"


@lru_cache(maxsize=2048)
def find_select_faults(sql: str, table: str) -> tuple[Fault, ...]:
    """Find what is wrong with the SELECT of a table, all at once; a text that cannot be read has one fault.

    Only the SQL's own keywords, and names that stand where the grammar wants a name, are quoted; never a literal.
    """
    try:
        statement = read_statement(sql)
    except TooDeepError:
        return (Fault("is nested too deeply to be read", "write it with fewer levels", "warning"),)
    except UnreadableError as fault:
        return (Fault(f"cannot be read as SQL{fault.place}", f"write one SELECT that reads {table}"),)
    return tuple(_find_faults(statement, table))


def _find_faults(statement: Statement, table: str) -> Iterator[Fault]:
    if len(statement.trees) > 1:
        where = statement.place(_find_second(statement))
        yield Fault(f"holds {len(statement.trees)} statements, the second begins{where}", "keep one SELECT")
        return
    tree = statement.trees[0].unnest()
    if not isinstance(tree, exp.Query):
        yield Fault("is not a SELECT", f"write one SELECT that reads {table}")
        return
    nodes = list(tree.walk())
    yield from _find_clauses(statement, nodes, tree)
    select = tree if isinstance(tree, exp.Select) else None
    yield from (Fault(*found) for found in find_function_faults(statement, nodes))
    if select is None:
        return
    if not select.expressions:
        yield Fault("selects no column", "name the columns, or write * for all")
    yield from (Fault(*found) for found in find_table_faults(statement, select, nodes, table))
    yield from (Fault(*found) for found in find_column_faults(statement, select, nodes, table))


def _find_second(statement: Statement) -> int | None:
    """Find the first token after a semicolon."""
    after = False
    for token in statement.tokens:
        if after and token.token_type != TokenType.SEMICOLON:
            return token.start
        after = after or token.token_type == TokenType.SEMICOLON
    return None


def _find_clauses(statement: Statement, nodes: list[exp.Expr], root: exp.Query) -> Iterator[Fault]:
    kinds = {type(node) for node in nodes}
    for clause in _CLAUSES:
        # Most SELECTs hold none of them, so this is asked of the few kinds of nodes and not of every node.
        first = _find_first(clause, nodes) if clause.nodes & kinds else None
        if first is None:
            continue
        where = statement.place(_find_place(statement, clause, first))
        if clause.severity == "error":
            yield Fault(f"holds {clause.name}{where}, which GoldRush refuses", clause.right)
        else:
            yield Fault(f"holds {clause.name}{where}, which is not documented", clause.right, "warning")
    inner = sum(type(node) is exp.Select for node in nodes) > 1 and exp.CTE not in kinds
    if inner and not isinstance(root, exp.SetOperation):
        wrong = "holds a subquery, which is not documented"
        yield Fault(wrong, _UNDOCUMENTED, "warning")


def _find_place(statement: Statement, clause: _Clause, node: exp.Expr) -> int | None:
    """Find the clause's keyword, or the first name in it where it has none, as in a list of tables."""
    at = statement.find_token(*clause.tokens)
    if at is not None:
        return at
    starts = (inner.meta.get("start") for inner in node.walk())
    return next((start for start in starts if isinstance(start, int)), None)


def _find_first(clause: _Clause, nodes: list[exp.Expr]) -> exp.Expr | None:
    for node in nodes:
        if type(node) in clause.nodes and isinstance(node.parent or node, clause.parent):
            return node
    return None


_CLAUSES = (
    _Clause(
        "a JOIN",
        "read one table, and join at the destination",
        (TokenType.JOIN, TokenType.STRAIGHT_JOIN),
        frozenset({exp.Join}),
    ),
    _Clause("GROUP BY", _ROW_BY_ROW, (TokenType.GROUP_BY,), frozenset({exp.Group})),
    _Clause("HAVING", _ROW_BY_ROW, (TokenType.HAVING,), frozenset({exp.Having})),
    _Clause("ORDER BY", _ROW_BY_ROW, (TokenType.ORDER_BY,), frozenset({exp.Order}), parent=exp.Query),
    _Clause("a window function", _ROW_BY_ROW, (TokenType.OVER, TokenType.WINDOW), frozenset({exp.Window})),
    _Clause("QUALIFY", _ROW_BY_ROW, (TokenType.QUALIFY,), frozenset({exp.Qualify})),
    _Clause("UNION", "write one SELECT per table", (TokenType.UNION,), frozenset({exp.Union})),
    _Clause("INTERSECT", "write one SELECT per table", (TokenType.INTERSECT,), frozenset({exp.Intersect})),
    _Clause("EXCEPT", "write one SELECT per table", (TokenType.EXCEPT,), frozenset({exp.Except})),
    _Clause("DISTINCT", _UNDOCUMENTED, (TokenType.DISTINCT,), frozenset({exp.Distinct}), "warning", exp.Select),
    _Clause("LIMIT", _UNDOCUMENTED, (TokenType.LIMIT, TokenType.FETCH), frozenset({exp.Limit, exp.Fetch}), "warning"),
    _Clause("OFFSET", _UNDOCUMENTED, (TokenType.OFFSET,), frozenset({exp.Offset}), "warning"),
    _Clause("WITH", _UNDOCUMENTED, (TokenType.WITH,), frozenset({exp.CTE}), "warning"),
    _Clause(
        "a clause on its table",
        _UNDOCUMENTED,
        (),
        frozenset({exp.Lateral, exp.Unnest, exp.Pivot, exp.TableSample, exp.MatchRecognize}),
        "warning",
    ),
)

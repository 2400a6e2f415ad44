"""What a transform's SELECT may hold. Importing this module loads the SQL parser."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from sqlglot import TokenType, exp

from goldrush_pulumi.validation.catalog import COLUMNS, WHOLE_TABLES
from goldrush_pulumi.validation.problems import suggest
from goldrush_pulumi.validation.sql_parser import Statement, TooDeepError, UnreadableError, read_statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldrush_pulumi.validation.problems import Severity
    from goldrush_pulumi.validation.sql_parser import Statement


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

_AGGREGATES = (
    exp.Count,
    exp.CountIf,
    exp.Sum,
    exp.Avg,
    exp.Min,
    exp.Max,
    exp.Stddev,
    exp.StddevPop,
    exp.StddevSamp,
    exp.Variance,
    exp.VariancePop,
    exp.ArrayAgg,
    exp.GroupConcat,
    exp.ApproxDistinct,
    exp.AnyValue,
)

# MIN and MAX of several values are scalar functions in some dialects.
_SOMETIMES_SCALAR = (exp.Min, exp.Max)

_DOCUMENTED = (exp.Lower, exp.Substring, exp.Concat, exp.Trim, exp.Cast, exp.Case, exp.Coalesce, exp.Nullif)

# The parser takes these for functions; a subquery is warned of as such.
_NO_FUNCTIONS = (exp.Connector, exp.SubqueryPredicate)

_MOST_FUNCTIONS_SHOWN = 40


def find_function_faults(statement: Statement, nodes: list[exp.Expr]) -> Iterator[tuple[str, str, Severity]]:
    """Find aggregates and undocumented functions, each once."""
    said: set[str] = set()
    for node in nodes:
        if not isinstance(node, exp.Func) or _is_documented(node):
            continue
        names = _names_of(node)
        if names[0] not in said:
            said.add(names[0])
            call = statement.find_call(names)
            name, where = (call.text.upper(), statement.place(call.start)) if call else (names[0], "")
            yield _describe_function(node, name[:_MOST_FUNCTIONS_SHOWN], where)


def _is_documented(node: exp.Func) -> bool:
    if isinstance(node, exp.If):
        return isinstance(node.parent, exp.Case)
    if isinstance(node.parent, exp.Window):
        # Said once, of the window.
        return True
    # TRY_CAST is a kind of CAST to the parser only.
    return isinstance(node, (*_DOCUMENTED, *_NO_FUNCTIONS)) and not isinstance(node, exp.TryCast)


def _names_of(node: exp.Func) -> tuple[str, ...]:
    """List the names a call may have been written with, upper case, the likeliest first."""
    if isinstance(node, (exp.Anonymous, exp.AnonymousAggFunc)):
        return (node.name.upper(),)
    other = ("STRING_AGG", "LISTAGG") if isinstance(node, exp.GroupConcat) else ()
    return (*(name.upper() for name in type(node).sql_names()), *other)


def _describe_function(node: exp.Func, name: str, where: str) -> tuple[str, str, Severity]:
    scalar = isinstance(node, _SOMETIMES_SCALAR) and node.expressions
    if isinstance(node, _AGGREGATES) and not scalar:
        right = "a transform reads one row at a time, so aggregate at the destination"
        return f"holds the aggregate {name}(){where}, which GoldRush refuses", right, "error"
    right = "try it on a pipeline that does not matter, or use one that is documented"
    return f"calls {name}(){where}, which is not documented", right, "warning"


_CLOSENESS = 0.85

_MOST_COLUMNS_SHOWN = 40


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
            yield from _describe_column(column, statement, table.lower(), known)


def _describe_column(
    column: exp.Column, statement: Statement, table: str, known: tuple[str, ...]
) -> Iterator[tuple[str, str, Severity]]:
    likely = suggest(column.name, known, _CLOSENESS)
    if likely is None and table not in WHOLE_TABLES:
        return
    where = statement.place(column.this.meta.get("start"))
    right = f'did you mean "{likely}"?' if likely else f"use one of the columns of {table}"
    # What stands in double quotes may have been meant as a literal.
    shown = "a column" if column.this.quoted else f"the column {column.name[:_MOST_COLUMNS_SHOWN]}"
    wrong = f"names {shown}{where}, which the documentation does not"
    yield wrong, right, "warning"


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

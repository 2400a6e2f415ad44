"""What the SELECT of a transform may hold. Importing this module loads the SQL parser."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from sqlglot import TokenType, exp

from goldrush_pulumi.validation.catalog import COLUMNS, DOUBTFUL_COLUMNS, WHOLE_TABLES
from goldrush_pulumi.validation.problems import suggest
from goldrush_pulumi.validation.rules import Rule
from goldrush_pulumi.validation.sql_functions import find_function_faults
from goldrush_pulumi.validation.sql_parser import Statement, TooDeepError, UnreadableError, read_statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldrush_pulumi.validation.sql_parser import Statement


class SqlFault(NamedTuple):
    """What is wrong with a SELECT, and what to write instead."""

    rule: Rule
    message: str
    hint: str


@lru_cache(maxsize=2048)
def find_select_faults(sql: str, table: str) -> tuple[SqlFault, ...]:
    """Return what is wrong with the SELECT of a table, all at once; a text that cannot be read has one fault.

    Quoted are only the SQL's own keywords, and names that stand where the grammar expects a name; never a literal.
    """
    try:
        statement = read_statement(sql)
    except TooDeepError:
        return (SqlFault(Rule.UNREADABLE_SQL, "is nested too deeply to be checked", "write it with fewer levels"),)
    except UnreadableError as fault:
        message = f"could not be read as SQL{fault.place} and was not checked"
        return (SqlFault(Rule.UNREADABLE_SQL, message, "check the spelling, or write it with what is documented"),)
    return tuple(_find_faults(statement, table))


def _find_faults(statement: Statement, table: str) -> Iterator[SqlFault]:
    if len(statement.trees) > 1:
        message = (
            f"holds {len(statement.trees)} statements, the second begins{statement.place(_find_second(statement))}"
        )
        yield SqlFault(Rule.SEVERAL_STATEMENTS, message, "keep one SELECT")
        return
    root = statement.trees[0]
    tree = root.unnest()
    if not isinstance(tree, exp.Query):
        yield SqlFault(Rule.NOT_A_SELECT, "is not a SELECT", f"write one SELECT that reads {table}")
        return
    # From the root, since a clause may stand behind the brackets of the SELECT.
    nodes = list(root.walk())
    yield from _find_clauses(statement, nodes)
    yield from (SqlFault(*found) for found in find_function_faults(statement, nodes))
    if not isinstance(tree, exp.Select):
        return
    if not tree.expressions:
        yield SqlFault(Rule.NO_COLUMNS, "selects no column", "name the columns, or write * for all")
    yield from _find_table_faults(statement, tree, nodes, table)
    yield from _find_column_faults(statement, tree, nodes, table)


def _find_second(statement: Statement) -> int | None:
    """Return where the first token behind a semicolon stands."""
    after = False
    for token in statement.tokens:
        if after and token.token_type != TokenType.SEMICOLON:
            return token.start
        after = after or token.token_type == TokenType.SEMICOLON
    return None


_ROW_BY_ROW: Final = "a transform reads one row at a time, so do that at the destination"

_ONE_TABLE: Final = "write one SELECT per table"

_UNDOCUMENTED: Final = "try it on a pipeline that does not matter, or write the SELECT without it"


class _Clause(NamedTuple):
    """A clause: its name, the words it begins with, and the nodes or arguments of nodes that stand for it."""

    name: str
    words: tuple[str, ...]
    nodes: tuple[type[exp.Expr], ...]
    hint: str = _UNDOCUMENTED
    rule: Rule = Rule.UNDOCUMENTED_CLAUSE
    # Where the same node may stand for something else, the parent that makes it this clause.
    parent: type[exp.Expr] = exp.Expr
    # Where the node stands for more than the clause, the argument that holds it.
    argument: str = ""


def _refused(
    name: str, words: tuple[str, ...], node: type[exp.Expr], hint: str = _ROW_BY_ROW, parent: type[exp.Expr] = exp.Expr
) -> _Clause:
    return _Clause(name, words, (node,), hint, Rule.REFUSED_CLAUSE, parent)


_CLAUSES: Final = (
    _refused("a JOIN", ("JOIN", "STRAIGHT_JOIN"), exp.Join, "read one table, and join at the destination"),
    _refused("GROUP BY", ("GROUP",), exp.Group),
    _refused("HAVING", ("HAVING",), exp.Having),
    _refused("ORDER BY", ("ORDER",), exp.Order, parent=exp.Query),
    _refused("SORT BY", ("SORT",), exp.Sort),
    _refused("CLUSTER BY", ("CLUSTER",), exp.Cluster),
    _refused("DISTRIBUTE BY", ("DISTRIBUTE",), exp.Distribute),
    _refused("CONNECT BY", ("CONNECT", "START"), exp.Connect),
    _refused("a window function", ("OVER", "WINDOW"), exp.Window),
    _refused("QUALIFY", ("QUALIFY",), exp.Qualify),
    _refused("UNION", ("UNION",), exp.Union, _ONE_TABLE),
    _refused("INTERSECT", ("INTERSECT",), exp.Intersect, _ONE_TABLE),
    _refused("EXCEPT", ("EXCEPT", "MINUS"), exp.Except, _ONE_TABLE),
    _Clause("DISTINCT", ("DISTINCT",), (exp.Distinct,), parent=exp.Select),
    _Clause("LIMIT", ("LIMIT", "FETCH", "TOP"), (exp.Limit, exp.Fetch)),
    _Clause("OFFSET", ("OFFSET",), (exp.Offset,)),
    _Clause("WITH", ("WITH",), (exp.CTE,)),
    _Clause("INTO", ("INTO",), (exp.Into,)),
    _Clause("FINAL", ("FINAL",), (exp.Final,)),
    _Clause("PREWHERE", ("PREWHERE",), (exp.PreWhere,)),
    _Clause("FOR UPDATE", ("FOR",), (exp.Lock,)),
    _Clause("FOR SYSTEM_TIME", ("FOR", "TIMESTAMP", "VERSION"), (exp.Version,)),
    _Clause("SETTINGS", ("SETTINGS",), (exp.Query,), argument="settings"),
    _Clause("FORMAT", ("FORMAT",), (exp.Query,), argument="format"),
    _Clause("* EXCEPT", ("EXCEPT", "EXCLUDE"), (exp.Star,), argument="except_"),
    _Clause("* REPLACE", ("REPLACE",), (exp.Star,), argument="replace"),
    _Clause("a clause on its table", (), (exp.Lateral, exp.Unnest, exp.Pivot, exp.TableSample, exp.MatchRecognize)),
)


def _find_clauses(statement: Statement, nodes: list[exp.Expr]) -> Iterator[SqlFault]:
    kinds = {type(node) for node in nodes}
    for clause in _CLAUSES:
        # Most SELECTs hold none of them, so the few kinds of nodes are asked before every node is.
        if not any(issubclass(kind, clause.nodes) for kind in kinds):
            continue
        first = next((node for node in nodes if _stands_for(node, clause)), None)
        if first is not None:
            which = "which GoldRush refuses" if clause.rule is Rule.REFUSED_CLAUSE else "which is not documented"
            place = statement.place(_find_place(statement, clause, first))
            yield SqlFault(clause.rule, f"holds {clause.name}{place}, {which}", clause.hint)
    if any(_is_final(node) for node in nodes):
        place = statement.place(statement.find_word("FINAL"))
        yield SqlFault(Rule.UNDOCUMENTED_CLAUSE, f"holds FINAL{place}, which is not documented", _UNDOCUMENTED)
    is_one = sum(type(node) is exp.Select for node in nodes) == 1
    if not is_one and not any(isinstance(node, (exp.CTE, exp.SetOperation)) for node in nodes):
        yield SqlFault(Rule.UNDOCUMENTED_CLAUSE, "holds a subquery, which is not documented", _UNDOCUMENTED)


def _stands_for(node: exp.Expr, clause: _Clause) -> bool:
    if clause.argument:
        return isinstance(node, clause.nodes) and bool(node.args.get(clause.argument))
    # By the exact type: SORT BY is a kind of ORDER BY to the parser.
    return type(node) in clause.nodes and isinstance(node.parent or node, clause.parent)


def _is_final(node: exp.Expr) -> bool:
    """Whether a table is followed by FINAL: most dialects take the word for another name of the table."""
    return isinstance(node, exp.Table) and node.alias == "FINAL"


def _find_place(statement: Statement, clause: _Clause, node: exp.Expr) -> int | None:
    """Return where the clause's keyword stands, or the first name in it where it has none, as in a list of tables."""
    at = statement.find_word(*clause.words)
    if at is not None:
        return at
    starts = (inner.meta.get("start") for inner in node.walk())
    return next((start for start in starts if isinstance(start, int)), None)


_CLOSENESS: Final = 0.85

_MOST_SHOWN: Final = 40


def _find_column_faults(
    statement: Statement, select: exp.Select, nodes: list[exp.Expr], table: str
) -> Iterator[SqlFault]:
    """Warn of columns that a documented table does not have, or of likely misspellings where not all are documented."""
    known = COLUMNS.get(table.lower())
    if known is None or sum(isinstance(node, exp.Select) for node in nodes) > 1:
        return
    aliases = {expression.alias.lower() for expression in select.expressions if expression.alias}
    owners = {"", table.lower(), *(node.alias.lower() for node in nodes if isinstance(node, exp.Table) and node.alias)}
    done: set[str] = set()
    for column in (node for node in nodes if isinstance(node, exp.Column)):
        name = column.name.lower()
        if isinstance(column.this, exp.Star) or column.table.lower() not in owners or name in done:
            continue
        done.add(name)
        if (table.lower(), name) in DOUBTFUL_COLUMNS:
            place = statement.place(column.this.meta.get("start"))
            message = f"names the column {name}{place}, which only one of two pages of the documentation lists"
            yield SqlFault(Rule.UNKNOWN_COLUMN, message, "look at what the pipeline writes before you rely on it")
        elif name not in known and name not in aliases:
            yield from _describe_column(column, statement, table.lower(), known)


def _describe_column(
    column: exp.Column, statement: Statement, table: str, known: tuple[str, ...]
) -> Iterator[SqlFault]:
    likely = suggest(column.name, known, _CLOSENESS)
    if likely is None and table not in WHOLE_TABLES:
        return
    hint = f'did you mean "{likely}"?' if likely else f"use one of the columns of {table}"
    # What stands in double quotes may have been meant as a literal.
    shown = "a column" if column.this.quoted else f"the column {column.name[:_MOST_SHOWN]}"
    place = statement.place(column.this.meta.get("start"))
    yield SqlFault(Rule.UNKNOWN_COLUMN, f"names {shown}{place}, which the documentation does not", hint)


def _find_table_faults(
    statement: Statement, select: exp.Select, nodes: list[exp.Expr], table: str
) -> Iterator[SqlFault]:
    """Check that FROM names the table; a source that is not a table by name is only warned of."""
    source = select.args.get("from_")
    if source is None:
        yield SqlFault(Rule.WRONG_TABLE, "reads no table", f"write FROM {table}")
        return
    read = source.this.this if isinstance(source.this, exp.Final) else source.this
    if not isinstance(read, exp.Table) or not isinstance(read.this, exp.Identifier):
        # Subqueries are warned of as such.
        if not isinstance(read, exp.Subquery):
            message = "reads something other than a table, which is not documented"
            yield SqlFault(Rule.UNDOCUMENTED_SOURCE, message, f"write FROM {table}")
        return
    if read.name.lower() in {node.alias.lower() for node in nodes if isinstance(node, exp.CTE)}:
        return
    place = statement.place(read.this.meta.get("start"))
    if read.name.lower() != table.lower():
        hint = f"write FROM {table}, or move it to the key of the table it reads"
        yield SqlFault(Rule.WRONG_TABLE, f"reads another table{place}", hint)
    elif read.args.get("db"):
        message = f"names its table with a schema{place}, which is not documented"
        yield SqlFault(Rule.UNDOCUMENTED_SOURCE, message, f"write FROM {table}")

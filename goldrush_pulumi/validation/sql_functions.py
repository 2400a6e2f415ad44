"""The functions that the SELECT of a transform calls: documented, aggregates, and others."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from sqlglot import TokenType, exp
from sqlglot.dialects.clickhouse import ClickHouse

from goldrush_pulumi.validation.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlglot import Token

    from goldrush_pulumi.validation.sql_parser import Statement

# MIN and MAX of several values are scalar functions in some dialects.
_SOMETIMES_SCALAR: Final = (exp.Min, exp.Max)

_DOCUMENTED: Final = (exp.Lower, exp.Substring, exp.Concat, exp.Trim, exp.Cast, exp.Case, exp.Coalesce, exp.Nullif)

_DOCUMENTED_NAMES: Final = frozenset(["LOWER", "SUBSTRING", "CONCAT", "TRIM", "CAST", "COALESCE", "NULLIF"])

# The parser takes these for functions; a subquery is warned of as such.
_NOT_FUNCTIONS: Final = (exp.Connector, exp.SubqueryPredicate)

# Behind a comparison they are quantifiers, and anywhere else aggregates.
_QUANTIFIERS: Final = frozenset({"ANY", "SOME"})

_MOST_SHOWN: Final = 40


def find_function_faults(statement: Statement, nodes: list[exp.Expr]) -> Iterator[tuple[Rule, str, str]]:
    """Find aggregates and undocumented functions, each name once. Only names that stand in the text are shown."""
    calls = {token.start: (before, token) for before, token in statement.calls()}
    done: set[str] = set()
    for node in nodes:
        if not isinstance(node, exp.Func) or _is_documented(node):
            continue
        token = _find_call(node, calls)
        name = token.text.upper() if token else ""
        aggregate = _is_aggregate(node, name)
        # A part of the tree without a call in the text is an operator, which only the parser takes for a function.
        if name in done or name in _DOCUMENTED_NAMES or not (token or aggregate):
            continue
        done.add(name)
        yield _describe_function(name, statement.place(token.start if token else None), aggregate=aggregate)
    for before, token in calls.values():
        name = token.text.upper()
        if name in _QUANTIFIERS and name not in done and not _is_comparison(before):
            done.add(name)
            yield _describe_function(name, statement.place(token.start), aggregate=True)


def _find_call(node: exp.Func, calls: dict[int, tuple[Token | None, Token]]) -> Token | None:
    """Return the name by which the text calls a function; None where it does not."""
    start = node.meta.get("start")
    if isinstance(start, int):
        before, token = calls.get(start, (None, None))
        # `INTERVAL '1' DAY(3)` gives a precision, and `= SOME (1, 2)` compares.
        is_unit = before is not None and before.token_type == TokenType.STRING
        is_quantifier = token is not None and token.text.upper() in _QUANTIFIERS
        return None if is_unit or is_quantifier else token
    names = {name.upper() for name in type(node).sql_names()} | {node.name.upper()}
    if isinstance(node, exp.GroupConcat):
        names |= {"STRING_AGG", "LISTAGG"}
    found = (token for _, token in calls.values() if token.text.upper().replace("_", "") in {_fold(n) for n in names})
    return next(found, None)


def _fold(name: str) -> str:
    return name.replace("_", "")


def _is_comparison(token: Token | None) -> bool:
    return token is not None and bool(re.fullmatch(r"[=<>!]+|LIKE|ILIKE|RLIKE", token.text.upper()))


def _is_documented(node: exp.Func) -> bool:
    if isinstance(node, exp.If):
        return isinstance(node.parent, exp.Case)
    if isinstance(node.parent, exp.Window):
        # Reported once, as the window.
        return True
    # TRY_CAST is a kind of CAST to the parser only.
    return isinstance(node, (*_DOCUMENTED, *_NOT_FUNCTIONS)) and not isinstance(node, exp.TryCast)


# What an aggregate of a dialect unknown to the parser is called: `XMLAGG`, `BIT_AND`, `EVERY`, `COLLECT_SET`.
_AGGREGATE_NAME: Final = re.compile(
    r"\w*AGG|(?:BIT|BOOL|LOGICAL)_(?:AND|OR|XOR)|EVERY|COLLECT(?:_\w+)?|FUSION|LISTAGG"
    r"|(?:APPROX|REGR|COVAR|STDDEV|VAR|PERCENTILE|QUANTILE|HISTOGRAM|MEDIAN|KURTOSIS|SKEWNESS)_\w+"
)


def _is_aggregate(node: exp.Func, name: str) -> bool:
    if isinstance(node, _SOMETIMES_SCALAR) and node.expressions:
        return False
    # Only an aggregate takes DISTINCT, a star, an order or a filter.
    if isinstance(node.parent, (exp.WithinGroup, exp.Filter)) or isinstance(node, exp.AggFunc):
        return True
    arguments = [*node.expressions, node.this]
    if any(isinstance(argument, (exp.Distinct, exp.Order, exp.Star)) for argument in arguments):
        return True
    return isinstance(node, exp.Anonymous) and (name in _aggregate_names() or bool(_AGGREGATE_NAME.fullmatch(name)))


@cache
def _aggregate_names() -> frozenset[str]:
    """The names of every aggregate that the parser knows in any dialect, for calls that it read by another."""
    known = {name.upper() for func in exp.ALL_FUNCTIONS if issubclass(func, exp.AggFunc) for name in func.sql_names()}
    return frozenset(known | {name.upper() for name in ClickHouse.Parser.AGG_FUNC_MAPPING})


def _describe_function(name: str, place: str, *, aggregate: bool) -> tuple[Rule, str, str]:
    if aggregate:
        shown = f"the aggregate {name[:_MOST_SHOWN]}()" if name else "an aggregate"
        hint = "a transform reads one row at a time, so aggregate at the destination"
        return Rule.AGGREGATE, f"holds {shown}{place}, which GoldRush refuses", hint
    hint = "try it on a pipeline that does not matter, or use a documented one"
    return Rule.UNDOCUMENTED_FUNCTION, f"calls {name[:_MOST_SHOWN]}(){place}, which is not documented", hint

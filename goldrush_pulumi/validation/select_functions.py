"""The functions of a transform's SELECT: aggregates, which GoldRush refuses, and those it does not document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from goldrush_pulumi.validation.problems import Severity
    from goldrush_pulumi.validation.select_parser import Statement

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
_SHOWN = 40


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
            yield _describe(node, name[:_SHOWN], where)


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


def _describe(node: exp.Func, name: str, where: str) -> tuple[str, str, Severity]:
    scalar = isinstance(node, _SOMETIMES_SCALAR) and node.expressions
    if isinstance(node, _AGGREGATES) and not scalar:
        right = "a transform reads one row at a time, so aggregate at the destination"
        return f"holds the aggregate {name}(){where}, which GoldRush refuses", right, "error"
    right = "try it on a pipeline that does not matter, or use one that is documented"
    return f"calls {name}(){where}, which is not documented", right, "warning"

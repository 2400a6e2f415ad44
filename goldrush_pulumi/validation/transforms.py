"""Rules for transforms: what can be judged of a SELECT before, and instead of, parsing it.

Source: the page "SQL transforms" of the GoldRush Pipeline API documentation. What it names as refused is an error; what
it leaves open is a warning. It names no dialect, so a text that no parser can read is a warning too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from goldrush_pulumi.schema.sql_tokens import find_unclosed, tokens_of
from goldrush_pulumi.validation.problems import Problem, describe_place, entry_path
from goldrush_pulumi.validation.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

_GREATEST_LENGTH: Final = 50_000
_GREATEST_DEPTH: Final = 200
_OPENING: Final = frozenset({"(", "[", "CASE"})
_CLOSING: Final = frozenset({")", "]", "END"})
# A parser goes one level down for each of these in a row.
_PREFIXES: Final = frozenset({"NOT", "-", "+", "INTERVAL", "EXISTS"})
_FIRST_WORDS: Final = frozenset({"SELECT", "WITH"})


def find_transform_problems(table: str, sql: str) -> Iterator[Problem]:
    """Check the SELECT of one table. The parser is loaded by the first call that needs it.

    The time is bounded: texts that are very long or very deep never reach the parser.
    """
    path = entry_path("transforms", table)
    if not _begins_like_a_select(sql):
        yield Problem(Rule.NOT_A_SELECT, path, "is not a SELECT", f"write one SELECT that reads {table}")
    elif len(sql) > _GREATEST_LENGTH:
        message = f"is longer than {_GREATEST_LENGTH} characters and was not checked"
        yield Problem(Rule.UNREADABLE_SQL, path, message, "shorten it if you can")
    elif _is_too_deep(sql):
        message = f"is nested more than {_GREATEST_DEPTH} levels deep and was not checked"
        yield Problem(Rule.UNREADABLE_SQL, path, message, "write it with fewer levels")
    elif unclosed := find_unclosed(sql):
        what, offset = unclosed
        yield Problem(Rule.UNBALANCED_SQL, path, f"holds {what}{describe_place(sql, offset)}", "close it or remove it")
    else:
        from goldrush_pulumi.validation.sql_rules import find_select_faults  # noqa: PLC0415 - loads the parser

        for fault in find_select_faults(sql, table):
            yield Problem(fault.rule, path, fault.message, fault.hint)


def _begins_like_a_select(sql: str) -> bool:
    words = (word for word in tokens_of(sql) if word != "(")
    return next(words, "").upper() in _FIRST_WORDS


def _is_too_deep(sql: str) -> bool:
    """Whether a parser may have to hold too many levels at once; read only as far as needed to know."""
    depth = run = 0
    for token in map(str.upper, tokens_of(sql)):
        run = run + 1 if token in _PREFIXES else 0
        depth += (token in _OPENING) - (token in _CLOSING) + _count_odd(token)
        if depth + run > _GREATEST_DEPTH:
            return True
    return False


def _count_odd(token: str) -> int:
    """Count brackets and prefixes that the tokenizer leaves in one piece, such as `{{{` and `~~~`."""
    return 0 if token[:1].isalnum() else token.count("{") + token.count("~") + token.count("<") - token.count("}")

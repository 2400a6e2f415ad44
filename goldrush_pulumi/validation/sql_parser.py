"""Reading a SELECT with sqlglot. This module alone loads the parser; whoever imports it pays for that."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property

import sqlglot
from sqlglot import Token, TokenType, exp
from sqlglot.errors import ParseError, TokenError

# GoldRush names no dialect. A text that one of these can read may be right.
_DIALECTS = ("", "postgres", "spark", "clickhouse", "mysql")

# sqlglot logs what it does not support, with the text of the statement.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True)
class Statement:
    """One text that was read as SQL: its statements as trees, and its tokens, which know where things stand."""

    sql: str
    dialect: str
    trees: tuple[exp.Expr, ...]

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """The tokens of the text."""
        return tuple(sqlglot.tokenize(self.sql, read=self.dialect or None))

    def place(self, offset: int | None) -> str:
        """Say where a character stands, for a sentence; nothing when that is not known."""
        return describe_place(self.sql, offset)

    def find_token(self, *types: TokenType) -> int | None:
        """Find the first token of one of the types, outside of brackets if there is one."""
        found: list[tuple[int, int]] = []
        depth = 0
        for token in self.tokens:
            depth += (token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN)
            if token.token_type in types:
                found.append((depth, token.start))
        return min(found)[1] if found else None

    def find_call(self, names: tuple[str, ...]) -> Token | None:
        """Find the first call of a function by any of its names: the token of the name."""
        for token, following in zip(self.tokens, self.tokens[1:], strict=False):
            if token.text.upper() in names and following.token_type == TokenType.L_PAREN:
                return token
        return None


class UnreadableError(Exception):
    """No dialect reads the text; `place` says where the first one gave up."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.place = place


class TooDeepError(Exception):
    """The text has more levels than the parser can hold on the present stack."""


def read_statement(sql: str) -> Statement:
    """Read a text.

    Raises:
        UnreadableError: No known dialect reads it.
        TooDeepError: The parser ran out of stack.
    """
    answers = (_parse(sql, dialect) for dialect in _DIALECTS)
    faults: list[UnreadableError] = []
    for answer in answers:
        if isinstance(answer, Statement):
            return answer
        faults.append(answer)
    raise faults[0]


def _parse(sql: str, dialect: str) -> Statement | UnreadableError:
    try:
        trees = sqlglot.parse(sql, read=dialect or None)
    except RecursionError:
        raise TooDeepError from None
    except (ParseError, TokenError) as error:
        return UnreadableError(_place_of(error))
    return Statement(sql, dialect, tuple(tree for tree in trees if tree is not None))


def describe_place(sql: str, offset: int | None) -> str:
    """Say at which line and column a character stands: " at line 2, column 5"."""
    if offset is None:
        return ""
    line, last_break = sql.count("\n", 0, offset) + 1, sql.rfind("\n", 0, offset)
    return f" at line {line}, column {offset - last_break}"


def _place_of(error: ParseError | TokenError) -> str:
    details = error.errors[0] if isinstance(error, ParseError) and error.errors else {}
    line, column = details.get("line"), details.get("col")
    return f" near line {line}, column {column}" if isinstance(line, int) and isinstance(column, int) else ""

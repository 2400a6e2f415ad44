"""Parsing a SELECT with sqlglot. This module loads the parser, which takes a noticeable part of a second."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import sqlglot
from sqlglot import Token, TokenType, exp
from sqlglot.errors import ParseError, TokenError

from goldrush_pulumi.validation.problems import describe_place

if TYPE_CHECKING:
    from collections.abc import Iterator

# GoldRush names no dialect. A text that one of these can read may be right.
_DIALECTS: Final = ("", "postgres", "spark", "clickhouse", "mysql", "trino")

# sqlglot logs what it does not support, with the text of the statement.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL + 1)


@dataclass(frozen=True)
class Statement:
    """One text that was read as SQL: its statements as trees, and its tokens with their places."""

    sql: str
    dialect: str
    trees: tuple[exp.Expr, ...]

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """The tokens of the text."""
        return tuple(sqlglot.tokenize(self.sql, read=self.dialect or None))

    def place(self, offset: int | None) -> str:
        """Return where a character stands, for a sentence; nothing when that is not known."""
        return describe_place(self.sql, offset)

    def find_word(self, *words: str) -> int | None:
        """Return the offset of the first keyword that begins with one of the words, outside of brackets if possible."""
        found: list[tuple[int, int]] = []
        depth = 0
        for token in self.tokens:
            depth += (token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN)
            is_quoted = token.token_type in (TokenType.STRING, TokenType.IDENTIFIER)
            if not is_quoted and token.text.upper().split(maxsplit=1)[:1] in [[word] for word in words]:
                found.append((depth, token.start))
        return min(found)[1] if found else None

    def calls(self) -> Iterator[tuple[Token | None, Token]]:
        """Yield each word that is followed by a bracket, and the token before it."""
        for before, token, after in zip((None, *self.tokens), self.tokens, self.tokens[1:], strict=False):
            if after.token_type == TokenType.L_PAREN and token.text[:1].isidentifier():
                yield before, token


class UnreadableError(Exception):
    """No dialect reads the text; `place` is where the first one gave up."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.place = place


class TooDeepError(Exception):
    """The text has more levels than the parser can hold on the present stack."""


def read_statement(sql: str) -> Statement:
    """Parse a text.

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
    # A comment behind the last semicolon is a statement to the parser.
    statements = tuple(tree for tree in trees if tree is not None and not isinstance(tree, exp.Semicolon))
    return Statement(sql, dialect, statements) if statements else UnreadableError("")


def _place_of(error: ParseError | TokenError) -> str:
    details = error.errors[0] if isinstance(error, ParseError) and error.errors else {}
    line, column = details.get("line"), details.get("col")
    return f" near line {line}, column {column}" if isinstance(line, int) and isinstance(column, int) else ""

"""SQL texts as tokens: which texts are equal up to white space and comments, and what is left open in one.

GoldRush names no SQL dialect, so quoting and case may matter and stay differences. Only what no dialect gives a
meaning to is folded: white space between tokens, comments, and semicolons at the end. Where dialects read a text
differently (a backslash before a quote, `$$`, an optimizer hint), it is kept to the letter.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

# One of the alternatives fits at every character, and none gives back what it took: the time is linear in the text.
_TOKEN: Final = re.compile(
    r"""
      (?P<skip> [ \t\r\n\f\v]+ | --[^\r\n]* | /\*(?![+!]).*?(?:\*/|\Z) )
    | /\*.*?(?:\*/|\Z)                                            # a hint: a comment that says something
    | (?:[A-Za-z]&?)?'(?:[^'\\]|\\(?:[^']|\Z)|'')*(?:'|\\'.*|\Z)  # E'...' is not E '...'
    | "(?:[^"\\]|\\(?:[^"]|\Z)|"")*(?:"|\\".*|\Z)
    | `(?:[^`\\]|\\(?:[^`]|\Z)|``)*(?:`|\\`.*|\Z)
    | \$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z)
    | \d[\w.]*(?:(?<=[eE])[+-]\d+)? | \w+
    | ->>? | [-+$/(),;.\[\]]                                      # a sign is a token of its own: =-1 is = -1
    | [^-+$/\w'"`(),;.\[\] \t\r\n\f\v]+
    """,
    re.VERBOSE | re.DOTALL,
)


@lru_cache(maxsize=4096)
def canonical_sql(sql: str) -> str:
    """Return the tokens of `sql` joined by line feeds: equal for texts that differ in layout and comments only.

    Literals and quoted names are kept to the letter. The result is for comparison, never for sending.
    """
    tokens = list(tokens_of(sql))
    while tokens and tokens[-1] == ";":
        tokens.pop()
    return "\n".join(tokens)


def tokens_of(sql: str) -> Iterator[str]:
    """Yield the tokens of `sql` without white space and comments, in time linear in its length."""
    return (match.group() for match in _TOKEN.finditer(sql) if match["skip"] is None)


_CLOSED_BY: Final = {"(": ")", "[": "]"}


def find_unclosed(sql: str) -> tuple[str, int] | None:
    """Return what is not closed in `sql`, for a sentence, and its offset; None where every dialect may close it.

    Where dialects differ about the end of a quoted text (a backslash before a quote, `$$`), it counts as closed.
    """
    opened: list[tuple[str, int]] = []
    for match in _TOKEN.finditer(sql):
        token = match.group()
        quote = _open_quote(token)
        if quote:
            return quote, match.start()
        if token in _CLOSED_BY:
            opened.append((token, match.start()))
        elif token in (")", "]") and (not opened or _CLOSED_BY[opened.pop()[0]] != token):
            return "a bracket that closes nothing", match.start()
    return ("a bracket that is not closed", opened[-1][1]) if opened else None


def _open_quote(token: str) -> str | None:
    if token.startswith("/*") and not (token.endswith("*/") and len(token) > len("/**")):
        return "a comment that is not closed"
    quote = next((quote for quote in "'\"`" if token.startswith(quote) or token[1:3].lstrip("&").startswith(quote)), "")
    is_literal = quote and (token[0] == quote or token[0].isalpha())
    return "a quote that is not closed" if is_literal and "\\" not in token and token.count(quote) % 2 else None

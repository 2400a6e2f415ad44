"""What two SQL texts have in common: equality up to white space and comments.

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
    """The tokens of `sql` joined by a line feed each: equal for two texts that differ in layout and comments only.

    Literals and quoted names are kept to the letter. The result is for comparison, never for sending.
    """
    tokens = list(tokens_of(sql))
    while tokens and tokens[-1] == ";":
        tokens.pop()
    return "\n".join(tokens)


def tokens_of(sql: str) -> Iterator[str]:
    """The tokens of `sql` one after the other, without white space and comments, in time linear in its length."""
    return (match.group() for match in _TOKEN.finditer(sql) if match["skip"] is None)

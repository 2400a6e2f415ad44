"""What two SQL texts have in common: equality up to white space and comments.

GoldRush names no SQL dialect, so quoting and case may matter and stay differences. Only what no dialect gives a
meaning to is folded: white space between tokens, comments, and semicolons at the end.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_TOKEN: Final = re.compile(
    r"""
      (?P<skip> \s+ | --[^\n]* | /\*.*?(?:\*/|\Z) )
    | '(?:[^']|'')*(?:'|\Z)
    | "(?:[^"]|"")*(?:"|\Z)
    | `(?:[^`]|``)*(?:`|\Z)
    | \d[\w.]* | \w+
    | [(),;.\[\]]
    | (?: (?!--|/\*) [^\w\s'"`(),;.\[\]] )+
    """,
    re.VERBOSE | re.DOTALL,
)


@lru_cache(maxsize=4096)
def canonical_sql(sql: str) -> str:
    """The tokens of `sql` joined by a line feed each: equal for two texts that differ in layout and comments only.

    Literals and quoted names are kept to the letter. The result is for comparison, never for sending.
    """
    tokens = [match.group() for match in _TOKEN.finditer(sql) if match.lastgroup != "skip"]
    while tokens and tokens[-1] == ";":
        tokens.pop()
    return "\n".join(tokens)

"""SQL as people like to read it, wherever that leaves its meaning alone."""

from __future__ import annotations

import textwrap
from typing import Any

from goldrush_pulumi.validation.sql import canonical_sql


def tidied(sql: Any) -> Any:
    """A statement without its margin and the white space around it; as it is where that would say something else."""
    if not isinstance(sql, str):
        return sql
    lines = textwrap.dedent(sql.strip("\n")).strip().splitlines()
    tidy = "\n".join(line.rstrip() for line in lines)
    return tidy if means_the_same(tidy, sql) else sql


def means_the_same(one: str, other: str) -> bool:
    """Whether a change from one statement to the other is none."""
    return canonical_sql(one) == canonical_sql(other)

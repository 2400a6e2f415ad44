"""SELECTs that hold only what the documentation of SQL transforms allows, laid out in many ways."""

from __future__ import annotations

from hypothesis import strategies as st

NAMES = st.from_regex(r"[a-z][a-z0-9]{2,9}_(?:id|at|of|no)", fullmatch=True)
_NUMBERS = st.one_of(st.integers(0, 10**30).map(str), st.decimals(0, 10**6, places=3).map(str))
_WORDS = st.text("abc XYZ0-9_;().,%?!äß€", max_size=12)
_CONSTANTS = st.sampled_from(["NULL", "TRUE", "false", "''", "'it''s'"])
_LITERALS = _NUMBERS | _WORDS.map(lambda text: f"'{text}'") | _CONSTANTS
_TYPES = st.sampled_from(["DOUBLE", "VARCHAR", "BIGINT", "DECIMAL(38, 0)", "STRING", "BOOLEAN", "TIMESTAMP"])
_SPACES = st.sampled_from([" ", "\n", "\t", "  \r\n ", " -- a JOIN in a comment\n", " /* GROUP BY x */ "])


def _expressions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    condition = st.builds("{} {} {}".format, inner, st.sampled_from(["=", "<>", "<", ">=", "LIKE"]), inner)
    return st.one_of(
        st.builds("{} {} {}".format, inner, st.sampled_from(["+", "-", "*", "/", "%"]), inner),
        st.builds("({})".format, inner),
        st.builds("{}({})".format, st.sampled_from(["LOWER", "TRIM", "lower"]), inner),
        st.builds("SUBSTRING({}, 1, 4)".format, inner),
        st.builds("{}({}, {})".format, st.sampled_from(["CONCAT", "COALESCE", "NULLIF"]), inner, inner),
        st.builds("CAST({} AS {})".format, inner, _TYPES),
        st.builds("CASE WHEN {} THEN {} ELSE {} END".format, condition, inner, inner),
    )


EXPRESSIONS = st.recursive(NAMES | _LITERALS, _expressions, max_leaves=5)
_CONDITIONS = st.recursive(
    st.one_of(
        st.builds("{} {} {}".format, EXPRESSIONS, st.sampled_from(["=", "!=", "<=", ">"]), EXPRESSIONS),
        st.builds("{} IN ({}, {})".format, NAMES, _LITERALS, _LITERALS),
        st.builds("{} {} '%x_'".format, NAMES, st.sampled_from(["LIKE", "NOT LIKE"])),
        st.builds("{} BETWEEN {} AND {}".format, NAMES, _NUMBERS, _NUMBERS),
        st.builds("{} IS {}".format, NAMES, st.sampled_from(["NULL", "NOT NULL"])),
    ),
    lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from(["AND", "or"]), inner),
    max_leaves=3,
)


@st.composite
def selects(draw: st.DrawFn, table: str) -> str:
    """A SELECT of the table's rows by documented means."""
    columns = draw(st.lists(EXPRESSIONS, min_size=1, max_size=4))
    aliases = draw(st.lists(NAMES, min_size=len(columns), max_size=len(columns), unique=True))
    items = [f"{column} AS {alias}" for column, alias in zip(columns, aliases, strict=True)]
    space, end = draw(_SPACES), draw(st.sampled_from(["", ";", " ;\n", " -- end", "; -- end", ";\n/* end */ "]))
    source = draw(st.sampled_from([table, table.upper(), f'"{table}"', f"{table} s"]))
    words = [
        draw(st.sampled_from(["SELECT", "select"])),
        draw(st.sampled_from(["*", ", ".join(items)])),
        "FROM",
        source,
    ]
    where = draw(st.none() | _CONDITIONS)
    return space.join([*words, *(["WHERE", where] if where else [])]) + end

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from goldrush_pulumi.schema import sql_tokens as sql
from goldrush_pulumi.schema.sql_tokens import canonical_sql

LAYOUT = st.sampled_from([" ", "\n", "\t", "\r\n", "  ", "/* note */", "/**/", "\n-- it's a note\n", " /* a\nb */ "])
LITERALS = ["'raw  text'", "'it''s'", "''", '"Mixed Case"', "`back tick`", "E'a;b'", "'-- no comment'", "$$ a  b $$"]
WORDS = ["SELECT", "chain_name", "FROM", "swaps", "WHERE", "x1", "1", "1.5", "1e-5", "0", *LITERALS]
SIGNS = ["(", ")", ",", "=", "<=", "<>", "||", "+", "*", ";", ".", "[", "]", "->>", "::", "-"]

TEXTS = st.lists(st.sampled_from([*WORDS, *SIGNS]), min_size=1, max_size=12)


@given(TEXTS, st.data())
def test_layout_never_counts(tokens: list[str], data: st.DataObject) -> None:
    """White space and comments between tokens, of any kind and number, make no difference."""
    plain = " ".join(tokens)
    laid_out = "".join(part for token in tokens for part in (data.draw(LAYOUT), token)) + data.draw(LAYOUT)

    assert canonical_sql(laid_out) == canonical_sql(plain)


@pytest.mark.parametrize(
    ("tight", "loose"),
    [
        ("SELECT a,b FROM t WHERE c=-1", "SELECT a , b FROM t WHERE c = -1"),
        ("SELECT count(*)FROM t", "SELECT count( * ) FROM t"),
        ("SELECT t.a FROM t", "SELECT t . a FROM t"),
        ("SELECT a[1]+b FROM t", "SELECT a [ 1 ] + b FROM t"),
        ("SELECT x->>'k' FROM t", "SELECT x ->> 'k' FROM t"),
        ("SELECT a FROM t;", "SELECT a FROM t"),
        ("SELECT a FROM t ; ; -- done", "SELECT a FROM t"),
        ("SELECT a -- first\rFROM t", "SELECT a FROM t"),
        ("SELECT a FROM t /* never closed", "SELECT a FROM t"),
        ("", " \n\t-- nothing\n"),
    ],
)
def test_spellings_of_the_same_query_are_equal(tight: str, loose: str) -> None:
    """Spaces around signs and semicolons at the end are layout too."""
    assert canonical_sql(tight) == canonical_sql(loose)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT a", "select a"),
        ('SELECT "a"', "SELECT a"),
        ("SELECT 'a'", 'SELECT "a"'),
        ("SELECT 'a  b'", "SELECT 'a b'"),
        ("SELECT 'a' 'b'", "SELECT 'a''b'"),
        ("SELECT ab", "SELECT a b"),
        ("SELECT a<=b", "SELECT a< =b"),
        ("SELECT 1e-5", "SELECT 1e - 5"),
        ("SELECT E'a'", "SELECT E 'a'"),
        ("SELECT a -> b", "SELECT a - > b"),
        ("SELECT 1; SELECT 2", "SELECT 1 SELECT 2"),
        ("SELECT a/b", "SELECT a/ *b"),
        # Where dialects read a text differently, it counts to the letter.
        (r"SELECT 'it\'s  two'", r"SELECT 'it\'s two'"),
        (r"SELECT 'it\'s', 'a -- b'", r"SELECT 'it\'s', 'a'"),
        ("SELECT $$a  b$$", "SELECT $$a b$$"),
        ("SELECT $q$ 'a -- b $q$", "SELECT $q$ 'a $q$"),
        ("SELECT /*+ broadcast(a) */ a", "SELECT a"),
        ("SELECT /*! STRAIGHT_JOIN */ a", "SELECT a"),
        ("SELECT a\u00a0FROM t", "SELECT a FROM t"),
    ],
)
def test_what_may_mean_something_else_differs(one: str, other: str) -> None:
    """Case, quoting, literals, tokens run together or torn apart, hints and odd spaces are changes."""
    assert canonical_sql(one) != canonical_sql(other)


@given(st.sampled_from(["'", '"', "`"]), st.text(max_size=20), st.text(max_size=20), st.sampled_from(["double", "\\"]))
@example("'", "a  b", "a b", "double")
@example("'", "-- a", "-- b", "double")
@example("'", "\\", "\\\\", "\\")
def test_a_change_inside_a_literal_always_counts(quote: str, one: str, other: str, escape: str) -> None:
    """Two texts that differ only within a literal are never equal, however the dialect escapes quotes."""
    escaped = quote * 2 if escape == "double" else escape + quote
    texts = [f"a = {quote}{text.replace(quote, escaped)}{quote} -- b" for text in (one, other)]

    assert (canonical_sql(texts[0]) == canonical_sql(texts[1])) == (one == other)


@given(st.text(alphabet="ab1e'\"`\\$/*-+!.;=<>()[] \n\u00a0", max_size=40))
def test_nothing_is_dropped(text: str) -> None:
    """Every character of any text belongs to a token, to layout or to a comment; the canonical form is its own."""
    assert "".join(match.group() for match in sql._TOKEN.finditer(text)) == text
    assert canonical_sql(canonical_sql(text)) == canonical_sql(text)


@pytest.mark.untraced
@pytest.mark.parametrize("part", ["'", '"', "''a", "(", "/* ", "*/ ", "\\'", "'\\", "$a", "$$a", "é", "->"])
def test_hostile_text_is_read_in_one_pass(part: str) -> None:
    """A megabyte of openings that never close ends where a short one ends; a step back each would take days."""
    text = part * (1_000_000 // len(part))

    kept = canonical_sql.__wrapped__(text).replace("\n", "")

    assert kept == ("" if part == "/* " else text.replace(" ", ""))

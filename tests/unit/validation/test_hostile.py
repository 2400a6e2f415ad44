"""Input that nobody sends by accident. That none of it takes for ever is proven by the work it may cause."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldrush_pulumi.schema.urls import carries_credentials
from goldrush_pulumi.validation import find_problems
from goldrush_pulumi.validation.abi import snake_case
from goldrush_pulumi.validation.documents import read_ignored
from goldrush_pulumi.validation.topics import find_topic_problems
from tests.unit.validation.corpus import read_corpus

if TYPE_CHECKING:
    from goldrush_pulumi.validation import Problem

MEGABYTE = 1_000_000
POSTGRES, *_ = (entry.inputs for entry in read_corpus("valid"))
EVENTS = next(entry.inputs for entry in read_corpus("valid") if entry.name == "the events base")
_KEYWORDS = (
    "SELECT FROM WHERE JOIN GROUP BY ORDER UNION CASE WHEN THEN END NOT AND OR IN BETWEEN CAST AS STRUCT ARRAY OVER"
    " PARTITION WITH LATERAL INTERVAL DATE"
)
_OTHERS = "swaps a b 1 1e9 ( ) [ ] { } , ; ' \" ` . * + - < > = \\ -- /* */ :: -> $$ @ # ~"
_WORDS = st.sampled_from([*_KEYWORDS.split(), *_OTHERS.split()])


def judge(sql: str) -> list[Problem]:
    return find_problems({**POSTGRES, "transforms": {"swaps": sql}}, lambda _: False)


@pytest.fixture
def no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a call of the parser an error."""

    def refuse(*_: object) -> None:
        raise AssertionError("the parser was called")

    monkeypatch.setattr("goldrush_pulumi.validation.sql_rules.read_statement", refuse)


@pytest.mark.untraced
@pytest.mark.usefixtures("no_parser")
@pytest.mark.parametrize(
    ("sql", "fragment"),
    [
        ("(" * MEGABYTE, "is not a SELECT"),
        ("SELECT " + "(" * MEGABYTE, "was not checked"),
        ("SELECT " + "NOT " * (MEGABYTE // 4) + "a FROM swaps", "was not checked"),
        ("SELECT " + "()" * (MEGABYTE // 2), "was not checked"),
        ("SELECT a, '" + "x" * MEGABYTE, "was not checked"),
        ("SELECT /*" + "*" * MEGABYTE, "was not checked"),
        ("SELECT " + "a, " * (MEGABYTE // 3) + "b FROM swaps", "was not checked"),
        ("SELECT " + "(" * 40_000, "nested more than 200 levels"),
        ("SELECT " + "(" * 20_000 + "1" + ")" * 20_000 + " FROM swaps", "nested more than 200 levels"),
        ("SELECT " + "NOT " * 10_000 + "a FROM swaps", "nested more than 200 levels"),
        ("SELECT " + "- " * 20_000 + "a FROM swaps", "nested more than 200 levels"),
        ("SELECT " + "CASE WHEN " * 4000, "nested more than 200 levels"),
        ("SELECT " + "[" * 40_000, "nested more than 200 levels"),
        ("SELECT " + "{" * 40_000, "nested more than 200 levels"),
        ("SELECT a, '" + "x" * 40_000, "holds a quote that is not closed"),
        ("SELECT /*" + "*" * 40_000, "holds a comment that is not closed"),
        ("'" * MEGABYTE, "is not a SELECT"),
        (" " * MEGABYTE + "x", "is not a SELECT"),
        ("\\" * MEGABYTE, "is not a SELECT"),
    ],
    ids=range(19),
)
def test_a_megabyte_never_reaches_the_parser(sql: str, fragment: str) -> None:
    """What is too long or too deep for a parser has one clear answer, by work linear in its length."""
    (problem,) = judge(sql)

    assert fragment in str(problem)
    assert len(str(problem)) < 300


@pytest.mark.parametrize("fragment", ["(", "f(", "CASE WHEN ", "NOT ", "- ", "a IN (", "(SELECT ", "EXISTS (", "x -> "])
def test_the_deepest_that_is_read_ends_well(fragment: str) -> None:
    """Just below the limit the parser may run out of stack, which is an answer and no accident."""
    assert {problem.path for problem in judge("SELECT " + fragment * 190 + "1 FROM swaps")} <= {'transforms["swaps"]'}


@pytest.mark.untraced
@settings(max_examples=300)
@given(st.lists(_WORDS, max_size=40).map(" ".join) | st.text(max_size=60))
def test_any_sql_is_judged(sql: str) -> None:
    """No text ends in an exception."""
    assert all(problem.path.startswith("transforms") for problem in judge(f"SELECT {sql}"))


@given(st.text(max_size=60) | st.text(string.ascii_lowercase + "._-$", max_size=60))
def test_any_topic_is_judged(topic: str) -> None:
    """No text ends in an exception, and a topic has one error at most."""
    assert sum(problem.is_error for problem in find_topic_problems(topic)) <= 1


def test_a_long_topic_is_judged() -> None:
    """A megabyte is answered without comparing it with anything."""
    assert [problem.is_error for problem in find_topic_problems("a" * MEGABYTE)] == [True]


_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10) | st.sampled_from(["tuple", "uint256", "event"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["type", "name", "inputs", "components", "indexed", "abi", "anonymous", "x"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@pytest.mark.untraced
@settings(max_examples=300)
@given(_JSON)
def test_any_abi_is_judged(abi: Any) -> None:
    """No value ends in an exception."""
    found = find_problems({**EVENTS, "abi_file": abi}, lambda _: False)

    assert all(problem.path.startswith("abi_file") for problem in found)


def test_a_deep_tuple_is_refused() -> None:
    """Components nested beyond any contract's are refused at the level where it stops being read."""
    parameter: dict[str, Any] = {"type": "bool"}
    for _ in range(60):
        parameter = {"type": "tuple", "components": [parameter]}
    abi = [{"type": "event", "name": "E", "inputs": [parameter]}]

    (problem,) = find_problems({**EVENTS, "abi_file": abi}, lambda _: False)
    assert problem.message == "is nested too deeply"


def test_of_many_mistakes_in_an_abi_fifty_are_said() -> None:
    """A large file that is wrong throughout does not flood the terminal."""
    abi = [{"type": "event", "inputs": []}] * 5000

    assert len(find_problems({**EVENTS, "abi_file": abi}, lambda _: False)) == 50


def test_a_name_of_a_megabyte_is_written_as_a_table() -> None:
    """The words of a name are found by work linear in its length."""
    for name in ("A" * MEGABYTE, "aB" * (MEGABYTE // 2)):
        assert snake_case(name).replace("_", "") == name.lower()
    assert snake_case("getHTTPResponseV2ForNFTs") == "get_http_response_v2_for_nf_ts"


def test_a_comment_without_an_end_ignores_nothing() -> None:
    """A megabyte of openings is read by work linear in its length."""
    assert read_ignored("# goldrush: ignore[" * (MEGABYTE // 19)) == {}


@pytest.mark.parametrize("part", ["/", "@", "a=b&", "${A", "aB3", "hooks.slack.com/services/", "%41", ":"])
def test_a_url_of_a_megabyte_is_looked_through(part: str) -> None:
    """Looking for credentials ends, whatever a URL is made of."""
    assert isinstance(carries_credentials("https://h/?" + part * (MEGABYTE // len(part))), bool)

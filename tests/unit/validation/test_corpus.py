from __future__ import annotations

import pytest

from goldrush_pulumi.validation import Problem, find_problems
from tests.unit.validation.corpus import Entry, read_corpus

VALID, INVALID = read_corpus("valid"), read_corpus("invalid")
EVERY = [*VALID, *INVALID]


def judge(entry: Entry, severity: str) -> list[Problem]:
    found = find_problems(entry.inputs, lambda _: False)
    return [problem for problem in found if problem.severity == severity]


def assert_said(expected: dict[str, list[str]], found: list[Problem]) -> None:
    """Compare by path, and every fragment with what is said at its path."""
    assert sorted({problem.path for problem in found}) == sorted(expected), [str(problem) for problem in found]
    for path, fragments in expected.items():
        said = [str(problem) for problem in found if problem.path == path]
        assert len(said) == len(fragments)
        assert all(any(fragment in text for text in said) for fragment in fragments), said


def test_the_corpus_is_large() -> None:
    """There are enough entries for the corpus to mean something, and no two of one name."""
    assert (len(INVALID) >= 400, len(VALID) >= 400) == (True, True)
    assert len({entry.name for entry in EVERY}) == len(EVERY)


@pytest.mark.parametrize("entry", INVALID, ids=lambda entry: entry.name)
def test_invalid_pipelines(entry: Entry) -> None:
    """Exactly the expected paths are refused, all together, each with the expected words."""
    assert_said(entry.errors, judge(entry, "error"))


@pytest.mark.parametrize("entry", VALID, ids=lambda entry: entry.name)
def test_valid_pipelines(entry: Entry) -> None:
    """Nothing is refused, and exactly the expected paths are warned of."""
    assert judge(entry, "error") == []
    assert_said(entry.warnings, judge(entry, "warning"))


@pytest.mark.untraced
@pytest.mark.parametrize("entry", EVERY, ids=lambda entry: entry.name)
def test_no_secret_is_quoted(entry: Entry) -> None:
    """The planted credentials of the corpus are in no text."""
    assert all("planted" not in str(problem) for problem in find_problems(entry.inputs, lambda _: False))


@pytest.mark.parametrize("entry", VALID, ids=lambda entry: entry.name)
def test_what_was_read_before_is_not_read_again(entry: Entry) -> None:
    """An unchanged pipeline has no more problems than a new one, and none of what its languages say."""
    again = find_problems(entry.inputs, lambda _: False, entry.inputs)

    assert not [
        problem for problem in again if problem.path.startswith(("transforms[", "abi_file[", "abi_contract_addresses["))
    ]

from __future__ import annotations

import pytest

from goldrush_pulumi.validation.problems import (
    Problem,
    advise,
    entry_path,
    field_path,
    list_choices,
    path_keys,
    suggest,
)
from goldrush_pulumi.validation.rules import CODES, Rule


def test_a_problem_reads_as_one_line() -> None:
    """A problem reads path, what is wrong, what would be right."""
    problem = Problem(Rule.MISSING, "topic", "is missing", "every pipeline needs it")

    assert str(problem) == "topic: is missing, every pipeline needs it"
    assert str(Problem(Rule.EMPTY, "topic", "must not be empty")) == "topic: must not be empty"
    assert (problem.severity, problem.is_error) == ("error", True)


@pytest.mark.parametrize(
    ("inner", "outer"),
    [("topic", "pipelines.swaps.topic"), ('["odd name"]', 'pipelines.swaps["odd name"]')],
)
def test_a_problem_keeps_its_words_inside_a_larger_document(inner: str, outer: str) -> None:
    """Only the path grows when the inputs are part of a larger document."""
    problem = Problem(Rule.MISSING, inner, "is wrong", "do right").under("pipelines.swaps")

    assert problem == Problem(Rule.MISSING, outer, "is wrong", "do right")


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("topic", ("topic",)),
        ("pipelines.base-swaps.abi_contract_addresses[2]", ("pipelines", "base-swaps", "abi_contract_addresses", 2)),
        ('pipelines["a.b[0]"].transforms["say \\"hi\\""]', ("pipelines", "a.b[0]", "transforms", 'say "hi"')),
        ('["odd name"]', ("odd name",)),
    ],
)
def test_a_path_is_taken_apart(path: str, keys: tuple[str | int, ...]) -> None:
    """A path names keys and positions, whatever characters the keys hold."""
    assert path_keys(path) == keys


def test_codes_are_unique_and_grouped() -> None:
    """Every rule has a code of its own, and each group counts from one without a gap."""
    assert len(CODES) == len(Rule)
    groups: dict[str, list[int]] = {}
    for code in CODES:
        groups.setdefault(code[:3], []).append(int(code[3:]))
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in groups.values())


@pytest.mark.parametrize(
    ("path", "name", "expected"),
    [
        ("", "topic", "topic"),
        ("destination_config.sasl", "password", "destination_config.sasl.password"),
        ("destination_config", "no name", 'destination_config["no name"]'),
        ("destination_config", 'a"b\n', 'destination_config["a\\"b\\n"]'),
    ],
)
def test_field_paths(path: str, name: str, expected: str) -> None:
    """A field is written with a dot, a name that no program could write so in brackets and on one line."""
    assert field_path(path, name) == expected


@pytest.mark.parametrize(
    ("path", "key", "expected"),
    [("transforms", "swaps", 'transforms["swaps"]'), ("abi_contract_addresses", 2, "abi_contract_addresses[2]")],
)
def test_entry_paths(path: str, key: str | int, expected: str) -> None:
    """Keys of the user and positions are written in brackets."""
    assert entry_path(path, key) == expected


@pytest.mark.parametrize(
    ("word", "expected"), [("pasword", "password"), ("PASSWORD", "password"), ("usr", "user"), ("colour", None)]
)
def test_suggest(word: str, expected: str | None) -> None:
    """Only a choice that is close is suggested, whatever its case."""
    assert suggest(word, ["user", "password", "url"]) == expected


def test_advise() -> None:
    """Advice names the likely choice, or every one when none is likely."""
    assert advise("jsn", ["json", "parquet"]) == 'did you mean "json"?'
    assert advise("xml", ["json", "parquet"]) == 'use "json" or "parquet"'


@pytest.mark.parametrize(
    ("choices", "expected"), [(["a"], '"a"'), (["a", "b"], '"a" or "b"'), (["a", "b", "c"], '"a", "b" or "c"')]
)
def test_list_choices(choices: list[str], expected: str) -> None:
    """Choices are listed as a sentence lists them."""
    assert list_choices(choices) == expected

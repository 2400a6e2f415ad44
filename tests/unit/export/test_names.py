from __future__ import annotations

import keyword
import re

from hypothesis import given
from hypothesis import strategies as st

from goldrush_pulumi.export.names import config_key, resource_name, unique_names, variable_name

TEXTS = st.lists(st.text(max_size=12) | st.sampled_from(["swaps", "Swaps", "swaps 2", "swaps-2", "class", "pulumi"]))


@given(TEXTS)
def test_resource_names_are_usable_and_unique(texts: list[str]) -> None:
    """Whatever pipelines are called, each gets one name of harmless characters, and no two the same."""
    names = unique_names(texts, resource_name)

    assert len(names) == len(texts) == len({name.casefold() for name in names})
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+", name) for name in names)


@given(TEXTS)
def test_variables_are_identifiers(texts: list[str]) -> None:
    """Variables are Python names that neither shadow a keyword nor what the program imports."""
    names = unique_names(texts, variable_name, joint="_")

    assert len(names) == len(set(names))
    assert all(name.isidentifier() and name.isascii() and not keyword.iskeyword(name) for name in names)
    assert not {"pulumi", "goldrush", "config"} & set(names)


@given(TEXTS)
def test_config_keys_are_one_word(texts: list[str]) -> None:
    """No config key holds what a path or a namespace is split at."""
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", key) for key in unique_names(texts, config_key))


def test_good_names_stay() -> None:
    """A name that can be used is kept, and the second of two gets a number."""
    assert unique_names(["base-swaps", "base swaps", "eth.swaps"], resource_name) == [
        "base-swaps",
        "base-swaps-2",
        "eth.swaps",
    ]

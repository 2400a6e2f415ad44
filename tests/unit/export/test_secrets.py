from __future__ import annotations

import json

from goldrush_pulumi.export import UNKNOWN_SECRET, Leaf, first_of, from_environment, from_file, from_stack_config
from goldrush_pulumi.export.credentials import secret_leaves, with_values, without_values

LEAF = Leaf("base-swaps", ("sasl", "password"), "base-swaps-sasl-password", "******")


def test_each_source_finds_its_secret() -> None:
    """A file by shape, the environment by name, and stack config by key or by path answer the same credential."""
    nested = {"base-swaps": {"sasl": {"password": "one"}}}
    declared = {"base-swaps": {"destination_config": {"sasl": {"password": "four"}}}}

    assert from_file(nested)(LEAF) == "one"
    assert from_environment({"GOLDRUSH_EXPORT_BASE_SWAPS_SASL_PASSWORD": "two"})(LEAF) == "two"
    assert from_stack_config({"shop:base-swaps-sasl-password": "three"}, "shop")(LEAF) == "three"
    assert from_stack_config({"shop:pipelines": json.dumps(declared)}, "shop")(LEAF) == "four"


def test_what_a_source_does_not_have_is_none() -> None:
    """Missing, empty and misshapen values are no credentials."""
    for values in ({}, {"base-swaps": "text"}, {"base-swaps": {"sasl": {"password": 5}}}):
        assert from_file(values)(LEAF) is None
    assert from_environment({"GOLDRUSH_EXPORT_BASE_SWAPS_SASL_PASSWORD": ""})(LEAF) is None
    for text in ("not json", "[]", '{"base-swaps": 5}'):
        assert from_stack_config({"shop:pipelines": text}, "shop")(LEAF) is None


def test_the_first_answer_counts() -> None:
    """Sources are asked in their order."""
    assert first_of(lambda _: None, lambda _: "second", lambda _: "third")(LEAF) == "second"
    assert first_of()(LEAF) is None


def test_masks_count_wherever_they_stand() -> None:
    """What the table calls secret is a leaf, and so is whatever the server masked, such as a part of a URL."""
    config = {"url": "postgresql://u:******@db/x", "user": "******", "password": "******", "batch_size": 5}

    assert dict(secret_leaves("postgres", config)) == {
        ("url",): "postgresql://u:******@db/x",
        ("user",): "******",
        ("password",): "******",
    }


def test_an_unknown_secret_is_recorded_by_a_stand_in() -> None:
    """State never gets a mask: the stand-in keeps a URL a URL, and a shown or given value is kept."""
    assert Leaf("a", ("url",), "a-url", "postgresql://u:******@db/x").recorded == (
        f"postgresql://u:{UNKNOWN_SECRET}@db/x"
    )
    assert Leaf("a", ("id",), "a-id", "shown").is_known
    assert not LEAF.is_known
    given = LEAF.filled(lambda _: "known")
    assert (given.is_known, given.recorded) == (True, "known")
    assert "known" not in repr(given).replace("known=", "")


def test_values_are_put_in_and_taken_out_by_path() -> None:
    """Neither way changes the config it is given."""
    config = {"sasl": {"username": "u", "password": "******"}, "output_topic": "t"}
    path = ("sasl", "password")

    assert with_values(config, {path: "p"}) == {"sasl": {"username": "u", "password": "p"}, "output_topic": "t"}
    assert without_values(config, {path}) == {"sasl": {"username": "u"}, "output_topic": "t"}
    assert config == {"sasl": {"username": "u", "password": "******"}, "output_topic": "t"}

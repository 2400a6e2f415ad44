from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from goldrush_pulumi.plugin.names import camel_case, in_program_words, program_path, write_path
from goldrush_pulumi.plugin.values import decode, encode, read, write
from goldrush_pulumi.schema.destinations import DESTINATIONS
from goldrush_pulumi.schema.wire import SECRET_PATHS, UNKNOWN_VALUE, is_secret, secret, unwrap_secrets

KEYS = st.sampled_from(["batch_size", "batchSize", "a b", 'q"', "x", "execution_mode"])
LEAVES = st.text(max_size=5) | st.integers(-9, 2**40) | st.booleans() | st.just(UNKNOWN_VALUE)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))


def marked(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return inner | inner.map(secret)


@st.composite
def programs(draw: st.DrawFn) -> dict[str, Any]:
    """Properties as the engine sends them: a destination with some of its fields, maps of the user's, and marks."""
    kind = DESTINATIONS[draw(st.sampled_from(sorted(DESTINATIONS)))]
    config = {
        camel_case(row.name): draw(marked(VALUES))
        for row in kind.fields
        if row.kind != "object" and draw(st.booleans())
    }
    return {
        "project": draw(marked(st.text(max_size=5))),
        "executionMode": "unbounded",
        "abiContractAddresses": draw(marked(st.lists(marked(st.text(max_size=3)), max_size=3))),
        "triggers": draw(marked(st.dictionaries(KEYS, marked(VALUES), max_size=3))),
        "destination": {camel_case(kind.type): draw(marked(st.just(config)))},
    }


def without_inner_marks(value: Any) -> Any:
    if is_secret(value):
        return secret(unwrap_secrets(value))
    if isinstance(value, dict):
        return {key: without_inner_marks(item) for key, item in value.items()}
    return [without_inner_marks(item) for item in value] if isinstance(value, list) else value


@given(programs())
def test_writing_is_the_inverse_of_reading(properties: dict[str, Any]) -> None:
    """Law: names, values and marks come back as they were; a mark inside of a marked value says nothing more."""
    there = read(encode(properties))

    assert there.problem is None
    assert decode(write(there.values, there.marks)) == without_inner_marks(decode(encode(properties)))


@given(programs())
def test_what_was_read_holds_no_mark_and_no_name_of_a_program(properties: dict[str, Any]) -> None:
    """Law: the verbs see the API's names and plain values, and learn which of them must not be shown."""
    there = read(encode(properties)).values

    hidden = {tuple(path) for path in there.pop(SECRET_PATHS, [])}
    assert unwrap_secrets(there) == there
    assert {"destination_type", "destination_config", "execution_mode"} <= set(there)
    assert (("triggers",) in hidden) is is_secret(properties["triggers"])


def test_every_kind_of_unknown_reads_the_same() -> None:
    """A bool, a number, a list and a map that are not known yet travel as texts of their own."""
    kinds = ["1c4a061d-8072-4f0a-a4cb-0ff528b18fe7", "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2", UNKNOWN_VALUE]
    output = {"4dabf18193072939515e22adb298388d": "d0e6a833031e9bbcd3f4e8bde6ca49a4", "secret": True}

    assert decode(encode({"a": kinds, "b": output})) == {"a": [UNKNOWN_VALUE] * 3, "b": secret(UNKNOWN_VALUE)}


def test_paths_are_written_as_the_engine_reads_them() -> None:
    """Names with a space or a quote in them stand in brackets, positions too."""
    assert write_path(("transforms", "my table")) == 'transforms["my table"]'
    assert write_path(("abiContractAddresses", "2")) == "abiContractAddresses[2]"
    assert write_path(("a", 'b"\\')) == 'a["b\\"\\\\"]'
    assert program_path(("destination_config", "retry", "max_attempts"), "webhook") == (
        "destination",
        "webhook",
        "retry",
        "maxAttempts",
    )
    assert program_path(("triggers", "batch_size"), "webhook") == ("triggers", "batch_size")


def test_messages_use_the_names_of_programs() -> None:
    """Names of inputs and fields are translated wherever they stand, and words that only hold one are not."""
    text = "destination_config.sasl.password: is missing; set execution_mode, not my_execution_mode or abi_file_2"

    assert in_program_words(text, "kafka") == (
        "destination.kafka.sasl.password: is missing; set executionMode, not my_execution_mode or abi_file_2"
    )

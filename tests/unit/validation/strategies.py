"""Valid pipelines of every destination, drawn from the documented fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from goldrush_pulumi.validation import DESTINATIONS

if TYPE_CHECKING:
    from goldrush_pulumi.validation.fields import Field

_WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)
# `\x00`-free, like everything that travels through protobuf; never only white space, never the mask.
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00*"), min_size=1, max_size=20).map(
    lambda text: f"x{text}"
)
_PLACEHOLDER = _WORD.map(lambda word: f"${{ENV_{word.upper()}}}")
_HOST = st.builds("{}.example.com".format, _WORD)
_PORT = st.integers(1, 65535)


def _urls(schemes: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.builds("{}{}:{}/{}".format, st.sampled_from(schemes), _HOST, _PORT, _WORD)


def values(field: Field) -> st.SearchStrategy[Any]:
    """Values a field may have."""
    if field.kind == "object":
        return configs(field.fields)
    if field.kind in {"integer", "text_map", "texts"}:
        return _structures(field)
    return _texts(field) | _PLACEHOLDER


def _structures(field: Field) -> st.SearchStrategy[Any]:
    if field.kind == "text_map":
        return st.dictionaries(_TEXT, _TEXT, max_size=3)
    if field.kind == "texts":
        return st.lists(st.sampled_from(field.choices), max_size=3)
    whole = st.integers(field.minimum, field.maximum or 10**6)
    # The engine turns every number into a float.
    return whole | whole.map(float)


def _texts(field: Field) -> st.SearchStrategy[str]:
    if field.choices:
        return st.sampled_from(field.choices)
    if field.kind == "url":
        return _urls(field.schemes)
    if field.kind == "brokers":
        return st.lists(st.builds("{}:{}".format, _HOST, _PORT), min_size=1, max_size=3).map(",".join)
    return _TEXT


def configs(fields: tuple[Field, ...]) -> st.SearchStrategy[dict[str, Any]]:
    """Maps with all required fields and some of the others."""
    return st.fixed_dictionaries(
        {field.name: values(field) for field in fields if field.required},
        optional={field.name: values(field) for field in fields if not field.required},
    )


@st.composite
def destination_configs(draw: st.DrawFn, destination_type: str) -> dict[str, Any]:
    """Valid configs of one kind of destination, without their type."""
    config = draw(configs(DESTINATIONS[destination_type].fields))
    if config.get("provider") in {"s3", "r2"}:
        config.setdefault("region", "us-east-1")
    if config.get("provider") == "r2":
        config.setdefault("endpoint", "https://r2.example.com")
    return config


_HEIGHT = st.integers(0, 10**9)


@st.composite
def pipelines(draw: st.DrawFn) -> dict[str, Any]:
    """Valid inputs of a pipeline."""
    destination_type = draw(st.sampled_from(sorted(DESTINATIONS)))
    config = draw(destination_configs(destination_type))
    said = draw(st.sampled_from([("inside",), ("outside",), ("inside", "outside")]))
    start, length = draw(_HEIGHT), draw(_HEIGHT)
    segments = draw(st.lists(_WORD, min_size=4, max_size=6))
    inputs = {
        "project": draw(_TEXT),
        "topic": ".".join([*segments[:3], "block", *segments[3:]]),
        "destination_config": {**config, "type": destination_type} if "inside" in said else config,
        "execution_start_from": draw(st.sampled_from([start, str(start), float(start), "", None])),
        "execution_stop_from": draw(st.sampled_from([start + length, str(start + length), ""])),
    }
    if "outside" in said:
        inputs["destination_type"] = destination_type
    return {**inputs, **draw(_extras(processing=destination_type != "kafka"))}


def _extras(*, processing: bool) -> st.SearchStrategy[dict[str, Any]]:
    optional: dict[str, st.SearchStrategy[Any]] = {
        "execution_mode": st.sampled_from(["bounded", "unbounded"]),
        "name": _TEXT,
        "description": st.just("") | _TEXT,
        "status": st.sampled_from(["running", "paused"]),
        "triggers": st.dictionaries(_TEXT, st.integers() | _TEXT | st.lists(_TEXT), max_size=2),
        "wait_for": st.sampled_from(["running", "healthy", "none"]),
        "adopt_id": _WORD.map("pipe_{}".format),
    }
    processed: dict[str, st.SearchStrategy[Any]] = {
        "transforms": st.dictionaries(_TEXT, _TEXT, max_size=2),
        "abi_file": st.lists(st.just({"type": "event"})) | st.just({"abi": []}),
        "abi_contract_addresses": st.lists(_TEXT, max_size=2),
        "abi_unmatched": st.sampled_from(["", "raw"]),
    }
    return st.fixed_dictionaries({}, optional={**optional, **(processed if processing else {})})

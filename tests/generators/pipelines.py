"""Valid pipelines of every destination, drawn from the documented fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from goldrush_pulumi.validation import DESTINATIONS
from tests.generators.abis import abis
from tests.generators.selects import NAMES, selects

if TYPE_CHECKING:
    from goldrush_pulumi.schema.destinations import DestinationField

_WORD = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)
# `\x00`-free, like everything that travels through protobuf; never only white space, never the mask.
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00*"), min_size=1, max_size=20).map(
    lambda text: f"x{text}"
)
_HEADER_NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,15}", fullmatch=True)
_HEADER_VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters="*"), min_size=1).map(
    lambda text: f"x{text}"
)
_METHODS = st.sampled_from(["POST", "PUT", "PATCH", "post", "GET"])
_PLACEHOLDER = _WORD.map(lambda word: f"${{ENV_{word.upper()}}}")
_HOST = st.builds("{}.example.com".format, _WORD)
_PORT = st.integers(1, 65535)


def _urls(schemes: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.builds("{}{}:{}/{}".format, st.sampled_from(schemes), _HOST, _PORT, _WORD)


def values(field: DestinationField) -> st.SearchStrategy[Any]:
    """Values a field may have."""
    if field.kind == "object":
        return configs(field.fields)
    if field.kind in {"integer", "string_map", "string_list"}:
        return _structures(field)
    return _texts(field) | _PLACEHOLDER


def _structures(field: DestinationField) -> st.SearchStrategy[Any]:
    if field.kind == "string_map":
        return st.dictionaries(_HEADER_NAMES, _HEADER_VALUES, max_size=3)
    if field.kind == "string_list":
        return st.lists(st.sampled_from(field.choices), max_size=3)
    whole = st.integers(field.minimum, field.maximum or 10**6)
    # The engine turns every number into a float.
    return whole | whole.map(float)


def _texts(field: DestinationField) -> st.SearchStrategy[str]:
    if field.choices:
        return st.sampled_from(field.choices)
    if field.name == "method":
        return _METHODS
    if field.kind == "url":
        return _urls((*field.schemes, *(scheme for scheme in field.other_schemes if scheme.endswith("//"))))
    if field.kind == "brokers":
        brokers = st.builds("{}{}:{}".format, st.sampled_from(["", "SASL_SSL://"]), _HOST, _PORT)
        ends = st.sampled_from(["{}", "{},", " {} "])
        return st.builds(str.format, ends, st.lists(brokers, min_size=1, max_size=3).map(",".join))
    return _TEXT


def configs(fields: tuple[DestinationField, ...]) -> st.SearchStrategy[dict[str, Any]]:
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
_ADDRESSES = st.from_regex(r"0x[0-9a-f]{40}", fullmatch=True) | st.sampled_from(
    ["0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359", "${CONTRACT}"]
)
_CHAINS = st.sampled_from(["base", "eth", "hypercore", "solana", "newchain"])
_ENTITIES = st.sampled_from(["swap.v3", "swaps", "blocks", "logs", "transactions", "fills", "transfers", "brandnew.v2"])


def topics() -> st.SearchStrategy[str]:
    """Topics of documented chains and entities, and of ones nobody has heard of."""
    known = st.builds("{}.mainnet.ref.block.{}".format, _CHAINS, _ENTITIES)
    words = st.lists(_WORD, min_size=4, max_size=6)
    return known | words.map(lambda parts: ".".join([*parts[:3], "block", *parts[3:]]))


@st.composite
def pipelines(draw: st.DrawFn) -> dict[str, Any]:
    """Valid inputs of a pipeline."""
    destination_type = draw(st.sampled_from(sorted(DESTINATIONS)))
    config = draw(destination_configs(destination_type))
    said = draw(st.sampled_from([("inside",), ("outside",), ("inside", "outside")]))
    start, length = draw(_HEIGHT), draw(_HEIGHT)
    inputs = {
        "project": draw(_TEXT),
        "topic": draw(topics()),
        "destination_config": {**config, "type": destination_type} if "inside" in said else config,
        "execution_start_from": draw(st.sampled_from([start, str(start), float(start), "", None])),
        "execution_stop_from": draw(st.sampled_from([start + length, str(start + length), ""])),
    }
    if "outside" in said:
        inputs["destination_type"] = destination_type
    inputs |= draw(_extras())
    return inputs if destination_type == "kafka" else draw(_processed(inputs))


def _extras() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {},
        optional={
            "execution_mode": st.sampled_from(["bounded", "unbounded"]),
            "name": _TEXT,
            "description": st.just("") | _TEXT,
            "status": st.sampled_from(["running", "paused"]),
            "triggers": st.dictionaries(_TEXT, st.integers() | _TEXT | st.lists(_TEXT), max_size=2),
            "wait_for": st.sampled_from(["running", "healthy", "none"]),
            "adopt_id": _WORD.map("pipe_{}".format),
        },
    )


@st.composite
def _processed(draw: st.DrawFn, inputs: dict[str, Any]) -> dict[str, Any]:
    """The inputs with transforms, and an ABI where the topic has something to decode."""
    processed: dict[str, Any] = dict(inputs)
    names = NAMES | st.sampled_from(["swaps", "blocks", "hl_fills"])
    tables: list[str] = draw(st.lists(names, max_size=2, unique=True))
    even_if_empty = draw(st.booleans())
    if tables or even_if_empty:
        processed["transforms"] = {table: draw(selects(table)) for table in tables}
    entity = processed["topic"].split(".")[4]
    if entity in {"logs", "transactions"} and draw(st.booleans()):
        processed["abi_file"] = draw(abis())
    if draw(st.booleans()):
        processed["abi_contract_addresses"] = draw(st.lists(_ADDRESSES, max_size=2))
        processed["abi_unmatched"] = draw(st.sampled_from(["", "raw"]))
    return processed

from __future__ import annotations

import base64
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi.dynamic.dynamic import serialize_provider

from goldrush_pulumi import engine
from goldrush_pulumi.operations.redaction import secret_leaf_paths
from goldrush_pulumi.provider import PipelineProvider, make_provider
from goldrush_pulumi.validation import DESTINATIONS
from goldrush_pulumi.verbs import with_secrets_marked

if TYPE_CHECKING:
    from pathlib import Path

PICKLED = "gASVMQAAAAAAAACMGGdvbGRydXNoX3B1bHVtaS5wcm92aWRlcpSMDW1ha2VfcHJvdmlkZXKUk5QpUpQu"
"""What stands in the state of every stack that holds a pipeline. It must be readable for ever."""


def test_what_state_holds_makes_a_provider() -> None:
    """State of any release holds these very bytes: they name `make_provider`, which must go on existing."""
    content = base64.b64decode(PICKLED)

    assert len(content) < 100
    assert b"goldrush_pulumi.provider" in content
    assert b"make_provider" in content
    assert isinstance(pickle.loads(content), PipelineProvider)  # noqa: S301 - our own bytes


def test_a_provider_becomes_what_state_holds() -> None:
    """Nothing else is written, whatever the provider has been used for: another text would change every pipeline."""
    provider = make_provider()
    assert base64.b64encode(pickle.dumps(provider, protocol=4)).decode() == PICKLED

    provider._session = object()  # type: ignore[assignment]
    assert base64.b64encode(pickle.dumps(provider, protocol=4)).decode() == PICKLED


@pytest.mark.skipif(
    pickle.DEFAULT_PROTOCOL != 4, reason="the SDK writes in the default protocol, which is another here"
)
def test_the_sdk_writes_the_same() -> None:
    """The SDK's own way of writing a provider comes to the same text, and keeps it out of the secrets."""
    assert serialize_provider(make_provider()) == PICKLED
    assert make_provider().serialize_as_secret_always is False


def modules_after(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(' '.join(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return {name.partition(".")[0] for name in done.stdout.split()}


HEAVY = {"httpx", "pydantic", "tenacity", "sqlglot", "starlette", "uvicorn", "typer", "rich", "yaml"}


@pytest.mark.parametrize(
    "statement",
    [
        "import goldrush_pulumi",
        "import goldrush_pulumi; goldrush_pulumi.Pipeline",
        "import goldrush_pulumi.provider; goldrush_pulumi.provider.make_provider()",
    ],
)
def test_programs_and_plugins_start_without_the_heavy_libraries(statement: str) -> None:
    """Neither a program nor a provider process pays for the network stack before a verb needs it."""
    loaded = modules_after(statement)

    assert "goldrush_pulumi" in loaded
    assert loaded & HEAVY <= modules_after("import pulumi, pulumi.dynamic") & HEAVY


# --- secrets marked ---------------------------------------------------------------------------------------------------

KEYS = sorted({field.name for kind in DESTINATIONS.values() for field in kind.fields} | {"type", "unknown", "api_key"})
LEAVES = st.text(max_size=8) | st.integers(0, 99) | st.none() | st.sampled_from(["https://u:p@h/x", "******"])
CONFIGS = st.dictionaries(
    st.sampled_from(KEYS),
    LEAVES | st.dictionaries(st.sampled_from(["password", "username", "X-A", "max_attempts"]), LEAVES, max_size=3),
    max_size=5,
)
PROPERTIES = st.fixed_dictionaries(
    {"project": st.just("p")},
    optional={
        "destination_type": st.sampled_from([*DESTINATIONS, "none", engine.secret]),
        "destination_config": CONFIGS | st.none() | st.text(max_size=3),
    },
)


def leaf(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


@given(PROPERTIES)
def test_marking_law(properties: dict[str, Any]) -> None:
    """Law: every credential is marked, nothing else is, nothing is changed or lost, and twice is once."""
    before = repr(properties)
    done = with_secrets_marked(properties)

    for path in secret_leaf_paths(properties):
        item = leaf(done["destination_config"], path)
        assert engine.secret(item) is item
    assert engine.unwrap_secrets(done) == properties
    assert repr(done).count("'value'") == len(secret_leaf_paths(properties))
    assert with_secrets_marked(done) == done
    assert repr(properties) == before


def test_what_is_marked_already_stays() -> None:
    """A whole config, or a map inside, that is a secret already is not taken apart."""
    whole = {"destination_type": "postgres", "destination_config": engine.secret({"password": "p"})}
    part = {"destination_type": "kafka", "destination_config": {"sasl": engine.secret({"password": "p"})}}

    assert with_secrets_marked(whole) == whole
    assert with_secrets_marked(part) == part


def test_what_is_not_known_yet_stays() -> None:
    """A password that is only known later is left as it is: its mark comes with its value."""
    unknown = pulumi.output.UNKNOWN
    properties = {"destination_type": "postgres", "destination_config": {"password": unknown, "user": "u"}}

    assert with_secrets_marked(properties, engine.is_unknown) == properties


# --- Hidden properties ------------------------------------------------------------------------------------------------

DECLARED: dict[str, Any] = {
    "project": "analytics",
    "topic": "base.mainnet.ref.block.swap.v3",
    "destination_config": {"type": "webhook", "url": "https://hooks.example.com/in"},
    "name": "swaps",
}


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> PipelineProvider:
    """A provider on a machine without notes of earlier creates."""
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path))
    return make_provider()


@pytest.mark.parametrize(
    ("recorded", "siblings"),
    [({}, ["mints"]), ({"project": "analytics"}, None), ({"project": "analytics", "__siblings": ["old"]}, ["old"])],
)
def test_siblings_matter_to_a_create_alone(
    provider: PipelineProvider, recorded: dict[str, Any], siblings: list[str] | None
) -> None:
    """A pipeline that is added to the program changes nothing about one that is in state already."""
    checked = provider.check(recorded, {**DECLARED, "adopt_id": "pipe_1", "__siblings": ["mints"]})

    assert checked.inputs.get("__siblings") == siblings


def test_unconfirmed_change_is_a_change(provider: PipelineProvider) -> None:
    """With equal inputs, what GoldRush may not have taken still calls for an update."""
    inputs = provider.check({}, DECLARED).inputs
    plain = engine.unwrap_secrets(inputs)

    assert provider.diff("pipe_1", plain, plain).changes is False
    assert provider.diff("pipe_1", {**plain, "__unconfirmed": ["destination_config"]}, plain).changes is True


def test_diff_of_a_declared_resource_is_a_claim(provider: PipelineProvider) -> None:
    """What the program declares and a state records cannot be another resource's."""
    plain = engine.unwrap_secrets(provider.check({}, DECLARED).inputs)
    provider.diff("pipe_1", plain, plain)

    assert provider._session.claims.other_holder("pipe_1", "urn:other") == ""

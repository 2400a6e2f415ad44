from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
from pulumi import Output, ResourceOptions

import goldrush_pulumi as goldrush
from tests.unit.programs import OWNER_ID, inputs_of, run

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = "pulumi-python:dynamic/goldrush:Pipeline"
TOPIC = "base.mainnet.ref.block.swap.v3"
POSTGRES: dict[str, Any] = {
    "url": "postgresql://db.example.com:5432/analytics",
    "user": "goldrush",
    "password": "planted",
}
BASICS: dict[str, Any] = {"project": "analytics-prod", "topic": TOPIC}


# Programs without a type checker call it in ways that a type checker refuses.
untyped: Any = goldrush.Pipeline


def postgres() -> goldrush.PostgresDestinationArgs:
    return goldrush.PostgresDestinationArgs(**POSTGRES)


def keywords(**inputs: Any) -> Callable[[], Any]:
    return lambda: untyped("base-swaps", **{**BASICS, "destination_config": postgres(), **inputs})


def refusal(program: Callable[[], Any]) -> str:
    with pytest.raises(pulumi.RunError) as refused:
        run(program)
    return str(refused.value)


# --- The two forms ----------------------------------------------------------------------------------------------------

EXPECTED = {
    **BASICS,
    "destination_config": {"type": "postgres", **POSTGRES},
    "destination_type": "postgres",
    "name": "base-swaps",
    "__secrets": [],
    "__owner": OWNER_ID,
}


@pytest.mark.parametrize(
    "program",
    [
        keywords(),
        lambda: goldrush.Pipeline("base-swaps", None, **BASICS, destination_config=postgres()),
        lambda: goldrush.Pipeline("base-swaps", ResourceOptions(), **BASICS, destination_config=postgres()),
        lambda: goldrush.Pipeline("base-swaps", opts=None, **BASICS, destination_config=postgres()),
        lambda: goldrush.Pipeline("base-swaps", goldrush.PipelineArgs(**BASICS, destination_config=postgres())),
        lambda: goldrush.Pipeline(
            "base-swaps", goldrush.PipelineArgs(**BASICS, destination_config=postgres()), ResourceOptions()
        ),
        lambda: goldrush.Pipeline(
            "base-swaps", args=goldrush.PipelineArgs(**BASICS, destination_config=postgres()), opts=None
        ),
        lambda: untyped("base-swaps", **BASICS, destination_config={"type": "postgres", **POSTGRES}),
    ],
    ids=["keywords", "none first", "options first", "options named", "args", "args and options", "args named", "dict"],
)
def test_every_form_registers_the_same(program: Callable[[], Any]) -> None:
    """Arguments or keywords, typed or as a dict: the same inputs under one token, and nothing that was not given."""
    engine = run(program)

    assert [args.typ for args in engine.pipelines] == [TOKEN]
    assert inputs_of(program) == EXPECTED


def test_a_dict_without_type_takes_the_type_beside_it() -> None:
    """`destination_type` is for dicts; it is passed on as given."""
    inputs = inputs_of(keywords(destination_config=dict(POSTGRES), destination_type="postgres"))

    assert inputs["destination_type"] == "postgres"
    assert inputs["destination_config"] == POSTGRES


def test_outputs_exist_without_an_engine_that_answers_them() -> None:
    """Every output is an attribute, so a program under test can use it before anything was deployed."""
    seen: dict[str, Any] = {}

    def program() -> pulumi.Output[Any]:
        pipeline = goldrush.Pipeline("base-swaps", **BASICS, destination_config=postgres())
        return Output.all(project=pipeline.project, phase=pipeline.phase, runs=pipeline.runs, uid=pipeline.uid).apply(
            seen.update
        )

    run(program)
    assert seen == {"project": "analytics-prod", "phase": None, "runs": None, "uid": None}


def test_delete_before_replace_is_always_on() -> None:
    """It is on whatever options are given, and may be said explicitly."""
    for opts in (None, ResourceOptions(protect=True), ResourceOptions(delete_before_replace=True)):
        requests = [item for item in run(keywords(opts=opts)).requests if item.type == TOKEN]
        assert [item.deleteBeforeReplace for item in requests] == [True]
        assert [item.protect for item in requests] == [bool(opts and opts.protect)]


def test_a_subclass_is_the_same_resource() -> None:
    """A subclass of the user's keeps the token, or every pipeline of it would be made again."""

    class Team(goldrush.Pipeline):
        def __init__(self, name: str) -> None:
            super().__init__(name, **BASICS, destination_config=postgres())

    class Inner(Team):
        pass

    assert [args.typ for args in run(lambda: (Team("a"), Inner("b"))).pipelines] == [TOKEN, TOKEN]


# --- Values on the wire -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "height",
    [2**53 + 1, str(2**53 + 1), lambda: Output.from_input(2**53 + 1)],
    ids=["number", "digits", "output"],
)
def test_large_heights_keep_their_last_digit(height: Any) -> None:
    """The engine's numbers are doubles, so a height travels as digits, from an output too."""

    def program() -> None:
        keywords(execution_start_from=height() if callable(height) else height, execution_stop_from=7)()

    inputs = inputs_of(program)

    assert inputs["execution_start_from"] == "9007199254740993"
    assert inputs["execution_stop_from"] == "7"


def test_secrets_are_passed_on_by_path() -> None:
    """What the program marked as secret is known to the provider, which the engine does not tell."""

    def program() -> None:
        keywords(description=Output.secret("hidden"), transforms={"a": Output.secret("x")})()

    inputs = inputs_of(program)

    assert sorted(inputs["__secrets"]) == [["description"], ["transforms", "a"]]


def test_a_pipeline_that_outlives_its_resource_belongs_to_nobody() -> None:
    """With `retain_on_delete` it carries no owner; all others of a stack share one."""
    assert "__owner" not in inputs_of(keywords(opts=ResourceOptions(retain_on_delete=True)))

    engine = run(lambda: [goldrush.Pipeline(name, **BASICS, destination_config=postgres()) for name in "abc"])
    owners = [args for args in engine.registered if args.typ.endswith(":Owner")]
    assert len(owners) == 1
    assert {args.inputs["__owner"] for args in engine.pipelines} == {OWNER_ID}


# --- The ABI ----------------------------------------------------------------------------------------------------------

ABI = [{"type": "event", "name": "Swap", "inputs": []}]


@pytest.mark.parametrize("as_path", [str, Path])
def test_an_abi_file_is_read_from_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_path: Callable[[str], Any]
) -> None:
    """A path is relative to the project's folder, an absolute one is taken as it is; the wire carries the ABI."""
    (tmp_path / "abi").mkdir()
    (tmp_path / "abi" / "swap.json").write_text(json.dumps(ABI), "utf-8")
    monkeypatch.setattr(pulumi, "get_root_directory", lambda: str(tmp_path))

    assert inputs_of(keywords(abi_file=as_path("abi/swap.json")))["abi_file"] == ABI
    assert inputs_of(keywords(abi_file=as_path(str(tmp_path / "abi" / "swap.json"))))["abi_file"] == ABI


def test_an_abi_may_be_parsed_already() -> None:
    """A list or a map is passed on as it is."""
    assert inputs_of(keywords(abi_file=ABI))["abi_file"] == ABI
    assert inputs_of(keywords(abi_file={"abi": ABI}))["abi_file"] == {"abi": ABI}


LARGE_ABI = [{"type": "event", "name": f"Swap{number}", "inputs": []} for number in range(2500)]


def test_a_large_abi_is_registered_as_text(tmp_path: Path) -> None:
    """One string in place of hundred thousands of values, given as a list or by path; a small one stays a list."""
    (tmp_path / "swap.json").write_text(json.dumps(LARGE_ABI, indent=1), "utf-8")
    packed = inputs_of(keywords(abi_file=LARGE_ABI))["abi_file"]

    assert isinstance(packed, str)
    assert json.loads(packed) == LARGE_ABI
    assert inputs_of(keywords(abi_file=tmp_path / "swap.json"))["abi_file"] == packed
    assert inputs_of(keywords(abi_file=LARGE_ABI[:9]))["abi_file"] == LARGE_ABI[:9]


def test_a_large_abi_with_outputs_stays_as_it_is() -> None:
    """What another resource decides on cannot be written as text before that resource exists."""

    def program() -> Any:
        name = pulumi.Output.from_input("Last")
        return keywords(abi_file=[*LARGE_ABI, {"type": "event", "name": name, "inputs": []}])()

    assert inputs_of(program)["abi_file"] == [
        *LARGE_ABI,
        {"type": "event", "name": "Last", "inputs": []},
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file or directory; the path is relative to the project's folder"),
        (b"not json", "is not JSON; a Solidity ABI is a JSON array"),
        (b"\xff\xfe", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
    ],
    ids=["missing", "text", "binary", "deep"],
)
def test_an_abi_that_cannot_be_read(tmp_path: Path, content: bytes | None, said: str) -> None:
    """The error names the pipeline, the input and the file."""
    file = tmp_path / "swap.json"
    if content is not None:
        file.write_bytes(content)

    text = refusal(keywords(abi_file=file))

    assert text.startswith(f"declare pipeline base-swaps: abi_file: {file}: ")
    assert said in text


# --- Mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (lambda: untyped("x", **BASICS), "missing 1 required keyword-only argument: 'destination_config'"),
        (lambda: untyped("x"), "missing 3 required keyword-only arguments"),
        (keywords(topicc="t"), "unexpected keyword argument 'topicc'"),
        (
            lambda: untyped("x", goldrush.PipelineArgs(**BASICS, destination_config=postgres()), topic="t"),
            "PipelineArgs and keywords (topic) are given, give one",
        ),
        (lambda: untyped("x", {**BASICS}), "a dict cannot stand there"),
        (lambda: untyped("x", ResourceOptions(), ResourceOptions()), "a ResourceOptions cannot stand there"),
        (keywords(opts=ResourceOptions(import_="pipe_1")), 'write adopt_id="pipe_1" in its arguments'),
        (keywords(opts=ResourceOptions(delete_before_replace=False)), "delete_before_replace=False cannot work"),
    ],
)
def test_mistakes_are_errors_of_the_program(program: Callable[[], Any], said: str) -> None:
    """A mistake in a call is one clear line for the user, named after the pipeline."""
    text = refusal(program)

    assert said in text
    assert "pipeline" in text
    assert "__init__" not in text
    assert "\n" not in text


def test_a_destination_of_none_is_left_to_check() -> None:
    """None is "not given": what is required and missing is told with all other problems, by the provider."""
    assert "destination_config" not in inputs_of(keywords(destination_config=None))


# --- get --------------------------------------------------------------------------------------------------------------


def test_get_reads_by_id() -> None:
    """A pipeline looked up by its id is read, not registered with inputs, and has every output."""
    seen: dict[str, Any] = {}

    def program() -> Any:
        pipeline = goldrush.Pipeline.get("found", "pipe_1")
        assert isinstance(pipeline, goldrush.Pipeline)
        return Output.all(id=pipeline.id, phase=pipeline.phase).apply(seen.update)

    (args,) = run(program).pipelines

    assert (args.typ, args.name, args.resource_id) == (TOKEN, "found", "pipe_1")
    assert args.inputs.keys() <= {"__provider"}
    assert seen == {"id": "pipe_1", "phase": None}

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
LOGS = "base.mainnet.ref.block.logs"
POSTGRES: dict[str, Any] = {
    "url": "postgresql://db.example.com:5432/analytics",
    "user": "goldrush",
    "password": "planted",
}
BASICS: dict[str, Any] = {"project": "analytics-prod", "topic": TOPIC}


# Programs without a type checker call it in ways that a type checker refuses.
untyped: Any = goldrush.Pipeline
untyped_args: Any = goldrush.PipelineArgs


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
        keywords(execution_start_from=7, execution_stop_from=height() if callable(height) else height)()

    inputs = inputs_of(program)

    assert inputs["execution_start_from"] == "7"
    assert inputs["execution_stop_from"] == "9007199254740993"


def test_secrets_are_passed_on_by_path() -> None:
    """What the program marked as secret is known to the provider, which the engine does not tell."""

    def program() -> None:
        keywords(description=Output.secret("hidden"), transforms={"a": Output.secret("x")})()

    inputs = inputs_of(program)

    assert sorted(inputs["__secrets"]) == [["description"], ["transforms", "a"]]


def test_a_pipeline_that_outlives_its_resource_belongs_to_nobody() -> None:
    """With `retain_on_delete` it carries no owner; all others share one, which records the names of the stack."""
    assert "__owner" not in inputs_of(keywords(opts=ResourceOptions(retain_on_delete=True)))

    engine = run(lambda: [goldrush.Pipeline(name, **BASICS, destination_config=postgres()) for name in "abc"])
    owners = [args for args in engine.registered if args.typ.endswith(":Owner")]
    (owner,) = owners
    names = {"project": "shop", "stack": "dev"}
    assert {name: value for name, value in owner.inputs.items() if name != "__provider"} == names
    assert {args.inputs["__owner"] for args in engine.pipelines} == {OWNER_ID}


# --- The ABI ----------------------------------------------------------------------------------------------------------

ABI = [{"type": "event", "name": "Swap", "inputs": []}]


def decoding(**inputs: Any) -> Callable[[], Any]:
    return keywords(topic="base.mainnet.ref.block.logs", **inputs)


@pytest.mark.parametrize("as_path", [str, Path])
def test_an_abi_file_is_read_from_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_path: Callable[[str], Any]
) -> None:
    """A path is relative to the project's folder, an absolute one is taken as it is; the wire carries the ABI."""
    (tmp_path / "abi").mkdir()
    (tmp_path / "abi" / "swap.json").write_text(json.dumps(ABI), "utf-8")
    monkeypatch.setattr(pulumi, "get_root_directory", lambda: str(tmp_path))

    assert inputs_of(decoding(abi_file=as_path("abi/swap.json")))["abi_file"] == ABI
    assert inputs_of(decoding(abi_file=as_path(str(tmp_path / "abi" / "swap.json"))))["abi_file"] == ABI


def test_an_abi_lies_beside_the_project_s_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With `main: infra` a program runs in a folder below, and older language hosts do not name the project's."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\nmain: infra\n", "utf-8")
    (tmp_path / "swap.json").write_text(json.dumps(ABI), "utf-8")
    (tmp_path / "infra").mkdir()
    monkeypatch.setattr(pulumi, "get_root_directory", lambda: None)
    monkeypatch.chdir(tmp_path / "infra")

    assert inputs_of(decoding(abi_file="swap.json"))["abi_file"] == ABI


def test_an_abi_may_be_an_asset(tmp_path: Path) -> None:
    """A file or a text that is wrapped in an asset is read like a path."""
    (tmp_path / "swap.json").write_text(json.dumps(ABI), "utf-8")

    assert inputs_of(decoding(abi_file=pulumi.FileAsset(str(tmp_path / "swap.json"))))["abi_file"] == ABI
    assert inputs_of(decoding(abi_file=pulumi.StringAsset(json.dumps(ABI))))["abi_file"] == ABI


def test_an_abi_may_be_parsed_already() -> None:
    """A list or a map is passed on as it is."""
    assert inputs_of(decoding(abi_file=ABI))["abi_file"] == ABI
    assert inputs_of(decoding(abi_file={"abi": ABI}))["abi_file"] == {"abi": ABI}


LARGE_ABI = [{"type": "event", "name": f"Swap{number}", "inputs": []} for number in range(2500)]


def test_a_large_abi_is_registered_as_text(tmp_path: Path) -> None:
    """One string in place of hundred thousands of values, given as a list or by path; a small one stays a list."""
    (tmp_path / "swap.json").write_text(json.dumps(LARGE_ABI, indent=1), "utf-8")
    packed = inputs_of(keywords(topic=LOGS, abi_file=LARGE_ABI))["abi_file"]

    assert isinstance(packed, str)
    assert json.loads(packed) == LARGE_ABI
    assert inputs_of(keywords(topic=LOGS, abi_file=tmp_path / "swap.json"))["abi_file"] == packed
    assert inputs_of(keywords(topic=LOGS, abi_file=LARGE_ABI[:9]))["abi_file"] == LARGE_ABI[:9]


def test_a_large_abi_with_outputs_stays_as_it_is() -> None:
    """What another resource decides on cannot be written as text before that resource exists."""

    def program() -> Any:
        name = pulumi.Output.from_input("Last")
        return keywords(topic=LOGS, abi_file=[*LARGE_ABI, {"type": "event", "name": name, "inputs": []}])()

    assert inputs_of(program)["abi_file"] == [
        *LARGE_ABI,
        {"type": "event", "name": "Last", "inputs": []},
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file or directory, give a path relative to the project's folder"),
        (b"not json", "is not JSON, give a Solidity ABI, which is a JSON array"),
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

    assert text.startswith(f"declare pipeline base-swaps: abi_file: {file}")
    assert said in text


# --- Mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (lambda: untyped("x", **BASICS), "destination_config: is missing"),
        (keywords(topicc="t"), 'topicc: is not an input of a pipeline, did you mean "topic"?'),
        (
            lambda: untyped("x", goldrush.PipelineArgs(**BASICS, destination_config=postgres()), topic="t"),
            "PipelineArgs and keywords (topic) are given, give one",
        ),
        (lambda: untyped("x", {**BASICS}), "a dict cannot stand there"),
        (
            lambda: untyped_args(**BASICS, topik="t"),
            'declare PipelineArgs: topik is not a field of it, did you mean "topic"?; destination_config is missing',
        ),
        (lambda: untyped("x", ResourceOptions(), ResourceOptions()), "a ResourceOptions cannot stand there"),
        (keywords(opts=ResourceOptions(import_="pipe_1")), 'write adopt_id="pipe_1" in its arguments'),
        (keywords(opts=ResourceOptions(delete_before_replace=False)), "delete_before_replace: cannot be False"),
        (keywords(destination_config=None), "destination_config: is missing, every pipeline needs it"),
        (keywords(abi_file=pulumi.RemoteAsset("https://h/abi.json")), "abi_file: cannot be a RemoteAsset"),
        (keywords(abi_file=pulumi.FileArchive("./abi")), "abi_file: cannot be a FileArchive"),
        (keywords(abi_file=pulumi.StringAsset("no json")), "abi_file: the asset is not JSON"),
    ],
)
def test_mistakes_are_errors_of_the_program(program: Callable[[], Any], said: str) -> None:
    """A mistake in a call is one clear line for the user, named after the pipeline."""
    text = refusal(program)

    assert said in text
    assert "pipeline" in text.lower()
    assert "__init__" not in text
    assert "\n" not in text


def test_all_mistakes_of_a_pipeline_are_named_together() -> None:
    """A misspelt keyword is reported beside everything else that is wrong with the pipeline."""
    lines = refusal(
        lambda: untyped("x", project="", topik=TOPIC, destination_config=postgres(), transforms={"swaps": "DROP"})
    ).splitlines()

    assert lines[0] == "declare pipeline x: fix these inputs"
    paths = ["topic", "topik", "project", 'transforms["swaps"]']
    assert [line.strip().rpartition(": ")[0] for line in lines[1:]] == paths
    assert 'did you mean "topic"?' in lines[2]


def test_mistakes_of_all_pipelines_are_named_together() -> None:
    """The first pipeline with a mistake does not hide the others, and no pipeline is registered."""

    def program() -> None:
        untyped("a", **{**BASICS, "topic": "swaps"}, destination_config=postgres())
        untyped("right", **BASICS, destination_config=postgres())
        untyped("b", **BASICS, destination_config=postgres(), transforms={"swaps": "DROP TABLE swaps"})
        untyped("c", **BASICS, destination_config={"type": "postgres", "url": "x"}, status="on")

    with pytest.raises(pulumi.RunError) as refused:
        run(program)

    paths = [line.strip().split(": ")[:2] for line in str(refused.value).splitlines()[1:]]
    assert ["a", "topic"] in paths
    assert ["b", 'transforms["swaps"]'] in paths
    assert {path for name, path in paths if name == "c"} >= {"status", "destination_config.user"}
    assert not [path for path in paths if path[0] == "right"]


@pytest.mark.parametrize(
    ("transforms", "preview", "warned"),
    [
        (["DROP TABLE swaps", "SELECT", "SELECT tx_hash FROM swaps"], True, ["a", "b"]),
        (["DROP TABLE swaps", "SELECT tx_hash FROM swaps", ""], True, []),
        (["DROP TABLE swaps", "SELECT", "SELECT"], False, []),
    ],
    ids=["several", "one, which the provider names", "no preview"],
)
def test_a_preview_names_all_pipelines_with_a_wrong_transform(
    transforms: list[str],
    preview: bool,  # noqa: FBT001 - a value of the table
    warned: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The provider refuses the first wrong transform; warnings name all pipelines that have one."""
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warnings.append)

    def program() -> None:
        for name, sql in zip("abc", transforms, strict=True):
            untyped(name, **BASICS, destination_config=postgres(), transforms={"swaps": sql} if sql else {})

    assert len(run(program, preview=preview).pipelines) == 3
    assert sorted({text.split(": ")[0].removeprefix("declare pipeline ") for text in warnings}) == warned


def test_what_is_not_known_yet_is_left_to_the_provider() -> None:
    """An output may turn out right, so the program refuses nothing that depends on one."""
    unknown: Callable[[], Any] = lambda: Output.from_input("anything")  # noqa: E731 - needs the program's event loop

    engine = run(lambda: untyped("x", project="p", topic=unknown(), destination_config=unknown(), status=unknown()))

    assert [args.inputs["topic"] for args in engine.pipelines] == ["anything"]


def test_an_ignored_input_is_left_to_the_provider() -> None:
    """The engine puts the recorded value in place of an input that `ignore_changes` names."""
    opts = ResourceOptions(ignore_changes=["status", 'transforms["swaps"]'])

    assert run(keywords(status="on", transforms={"swaps": ""}, opts=opts)).pipelines


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("descripton", 'did you mean "description"?'),
        ("destination_config.pasword", 'did you mean "password"?'),
        ('destination_config["pasword"]', 'did you mean "password"?'),
    ],
)
def test_a_misspelt_path_in_ignore_changes_is_warned_of(path: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that matches no input ignores nothing; the warning names the likely one."""
    warnings: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", warnings.append)
    right = ["*", "description", "destination_config.password", "transforms.old", "destination_config.*"]

    run(keywords(opts=ResourceOptions(ignore_changes=[path, *right])))

    assert warnings == [f'declare pipeline base-swaps: ignore_changes: "{path}" matches no input, {said}']


# --- Transformations --------------------------------------------------------------------------------------------------


def change(**changes: Any) -> pulumi.ResourceTransformation:
    """A transformation that changes properties; `opts` is a function that changes options."""
    change_options = changes.pop("opts", lambda opts: opts)

    def transform(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
        made = {name: make() for name, make in changes.items()}
        return pulumi.ResourceTransformationResult({**args.props, **made}, change_options(args.opts))

    return transform


def on_stack(transformation: pulumi.ResourceTransformation, program: Callable[[], Any]) -> Callable[[], Any]:
    def changed() -> None:
        pulumi.runtime.register_stack_transformation(transformation)
        program()

    return changed


def on_parent(transformation: pulumi.ResourceTransformation, program: Callable[..., Any]) -> Callable[[], Any]:
    def changed() -> None:
        parent = pulumi.ComponentResource("a:b:C", "c", opts=ResourceOptions(transformations=[transformation]))
        program(opts=ResourceOptions(parent=parent))

    return changed


def on_itself(transformation: pulumi.ResourceTransformation, program: Callable[..., Any]) -> Callable[[], Any]:
    return lambda: program(opts=ResourceOptions(transformations=[transformation]))


def declare(**inputs: Any) -> Any:
    return untyped("base-swaps", **{**BASICS, "destination_config": postgres(), **inputs})


PLACES = pytest.mark.parametrize("place", [on_stack, on_parent, on_itself])


@PLACES
def test_secrets_of_a_transformation_are_passed_on(place: Callable[..., Any]) -> None:
    """What a transformation marks as secret is known to the provider, like what the program marks."""
    inputs = inputs_of(place(change(description=lambda: Output.secret("hidden")), declare))

    assert inputs["__secrets"] == [["description"]]


@PLACES
def test_a_transformation_may_keep_pipelines(place: Callable[..., Any]) -> None:
    """A pipeline that a transformation makes outlive its resource carries no owner."""
    keep = lambda opts: ResourceOptions.merge(opts, ResourceOptions(retain_on_delete=True))  # noqa: E731

    assert "__owner" not in inputs_of(place(change(opts=keep), declare))


@PLACES
def test_what_a_transformation_makes_is_checked(place: Callable[..., Any]) -> None:
    """A transformation may put a mistake right, and its own are reported."""
    assert inputs_of(place(change(topic=lambda: TOPIC), lambda **more: declare(topic="t", **more)))["topic"] == TOPIC
    assert "topic: does not have the form of a topic" in refusal(place(change(topic=lambda: "t"), declare))
    refused = change(opts=lambda opts: ResourceOptions.merge(opts, ResourceOptions(delete_before_replace=False)))
    assert "delete_before_replace: cannot be False" in refusal(place(refused, declare))


def test_children_of_a_pipeline_are_left_alone() -> None:
    """A resource below a pipeline inherits its transformations, but none of a pipeline's properties."""

    def program() -> None:
        pulumi.ComponentResource("a:b:C", "child", {"x": 1}, ResourceOptions(parent=declare()))

    assert [args.name for args in run(program).pipelines] == ["base-swaps"]


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


# --- Siblings ---------------------------------------------------------------------------------------------------------


def test_adopting_passes_the_names_of_the_other_pipelines() -> None:
    """A pipeline with adopt_id knows every other pipeline of the program, those declared after it too."""

    def program() -> None:
        untyped("first", **BASICS, destination_config=postgres())
        untyped("second", **BASICS, destination_config=postgres(), adopt_id="pipe_1")
        untyped("third", **BASICS, destination_config=postgres())

    inputs = {args.name: args.inputs for args in run(program).pipelines}

    assert inputs["second"]["__siblings"] == ["first", "third"]
    assert "__siblings" not in inputs["first"]
    assert "__siblings" not in inputs["third"]

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pulumi
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from goldrush_pulumi import stack_config
from goldrush_pulumi.stack_config import declare_pipelines, json_schema, read_declarations
from goldrush_pulumi.validation import DESTINATIONS, secret_paths
from tests.generators.pipelines import pipelines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
STACKS = ("dev", "staging", "prod")
PROJECT = "goldrush-pipelines"
KEY = f"{PROJECT}:pipelines"
SWAPS: dict[str, Any] = {
    "project": "analytics",
    "topic": "base.mainnet.ref.block.swaps",
    "destination_config": {"type": "postgres", "url": "postgresql://h/d", "user": "u", "password": "p"},
}


@pytest.fixture(autouse=True)
def _forget_config() -> Iterator[None]:
    yield
    pulumi.runtime.set_all_config({}, [])


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a project with the stack `dev`, selected."""
    (tmp_path / "Pulumi.yaml").write_text(yaml.safe_dump({"name": PROJECT, "runtime": "python"}), "utf-8")
    monkeypatch.setattr(pulumi, "get_root_directory", lambda: str(tmp_path))
    monkeypatch.setattr(pulumi, "get_stack", lambda: "organization/goldrush-pipelines/dev")
    monkeypatch.setattr(pulumi, "get_project", lambda: PROJECT)
    return tmp_path


def _write_stack(file: Path, config: dict[str, Any]) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(yaml.safe_dump({"config": config}), "utf-8")


def config_of(declared: object, *, secret: bool = False) -> pulumi.Config:
    text = declared if isinstance(declared, str) else json.dumps(declared)
    pulumi.runtime.set_all_config({KEY: text}, [KEY] if secret else [])
    return pulumi.Config("goldrush-pipelines")


def refusal(declared: object) -> list[str]:
    with pytest.raises(pulumi.RunError) as caught:
        read_declarations(config_of(declared))
    head, *problems = str(caught.value).splitlines()
    assert head == "declare pipelines of goldrush-pipelines:pipelines: the stack's config is not right"
    return [problem.strip() for problem in problems]


def declared_with(
    monkeypatch: pytest.MonkeyPatch, declared: object, look: Callable[[dict[str, Any]], Any], *, secret: bool
) -> Any:
    """Declare pipelines with a stand-in for the resource, and look at what it was given, where outputs can live."""
    made: dict[str, Any] = {}

    def record(name: str, opts: pulumi.ResourceOptions, **inputs: Any) -> str:
        made[name] = (inputs, opts)
        return f"resource {name}"

    async def work() -> Any:
        monkeypatch.setattr(stack_config, "Pipeline", record)
        answer: Any = declare_pipelines(config_of(declared, secret=secret))
        assert answer == {name: f"resource {name}" for name in made}
        return await look(made)

    return asyncio.run(work())


async def _reveal(value: Any) -> Any:
    """Replace every output by its value, secret ones marked by an exclamation mark."""
    if isinstance(value, pulumi.Output):
        return ("!" if await value.is_secret() else "") + str(await value.future())
    if isinstance(value, dict):
        return {name: await _reveal(item) for name, item in value.items()}
    return [await _reveal(item) for item in value] if isinstance(value, list) else value


def test_every_declared_pipeline_becomes_a_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each entry becomes a resource of its name, with its inputs as they stand and its type read from the config."""

    async def look(made: dict[str, Any]) -> Any:
        return {name: await _reveal(inputs) for name, (inputs, _) in made.items()}

    declared = {"swaps": SWAPS | {"execution_start_from": 5, "name": None}, "more": SWAPS | {"abi_file": "./abi.json"}}

    assert declared_with(monkeypatch, declared, look, secret=False) == {
        "swaps": SWAPS | {"execution_start_from": 5, "destination_type": "postgres"},
        "more": SWAPS | {"abi_file": "./abi.json", "destination_type": "postgres"},
    }


def test_options_reach_the_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    """Protection, retention and timeouts are Pulumi's own options; without them nothing is asked of Pulumi."""

    async def look(made: dict[str, Any]) -> Any:
        return {name: opts for name, (_, opts) in made.items()}

    asked = {"protect": True, "retain_on_delete": True, "custom_timeouts": {"create": "20m", "delete": "1m30s"}}
    options = declared_with(monkeypatch, {"asked": SWAPS | asked, "plain": SWAPS}, look, secret=False)

    assert (options["asked"].protect, options["asked"].retain_on_delete) == (True, True)
    timeouts = options["asked"].custom_timeouts
    assert (timeouts.create, timeouts.update, timeouts.delete) == ("20m", None, "1m30s")
    assert (options["plain"].protect, options["plain"].custom_timeouts) == (False, None)


@pytest.mark.usefixtures("project")
def test_texts_become_secrets_when_the_key_holds_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the stack's file, all texts of destination and transforms are marked, documented words are not."""

    async def look(made: dict[str, Any]) -> Any:
        return await _reveal(made["archive"][0])

    config = {
        "type": "object_storage",
        "provider": "gcs",
        "bucket": "json",
        "format": "json",
        "partition_by": ["day"],
        "batch_size": 5,
        "access_key_id": "a",
        "secret_access_key": "s",
    }
    declared = {"archive": SWAPS | {"destination_config": config, "transforms": {"swaps": "SELECT 1"}}}
    inputs = declared_with(monkeypatch, declared, look, secret=True)

    assert inputs == SWAPS | {
        "destination_type": "object_storage",
        "destination_config": config | {"bucket": "!json", "access_key_id": "!a", "secret_access_key": "!s"},
        "transforms": {"swaps": "!SELECT 1"},
    }


def test_only_encrypted_values_become_secrets(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    """Where the stack's file is found, exactly its `secure:` values are marked, in whatever input they stand."""
    secure = {"secure": "v1:abc"}
    written = SWAPS | {
        "destination_config": SWAPS["destination_config"] | {"password": secure},
        "description": secure,
        "triggers": {"release": 5, "token": secure},
        "abi_contract_addresses": ["0x1", secure],
        "transforms": {"swaps": "SELECT 1"},
    }
    _write_stack(project / "Pulumi.dev.yaml", {KEY: {"swaps": written, "mints": SWAPS}})

    async def look(made: dict[str, Any]) -> Any:
        return {name: await _reveal(inputs) for name, (inputs, _) in made.items()}

    made = declared_with(monkeypatch, {"swaps": _decrypted(written), "mints": SWAPS}, look, secret=True)

    assert made["mints"] == SWAPS | {"destination_type": "postgres"}
    assert made["swaps"] == written | {
        "destination_type": "postgres",
        "destination_config": SWAPS["destination_config"] | {"password": "!decrypted"},
        "description": "!decrypted",
        "triggers": {"release": 5, "token": "!decrypted"},
        "abi_contract_addresses": ["0x1", "!decrypted"],
    }


@pytest.mark.parametrize(
    ("file", "settings", "key"),
    [
        ("stacks/Pulumi.dev.yaml", {"stackConfigDir": "stacks"}, KEY),
        ("old/Pulumi.dev.yaml", {"config": "old"}, KEY),
        ("Pulumi.dev.yaml", {"config": {}}, "pipelines"),
    ],
    ids=["stackConfigDir", "config", "key of the project"],
)
def test_the_file_is_found_where_pulumi_has_it(
    monkeypatch: pytest.MonkeyPatch, project: Path, file: str, settings: dict[str, Any], key: str
) -> None:
    """The folder that Pulumi.yaml names is looked in, and a key may leave out the project."""
    secret = {"secure": "v1:abc"}
    written = SWAPS | {"destination_config": SWAPS["destination_config"] | {"password": secret}}
    (project / "Pulumi.yaml").write_text(yaml.safe_dump({"name": PROJECT, "runtime": "python", **settings}), "utf-8")
    _write_stack(project / file, {key: {"swaps": written}})

    async def look(made: dict[str, Any]) -> Any:
        return await _reveal(made["swaps"][0]["destination_config"])

    made = declared_with(monkeypatch, {"swaps": _decrypted(written)}, look, secret=True)

    assert made == SWAPS["destination_config"] | {"password": "!decrypted"}


@pytest.mark.parametrize(
    "file",
    [
        None,
        "config: [",
        "config: {}",
        yaml.safe_dump({"config": {KEY: {"secure": "v1:all"}}}),
        yaml.safe_dump({"config": {KEY: {"swaps": SWAPS | {"description": "older"}}}}),
        yaml.safe_dump({"config": {KEY: {"swaps": SWAPS, "gone": SWAPS}}}),
    ],
    ids=["missing", "broken", "empty", "all of it", "another value", "another pipeline"],
)
def test_all_texts_become_secrets_without_the_file_in_use(
    monkeypatch: pytest.MonkeyPatch, project: Path, file: str | None
) -> None:
    """A file that is missing, or that says something else than the config in use, tells nothing."""
    if file is not None:
        (project / "Pulumi.dev.yaml").write_text(file, "utf-8")

    async def look(made: dict[str, Any]) -> Any:
        return await _reveal(made["swaps"][0])

    declared = SWAPS | {"description": "about", "triggers": {"run": "one"}, "abi_contract_addresses": ["0x1"]}
    made = declared_with(monkeypatch, {"swaps": declared}, look, secret=True)

    assert made["description"] == "!about"
    assert made["triggers"] == {"run": "!one"}
    assert made["abi_contract_addresses"] == ["!0x1"]
    assert made["destination_config"]["password"] == "!p"
    assert made["project"] == "analytics"


@pytest.mark.usefixtures("project")
def test_nested_texts_become_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts in nested maps are marked too, and a pipeline without transforms gets none."""

    async def look(made: dict[str, Any]) -> Any:
        return await _reveal(made["hook"][0])

    config = {"url": "https://h", "headers": {"A": "webhook"}, "retry": {"max_attempts": 1}}
    declared = {"hook": SWAPS | {"destination_config": config, "destination_type": "webhook"}}

    assert declared_with(monkeypatch, declared, look, secret=True) == SWAPS | {
        "destination_type": "webhook",
        "destination_config": {"url": "!https://h", "headers": {"A": "!webhook"}, "retry": {"max_attempts": 1}},
    }


def test_an_empty_map_declares_nothing() -> None:
    """A stack may say that it has no pipelines."""
    assert declare_pipelines(config_of({})) == {}


def test_without_pipelines_nothing_is_guessed() -> None:
    """A missing key is refused: read as none, a misspelling would delete every pipeline."""
    pulumi.runtime.set_all_config({}, [])

    with pytest.raises(pulumi.RunError, match=r"^goldrush-pipelines:pipelines: is missing"):
        declare_pipelines(pulumi.Config("goldrush-pipelines"))


@pytest.mark.parametrize("declared", ["not json, hunter2", '["hunter2"]', '"hunter2"', "5"])
def test_what_is_no_map_is_refused(declared: str) -> None:
    """A value of another shape is refused without being quoted."""
    with pytest.raises(pulumi.RunError, match=r"^goldrush-pipelines:pipelines: is not a map") as caught:
        read_declarations(config_of(declared))

    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_project_s_own_config_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an argument, the config of the running project is read."""
    monkeypatch.setattr("pulumi.config.get_project", lambda: "my-project")
    pulumi.runtime.set_all_config({"my-project:pipelines": "{}"}, [])

    assert declare_pipelines() == {}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("x", "pipelines.swaps: is not a map, write a map with project, topic and destination_config"),
        (SWAPS | {"topic": None}, "pipelines.swaps.topic: is missing, every pipeline needs it"),
        (SWAPS | {"tpic": "x"}, 'pipelines.swaps.tpic: is not a setting of a pipeline, did you mean "topic"?'),
        (SWAPS | {"protct": True}, 'pipelines.swaps.protct: is not a setting of a pipeline, did you mean "protect"?'),
        (SWAPS | {"odd key": 1}, 'pipelines.swaps["odd key"]: is not a setting of a pipeline'),
        (SWAPS | {"protect": "true"}, "pipelines.swaps.protect: is not true or false"),
        (SWAPS | {"retain_on_delete": 1}, "pipelines.swaps.retain_on_delete: is not true or false"),
        (SWAPS | {"custom_timeouts": "5m"}, "pipelines.swaps.custom_timeouts: is not a map"),
        (SWAPS | {"custom_timeouts": {"create": "5 min"}}, "pipelines.swaps.custom_timeouts.create: is not a duration"),
        (SWAPS | {"custom_timeouts": {"create": 5}}, "pipelines.swaps.custom_timeouts.create: is not a duration"),
        (
            SWAPS | {"custom_timeouts": {"creat": "5m"}},
            'custom_timeouts.creat: is not a timeout, did you mean "create"?',
        ),
        (SWAPS | {"abi_file": 5}, "pipelines.swaps.abi_file: is not a parsed ABI"),
        (SWAPS | {"destination_config": {"type": "postgres", "url": "x"}}, "destination_config.user: is missing"),
    ],
)
def test_problems_of_a_declaration(entry: object, expected: str) -> None:
    """Each mistake is named by its path, options and inputs alike."""
    assert any(expected in problem for problem in refusal({"swaps": entry}))


def test_all_pipelines_are_judged_at_once() -> None:
    """Every problem of every pipeline is in one message, and odd names are quoted."""
    found = refusal({"a": SWAPS | {"status": "on", "protect": 0}, "ok": SWAPS, "b c": SWAPS | {"project": ""}})

    assert [problem.partition(": ")[0] for problem in found] == [
        "pipelines.a.protect",
        "pipelines.a.status",
        'pipelines["b c"].project',
    ]


@given(st.data())
def test_no_secret_in_a_refusal(data: st.DataObject) -> None:
    """Wherever a secret stands in a declaration, the refusal does not quote it."""
    planted = st.sampled_from(["plantedsecret", ["plantedsecret"], {"create": "plantedsecret"}])
    names = st.sampled_from([*SWAPS, "protect", "custom_timeouts", "extra", "abi_file", "status"])
    entry = SWAPS | data.draw(st.dictionaries(names, planted, min_size=1)) | {"topic": 1}

    assert not any("plantedsecret" in problem for problem in refusal({"swaps": entry}))


def test_the_schema_file_is_in_step() -> None:
    """The schema that editors read is the one the model gives (`make schema` writes it)."""
    written = json.loads((ROOT / "schemas" / "pulumi-stack.schema.json").read_text(encoding="utf-8"))

    assert written == json_schema()


def test_the_schema_is_one() -> None:
    """The schema is valid JSON Schema itself."""
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.untraced
@given(pipelines(), st.sampled_from([{}, {"protect": True}, {"custom_timeouts": {"update": "90s"}}]))
def test_what_is_declared_right_fits_the_schema(inputs: dict[str, Any], options: dict[str, Any]) -> None:
    """An editor marks nothing in a declaration that the program accepts."""
    entry = {name: value for name, value in (inputs | options).items() if value is not None}

    assert read_declarations(config_of({"swaps": entry})).keys() == {"swaps"}
    _validate({"config": {KEY: {"swaps": entry}}})


@pytest.mark.parametrize(
    "entry",
    [
        {"project": "p", "topic": "t"},
        SWAPS | {"tpic": "x"},
        SWAPS | {"status": "on"},
        SWAPS | {"protect": "true"},
        SWAPS | {"destination_config": {"type": "mysql"}},
        SWAPS | {"destination_config": {"type": "postgres", "url": "x", "user": "u"}},
        SWAPS | {"destination_config": {"url": "x"}, "destination_type": "webhook", "transforms": {"a": 1}},
        SWAPS | {"destination_config": {"queue": "x"}, "destination_type": "sqs"},
        SWAPS | {"destination_config": {"type": "kafka", "sasl": {"pasword": "p"}}},
    ],
)
def test_editors_mark_mistakes(entry: dict[str, Any]) -> None:
    """What the program refuses by name or by list of values, an editor marks."""
    with pytest.raises(jsonschema.ValidationError):
        _validate({"config": {KEY: {"swaps": entry}}})


@pytest.mark.parametrize("stack", STACKS)
def test_stack_files_are_right(stack: str) -> None:
    """Each stack of this repository fits the schema, is accepted, and keeps its credentials encrypted."""
    content = _stack_file(stack)
    _validate(content)

    for name, (inputs, _) in read_declarations(config_of(_decrypted(content["config"][KEY]))).items():
        config = content["config"][KEY][name]["destination_config"]
        paths = secret_paths(inputs["destination_type"], inputs["destination_config"])
        assert [path for path in paths if "secure" not in _at(config, path)] == [], name


def test_stacks_differ() -> None:
    """Dev has every destination and a loopback address; prod has more pipelines than staging and protects all."""
    dev, staging, prod = (_stack_file(stack)["config"] for stack in STACKS)

    assert {entry["destination_config"]["type"] for entry in dev[KEY].values()} == set(DESTINATIONS)
    assert dev["goldrush:baseUrl"].startswith("http://127.0.0.1:")
    assert len(prod[KEY]) > len(staging[KEY])
    assert all(entry["protect"] and entry["wait_for"] == "healthy" for entry in prod[KEY].values())
    assert not any("protect" in entry for entry in [*dev[KEY].values(), *staging[KEY].values()])


def _validate(content: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(json_schema()).validate(content)


def _stack_file(stack: str) -> Any:
    return yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))


def _decrypted(value: Any) -> Any:
    if isinstance(value, dict):
        return "decrypted" if value.keys() == {"secure"} else {name: _decrypted(item) for name, item in value.items()}
    return [_decrypted(item) for item in value] if isinstance(value, list) else value


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value[key]
    return value

"""Stack files as people have them: where pipelines stand, what belongs to them, and what is said of the rest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias

import pytest

from goldrush_pulumi.settings import SETTING_NAMES, unknown_settings
from goldrush_pulumi.validation.files import Report, validate_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Write: TypeAlias = "Callable[[str, str], Path]"
HOOK = {"type": "webhook", "url": "https://in.example.com/rows"}
PIPELINE = {"project": "p", "topic": "base.mainnet.ref.block.swaps", "destination_config": HOOK}
EVENTS = [{"type": "event", "name": "TokenSold", "inputs": []}]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file into a project's folder and return its path."""

    def write_text(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write_text


def said(report: Report) -> list[tuple[str, int, str]]:
    """Code, line and path of each finding."""
    return [(finding.problem.rule.code, finding.line, finding.problem.path) for finding in report.findings]


def stack(**config: object) -> str:
    return json.dumps({"config": {key.replace("__", ":"): value for key, value in config.items()}}, indent=1)


@pytest.mark.parametrize(
    "text",
    ["", "config:\n", "config: {}\n", "encryptionsalt: v1:abc=\n", "environment:\n  - shared\n", "# nothing yet\n"],
)
def test_a_stack_without_config_is_noted(write: Write, text: str) -> None:
    """A stack file that declares nothing is in order, however strict, and whatever else it holds."""
    report = validate_files([write("Pulumi.dev.yaml", text)])

    assert said(report) == [("GR703", 1, "Pulumi.dev.yaml")]
    assert not report.fails(strict=True)


@pytest.mark.parametrize(("text", "code"), [("config: [1]\n", "GR103"), ("config: x\n", "GR103"), ("[1]", "GR702")])
def test_config_of_another_shape_is_an_error(write: Write, text: str, code: str) -> None:
    """What Pulumi itself could not read is wrong."""
    assert [found for found, *_ in said(validate_files([write("Pulumi.dev.yaml", text)]))] == [code]


def test_pipelines_may_be_json_in_a_string(write: Write) -> None:
    """`pulumi config set` writes JSON text: it is read as the program reads it, and its credentials are found."""
    config = {**HOOK, "headers": {"Authorization": "Bearer planted-7"}}
    text = json.dumps({"a": {**PIPELINE, "destination_config": config, "statuss": "paused"}})
    report = validate_files([write("Pulumi.dev.yaml", stack(demo__pipelines=text))])

    assert said(report) == [
        ("GR601", 3, "pipelines.a.destination_config.headers.Authorization"),
        ("GR101", 3, "pipelines.a.statuss"),
    ]
    assert report.findings[0].problem.hint == "encrypt it with `pulumi config set --secret demo:pipelines`"
    assert "planted" not in "".join(map(str, report.findings))


@pytest.mark.parametrize("text", ["not JSON", "[1]", "3", "{"])
def test_other_text_is_not_a_map_of_pipelines(write: Write, text: str) -> None:
    """Text that the program could not read either is one finding at its key."""
    report = validate_files([write("Pulumi.dev.yaml", stack(demo__pipelines=text))])

    assert said(report) == [("GR103", 3, 'config["demo:pipelines"]')]


def test_another_namespace_hides_nothing(write: Write) -> None:
    """`pipelines` of another namespace may be anything, and the project's own are judged all the same."""
    wrong = {"a": {**PIPELINE, "statuss": "paused"}}
    text = stack(ci__pipelines=["build", "deploy"], demo__pipelines=wrong)

    assert said(validate_files([write("Pulumi.dev.yaml", text)])) == [("GR101", 15, "pipelines.a.statuss")]
    write("Pulumi.yaml", "name: demo\nruntime: python\n")
    assert said(validate_files([write("Pulumi.dev.yaml", text)])) == [("GR101", 15, "pipelines.a.statuss")]
    only_other = stack(ci__pipelines=["build", "deploy"])
    assert said(validate_files([write("Pulumi.dev.yaml", only_other)])) == [("GR703", 1, "Pulumi.dev.yaml")]


def test_the_project_s_own_key_is_judged_whatever_it_holds(write: Write) -> None:
    """The project's file names the namespace, and what stands under it must be a map of pipelines."""
    write("Pulumi.yaml", "name: demo\nruntime: python\n")

    report = validate_files([write("Pulumi.dev.yaml", stack(ci__pipelines=[1], demo__pipelines=[1]))])
    assert said(report) == [("GR103", 6, 'config["demo:pipelines"]')]


def test_an_abi_is_relative_to_the_project(write: Write) -> None:
    """With `stackConfigDir`, a stack file stands apart from what its paths are relative to, as for the program."""
    write("Pulumi.yaml", "name: demo\nruntime: python\nstackConfigDir: config\n")
    write("abis/e.json", json.dumps(EVENTS))
    pipeline = {**PIPELINE, "topic": "base.mainnet.ref.block.logs", "abi_file": "abis/e.json"}
    file = write("config/Pulumi.dev.yaml", stack(demo__pipelines={"a": pipeline}))
    report = validate_files([file])

    assert said(report) == []
    assert report.tables == {f"{file}:a": ("base_evt_token_sold", "raw_logs")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "names a file that cannot be read: No such file or directory"),
        ("[", "names a file that is not JSON; a Solidity ABI is a JSON array"),
        ('"text"', "names a file that holds no ABI"),
        ("\xff", "names a file that is not JSON; a Solidity ABI is a JSON array"),
    ],
)
def test_an_abi_that_cannot_be_read(write: Write, text: str | None, message: str) -> None:
    """A file that is no ABI is one finding at the line that names it."""
    if text is not None:
        write("e.abi", "").write_bytes(text.encode("latin-1"))
    pipeline = {**PIPELINE, "topic": "base.mainnet.ref.block.logs", "abi_file": "e.abi"}
    report = validate_files([write("swaps.json", json.dumps(pipeline))])

    assert [(finding.problem.rule.code, finding.problem.message) for finding in report.findings] == [("GR704", message)]


def test_an_abi_is_json_of_any_size_and_layout(write: Write) -> None:
    """Tabs, a name without `.json` and more than ten megabytes are fine: the program takes them too."""
    write("e.abi", json.dumps(EVENTS, indent="\t") + "\n" * 10_500_000)
    pipeline = {**PIPELINE, "topic": "base.mainnet.ref.block.logs", "abi_file": "e.abi"}
    report = validate_files([write("swaps.json", json.dumps(pipeline))])

    assert said(report) == []
    assert [*report.tables.values()] == [("base_evt_token_sold", "raw_logs")]


def test_clear_text_wins_over_the_place_of_a_password(write: Write) -> None:
    """A password inside a URL of a stack file is a credential in clear text, and that alone is said."""
    config = {
        "type": "postgres",
        "url": "postgresql://writer:planted@db.example.com/rows",
        "user": "writer",
        "password": {"secure": "v1:abc"},
    }
    text = stack(demo__pipelines={"a": {**PIPELINE, "destination_config": config}})

    assert said(validate_files([write("Pulumi.dev.yaml", text)])) == [
        ("GR601", 9, "pipelines.a.destination_config.url")
    ]
    alone = validate_files([write("swaps.json", json.dumps({**PIPELINE, "destination_config": config}))])
    assert [code for code, *_ in said(alone)] == ["GR307"]


@pytest.mark.parametrize("name", ["headers", "transforms", "pipelines", "config", "a.b", "a[0]", "grüße", "0"])
def test_an_entry_named_like_a_field_has_its_lines(write: Write, name: str) -> None:
    """The line of a finding does not depend on what a pipeline is called."""
    pipeline = {**PIPELINE, "destination_config": {**HOOK, "url": "ftp://in.example.com"}, "transforms": {name: ""}}
    report = validate_files([write("Pulumi.dev.yaml", stack(demo__pipelines={name: pipeline}))])

    assert [(code, line) for code, line, _ in said(report)] == [("GR303", 9), ("GR104", 12)]


def test_unknown_settings_are_errors(write: Write) -> None:
    """A `goldrush:` setting that does not exist is refused with the nearest name; all others pass."""
    config: dict[str, object] = {f"goldrush:{name}": "x" for name in SETTING_NAMES if name != "serviceKey"}
    text = json.dumps({"config": {**config, "aws:region": "x", "goldrush:requestPerSecond": 5}}, indent=1)
    report = validate_files([write("Pulumi.dev.yaml", text)], SETTING_NAMES)

    assert [code for code, *_ in said(report)] == ["GR703", "GR602"]
    assert report.findings[1].problem.hint == 'did you mean "requestsPerSecond"?'
    write("Pulumi.yaml", "name: goldrush\nruntime: python\n")
    assert [code for code, *_ in said(validate_files([write("Pulumi.dev.yaml", text)], SETTING_NAMES))] == ["GR703"]


def test_unknown_settings_have_messages() -> None:
    """The provider and `doctor` say the same of a setting that does not exist."""
    names = ["goldrush:baseURL", "goldrush:pipelines", "aws:region", "goldrush:parallel", "goldrush:nonsense"]
    near, far = unknown_settings(names)

    assert near == "goldrush:baseURL: is not a setting, did you mean goldrush:baseUrl?"
    assert far.startswith("goldrush:nonsense: is not a setting, use one of serviceKey, baseUrl")


@pytest.mark.parametrize("value", ["", None, {"secure": "v1:abc"}])
def test_an_empty_or_encrypted_key_is_fine(write: Write, value: object) -> None:
    """A ServiceKey that is not there is no credential in clear text."""
    text = json.dumps({"config": {"goldrush:serviceKey": value}})

    assert [code for code, *_ in said(validate_files([write("Pulumi.dev.json", text)]))] == ["GR703"]

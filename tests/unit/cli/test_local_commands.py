from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from goldrush_pulumi.cli import ExitCode
from goldrush_pulumi.cli.doctor import Level, check_parallelism, check_project
from tests.unit.cli.conftest import resource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goldrush_pulumi.emulator import Emulator
    from tests.support.caller import Caller
    from tests.unit.cli.conftest import Ended, FakePulumi

VALID: dict[str, Any] = {
    "project": "analytics-prod",
    "topic": "base.mainnet.ref.block.swap.v3",
    "destination_config": {
        "type": "postgres",
        "url": "postgresql://db.example.com:5432/analytics",
        "user": "goldrush",
        "password": {"secure": "v1:abc"},
    },
}


def write_stack(folder: Path, name: str, **pipelines: Any) -> None:
    text = yaml.safe_dump({"config": {"shop:pipelines": pipelines}})
    (folder / f"Pulumi.{name}.yaml").write_text(text, "utf-8")


def test_validate_judges_all_stack_files(command: Callable[..., Ended], tmp_path: Path) -> None:
    """Every stack file of the folder, one stack, or named files; problems are lines with file, line and path."""
    write_stack(tmp_path, "dev", swaps=VALID)
    assert "1 pipeline in 1 file: nothing is wrong" in command("validate").out
    write_stack(tmp_path, "prod", swaps={**VALID, "topci": "x"})

    ended = command("validate")
    assert ended.code == ExitCode.PROBLEMS
    assert "Pulumi.prod.yaml:" in ended.out
    assert 'did you mean "topic"?' in ended.out
    assert command("validate", "--stack", "dev").code == ExitCode.OK
    assert command("validate", "Pulumi.dev.yaml", "--json").json["findings"] == []
    assert command("validate", "--stack", "prod", "--json").json["findings"][0]["severity"] == "error"


def test_validate_without_files(command: Callable[..., Ended]) -> None:
    """A folder without stack files is an error, not a success."""
    assert "Pulumi.*.yaml" in command("validate").fails_with(ExitCode.NOT_FOUND)
    assert "Pulumi.dev.yaml" in command("validate", "--stack", "dev").fails_with(ExitCode.NOT_FOUND)


def test_validate_ignores_and_fixes(command: Callable[..., Ended], tmp_path: Path) -> None:
    """A code can be left out, a certain mistake is corrected in the file, and SARIF is one JSON document."""
    write_stack(tmp_path, "dev", swaps={**VALID, "execution_stop_from": 5, "statuss": "paused"})

    assert "GR206" not in command("validate", "--ignore", "gr206").out
    assert "there is no such code" in command("validate", "--ignore", "GR999").fails_with(ExitCode.USAGE)
    results = command("validate", "--sarif").json["runs"][0]["results"]
    assert {result["ruleId"] for result in results} == {"GR101", "GR206"}

    ended = command("validate", "--fix")
    assert (ended.code, ended.out.splitlines()[0]) == (ExitCode.OK, "1 fixed")
    assert "status: paused" in (tmp_path / "Pulumi.dev.yaml").read_text("utf-8")
    assert command("validate", "--strict", "--ignore", "GR101,GR206").code == ExitCode.OK


def test_validate_finds_stack_files_where_pulumi_does(command: Callable[..., Ended], tmp_path: Path) -> None:
    """`stackConfigDir` of the project, a project above the folder, and a stack named with its organization count."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\nstackConfigDir: stacks\n", "utf-8")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "inner").mkdir()
    write_stack(tmp_path / "stacks", "dev", swaps=VALID)

    assert "1 pipeline in 1 file" in command("validate").out
    assert "1 pipeline in 1 file" in command("validate", "--stack", "acme/shop/dev").out
    assert "1 pipeline in 1 file" in command("validate", "--cwd", "inner").out


def test_validate_refuses_unknown_settings(command: Callable[..., Ended], tmp_path: Path) -> None:
    """A misspelt `goldrush:` setting is an error with the nearest name."""
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  goldrush:baseURL: http://127.0.0.1:8710/\n", "utf-8")

    ended = command("validate")
    assert ended.code == ExitCode.PROBLEMS
    assert 'config["goldrush:baseURL"]: is not a setting of the provider, did you mean "baseUrl"?' in ended.out


def levels(ended: Ended) -> dict[str, str]:
    return {finding["subject"]: finding["level"] for finding in ended.json}


def test_doctor_finds_nothing_wrong(
    caller: Caller, command: Callable[..., Ended], pulumi: FakePulumi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With everything in place, every result is ok and the exit code is 0."""
    pulumi.write({}, resource("swaps", caller.create()["id"]))
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\n", "utf-8")
    monkeypatch.setenv("PULUMI_PYTHON_CMD", sys.executable)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))

    ended = command("doctor", "--stack", "dev", "--json")
    assert set(levels(ended).values()) == {"ok"}, ended.out
    assert {"Python", "Pulumi SDK", "Pulumi CLI", "provider", "parallelism", "endpoint", "ServiceKey", "clock"} <= set(
        levels(ended)
    )
    assert ended.code == ExitCode.OK


def test_doctor_says_what_to_do(
    emulator: Emulator, caller: Caller, command: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every result that is not ok has advice, and a refused key differs from a dead endpoint."""
    del caller
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("GOLDRUSH_SERVICE_KEY", emulator.api_key)
    ended = command("doctor", "--json")

    assert ended.code == ExitCode.PROBLEMS
    found = levels(ended)
    assert (found["Pulumi CLI"], found["endpoint"], found["ServiceKey"]) == ("wrong", "ok", "wrong")
    assert all(finding["advice"] for finding in ended.json if finding["level"] != "ok")
    monkeypatch.setenv("GOLDRUSH_BASE_URL", "http://127.0.0.1:1/")
    assert levels(command("doctor", "--json"))["endpoint"] == "wrong"
    monkeypatch.delenv("GOLDRUSH_SERVICE_KEY")
    text = command("doctor").out
    assert "wrong    ServiceKey: find ServiceKey: none is set, select the stack whose config has it" in text


def test_doctor_finds_a_key_in_clear(
    emulator: Emulator, caller: Caller, command: Callable[..., Ended], pulumi: FakePulumi
) -> None:
    """A ServiceKey that was set without --secret is wrong although it works, and is not shown."""
    del caller
    for is_secret in (False, True):
        pulumi.write({"goldrush:serviceKey": {"value": emulator.service_key, "secret": is_secret}})
        ended = command("doctor", "--stack", "dev", "--json")
        found = levels(ended)
        assert (found.get("stack config"), found["ServiceKey"]) == (None if is_secret else "wrong", "ok")
        assert emulator.service_key not in ended.out + ended.err


def test_doctor_finds_unknown_settings(
    caller: Caller, command: Callable[..., Ended], pulumi: FakePulumi, tmp_path: Path
) -> None:
    """A misspelt setting is wrong, and comes with the nearest name; a project called goldrush has values of its own."""
    del caller
    pulumi.write({"goldrush:retrySecond": {"value": "5"}})
    ended = command("doctor", "--stack", "dev")
    assert ended.code == ExitCode.PROBLEMS
    assert "goldrush:retrySecond: is not a setting, did you mean goldrush:retrySeconds?" in ended.out
    (tmp_path / "Pulumi.yaml").write_text("name: goldrush\nruntime: python\n", "utf-8")
    assert "is not a setting" not in command("doctor", "--stack", "dev").out


def test_doctor_sees_a_wrong_clock(emulator: Emulator, caller: Caller, command: Callable[..., Ended]) -> None:
    """A clock that is minutes off is a warning that names the difference."""
    del caller
    emulator.application._api._clock = lambda: 1_700_000_000.0
    (finding,) = (item for item in command("doctor", "--json").json if item["subject"] == "clock")
    assert finding["level"] == "warning"
    assert "ahead of GoldRush" in finding["text"]


def test_doctor_counts_what_the_config_declares(
    caller: Caller, command: Callable[..., Ended], pulumi: FakePulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the first up, a stack has as many pipelines as its config declares."""
    del caller
    declared = {f"p{number}": VALID for number in range(9)}
    pulumi.write({"shop:pipelines": {"value": "", "objectValue": declared, "secret": False}})
    monkeypatch.setenv("PULUMI_PARALLEL", "8")
    assert "the stack has 9 pipelines" in command("doctor", "--stack", "dev").out


@pytest.mark.parametrize(
    ("places", "pipelines", "level"),
    [("64", 64, "OK"), ("8", 9, "WARNING"), ("lots", 0, "WRONG"), ("", 10_000, "WARNING")],
)
def test_parallelism(places: str, pipelines: int, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """PULUMI_PARALLEL, or four per core, is compared with the number of pipelines."""
    monkeypatch.setenv("PULUMI_PARALLEL", places)
    (finding,) = check_parallelism(pipelines)
    assert finding.level.name == level
    assert bool(finding.advice) == (level != "OK")


@pytest.mark.parametrize(
    ("settings", "files", "wrong"),
    [
        ({"runtime": "python"}, ["uv.lock"], "toolchain"),
        ({"runtime": "python"}, ["poetry.lock"], "toolchain"),
        (
            {"runtime": {"name": "python", "options": {"virtualenv": "venv"}}, "main": "src"},
            ["venv/x", "src/x"],
            "main",
        ),
        ({"runtime": {"name": "python", "options": {"virtualenv": "venv"}}}, [], "venv"),
        ({"runtime": {"name": "python", "options": {"toolchain": "uv"}}}, [], "provider"),
        ({"runtime": {"name": "python", "options": {"toolchain": "poetry"}}}, [], "provider"),
        ({"runtime": {"name": "python", "options": {"virtualenv": "venv"}}}, ["venv/bin/python"], "provider"),
    ],
)
def test_traps_of_a_project(settings: dict[str, Any], files: list[str], wrong: str, tmp_path: Path) -> None:
    """Every setting that gives the provider another Python than the program is found, with advice."""
    (tmp_path / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "shop", **settings}), "utf-8")
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    found = {finding.subject: finding for finding in check_project(tmp_path)}
    assert found[wrong].level.value == "wrong"
    assert found[wrong].advice


@pytest.mark.parametrize("text", ["name: [", "", "- 1"])
def test_a_project_that_is_none_of_ours(text: str, tmp_path: Path) -> None:
    """A file that cannot be read is the only result."""
    (tmp_path / "Pulumi.yaml").write_text(text, "utf-8")
    (finding,) = check_project(tmp_path)
    assert finding.subject == "project"
    assert finding.advice


def test_the_emulator_runs_until_ctrl_c(tmp_path: Path) -> None:
    """It says how to reach it, answers, and ends with 0."""
    command = [sys.executable, "-m", "goldrush_pulumi.cli", "emulator", "--port", "0", "--service-key", "some-key"]
    process = subprocess.Popen(
        [*command, "--switch", "masked_leaves=*password", "--state", str(tmp_path / "state.db")],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(4)]
    process.send_signal(signal.SIGINT)
    process.communicate()

    assert "export GOLDRUSH_SERVICE_KEY=some-key\n" in lines
    assert process.returncode == ExitCode.OK
    assert (tmp_path / "state.db").exists()


def test_the_emulator_that_cannot_start(command: Callable[..., Ended]) -> None:
    """A wrong switch or address is one line."""
    assert command("emulator", "--switch", "nonsense").fails_with(ExitCode.FAILED)
    assert "loopback" in command("emulator", "--host", "0.0.0.0").fails_with(ExitCode.FAILED)


@pytest.fixture
def other_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project in TypeScript on a machine with nothing on PATH and nothing installed."""
    (tmp_path / "Pulumi.yml").write_text("name: shop\nruntime: nodejs\n", "utf-8")
    (tmp_path / "on-path").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "on-path"))
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GOLDRUSH_PULUMI_PYTHON", raising=False)
    return tmp_path


def executable(file: Path, text: str = "") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    file.chmod(0o755)
    return file


def installed(project: Path, version: str) -> Path:
    return executable(
        project / "home" / "plugins" / f"resource-goldrush-v{version}" / "pulumi-resource-goldrush"
    ).parent


def test_doctor_looks_for_the_plugin_of_other_languages(other_language: Path) -> None:
    """A project in another language than Python needs the plugin: what is missing, or where it is."""
    inside = other_language / "inside"
    inside.mkdir()
    (found,) = check_project(inside)
    assert (found.subject, found.level) == ("plugin", Level.WRONG)
    assert "runtime of the project is nodejs, and the plugin goldrush is neither on PATH nor installed" in found.text

    plugin = executable(other_language / "on-path" / "pulumi-resource-goldrush")
    (found,) = check_project(inside)
    assert (found.subject, found.level, found.text) == ("plugin", Level.OK, f"is at {plugin}")


def test_doctor_examines_an_installed_plugin(other_language: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive needs a Python: one on PATH that is new enough, its own from an earlier start, or the one named."""
    installed(other_language, "0.9.0")
    plugin = installed(other_language, "0.10.0")
    executable(other_language / "on-path" / "python3", "exit 1")
    (found,) = check_project(other_language)
    assert (found.level, found.text) == (Level.WRONG, f"{plugin} finds no Python that it could run in")
    assert "install Python 3.11 or newer, or set GOLDRUSH_PULUMI_PYTHON" in found.advice

    newer = executable(other_language / "on-path" / "python3.13")
    (found,) = check_project(other_language)
    assert (found.level, found.text) == (Level.OK, f"is in {plugin}, and runs with {newer}")
    own = executable(plugin / "venv" / "bin" / "python")
    assert next(check_project(other_language)).text.endswith(f"runs with {own}")
    monkeypatch.setenv("GOLDRUSH_PULUMI_PYTHON", "/nonexistent")
    assert next(check_project(other_language)).level is Level.WRONG


@pytest.mark.parametrize("file", ["package.json", "goldrush/pulumi-plugin.json"])
def test_doctor_compares_the_sdk_with_the_plugin(other_language: Path, file: str) -> None:
    """Pulumi starts exactly the version that the SDK names, and says only that it cannot download another one."""
    executable(other_language / "on-path" / "python3")
    installed(other_language, "0.1.0")
    target = other_language / "sdks" / "goldrush" / file
    target.parent.mkdir(parents=True)
    target.write_text('{"version": "0.2.0"}', "utf-8")
    (found,) = check_project(other_language)
    assert (found.level, found.text) == (
        Level.WRONG,
        "the SDK of this project asks for version 0.2.0, and installed is 0.1.0",
    )
    assert "run `pulumi package add goldrush` again, or install version 0.2.0" in found.advice

    plugin = installed(other_language, "0.2.0")
    assert str(plugin) in next(check_project(other_language)).text
    target.write_text("not JSON", "utf-8")
    assert next(check_project(other_language)).level is Level.OK

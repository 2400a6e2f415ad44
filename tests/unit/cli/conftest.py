"""One command at a time, run in this process against an emulator, as a shell would run it."""

from __future__ import annotations

import json
import os
import stat
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.cli import context as account_module
from goldrush_pulumi.cli import main
from tests.support.caller import Caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from goldrush_pulumi.emulator import Emulator

PIPELINE_TYPE = "pulumi-python:dynamic/goldrush:Pipeline"


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def json_lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]

    def fails_with(self, code: int) -> str:
        """The one line that a failure is."""
        assert self.code == code, f"{self.code}: {self.out}{self.err}"
        assert self.err.startswith("error: ")
        assert self.err.count("\n") == 1
        return self.err.removeprefix("error: ").rstrip()


Command = "Callable[..., Ended]"


@pytest.fixture
def command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Ended]:
    """Runs a command in an empty folder and returns how it ended."""
    monkeypatch.setattr(account_module, "RETRY_SECONDS", 0.0)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))

    def run(*arguments: str) -> Ended:
        capsys.readouterr()
        code = main(list(arguments))
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return run


@pytest.fixture
def caller(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Caller]:
    """Makes pipelines; commands reach the same emulator through the environment."""
    monkeypatch.setenv("GOLDRUSH_SERVICE_KEY", emulator.service_key)
    monkeypatch.setenv("GOLDRUSH_BASE_URL", emulator.base_url)
    with Caller(emulator.base_url, emulator.service_key) as made:
        yield made


@dataclass
class FakePulumi:
    """A `pulumi` on PATH that answers for one stack, `dev`, from files."""

    folder: Path

    def write(self, config: dict[str, Any], *resources: dict[str, Any]) -> None:
        state = {"version": 3, "deployment": {"resources": list(resources)}}
        (self.folder / "config.json").write_text(json.dumps(config), "utf-8")
        (self.folder / "state.json").write_text(json.dumps(state), "utf-8")


def resource(name: str, pipeline_id: str, **outputs: Any) -> dict[str, Any]:
    """A pipeline as the exported state has it."""
    return {
        "urn": f"urn:pulumi:dev::shop::{PIPELINE_TYPE}::{name}",
        "type": PIPELINE_TYPE,
        "custom": True,
        "id": pipeline_id,
        "inputs": {"status": outputs.pop("desired_status", "running")},
        "outputs": outputs,
    }


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakePulumi:
    """The only `pulumi` there is, and the stack it knows."""
    folder = tmp_path / "fake-pulumi"
    folder.mkdir()
    script = folder / "pulumi"
    script.write_text(
        f"#!{sys.executable}\n"
        "import pathlib, sys\n"
        f"folder = pathlib.Path({str(folder)!r})\n"
        "words = sys.argv[1:]\n"
        "if words == ['version']:\n    print('v3.259.0')\n    sys.exit()\n"
        "if words[words.index('--stack') + 1] != 'dev':\n"
        "    print(\"warning: something\\nerror: no stack named 'other' found\", file=sys.stderr)\n    sys.exit(255)\n"
        "print((folder / ('config.json' if words[0] == 'config' else 'state.json')).read_text())\n",
        "utf-8",
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", os.pathsep.join([str(folder), os.environ["PATH"]]))
    fake = FakePulumi(folder)
    fake.write({})
    return fake


@pytest.fixture
def no_pulumi(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A PATH without any `pulumi`."""
    monkeypatch.setenv("PATH", str(tmp_path))

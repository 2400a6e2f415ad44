"""What `doctor` finds wrong with versions, the venv of a project, and GoldRush itself."""

from __future__ import annotations

import stat
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.cli import ExitCode
from goldrush_pulumi.cli import doctor as doctor_module
from goldrush_pulumi.cli.doctor import Examination, Level, check_project, check_versions

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goldrush_pulumi.emulator import Emulator
    from tests.support.caller import Caller
    from tests.unit.cli.conftest import Ended


def versions() -> dict[str, Examination]:
    return {found.subject: found for found in check_versions()}


def program(file: Path, *lines: str) -> Path:
    """Write a program that runs in this interpreter."""
    file.write_text("\n".join([f"#!{sys.executable}", *lines]), "utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


# --- Versions ---------------------------------------------------------------------------------------------------------


def test_an_environment_without_the_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pulumi is not installed, doctor says into which venv the package belongs."""

    def version(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    found = versions()["Pulumi SDK"]

    assert (found.level, found.text) == (Level.WRONG, "is not installed here")
    assert found.advice == "install goldrush-pulumi into the project's venv"


@pytest.mark.parametrize(
    ("version", "level", "text"),
    [
        ("v3.259.0", Level.OK, "v3.259.0"),
        ("v3.216.0", Level.OK, "v3.216.0"),
        ("v3.215.9", Level.WRONG, "v3.215.9 is older than 3.216"),
        ("dev", Level.WARNING, "has an unknown version (dev)"),
        (None, Level.WRONG, "is not on PATH"),
    ],
)
def test_the_version_of_the_cli(version: str | None, level: Level, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An old CLI is wrong, one that was built by hand is only worth a warning, and each comes with advice."""
    monkeypatch.setattr(doctor_module, "cli_version", lambda: version)
    found = versions()["Pulumi CLI"]

    assert (found.level, found.text) == (level, text)
    assert bool(found.advice) is (level is not Level.OK)


# --- The Python of the provider ---------------------------------------------------------------------------------------


def provider(folder: Path, options: str) -> Examination:
    """What doctor says of the provider of a project with these options of its runtime."""
    runtime = f"name: shop\nruntime:\n  name: python\n  options: {options}\n"
    (folder / "Pulumi.yaml").write_text(runtime, "utf-8")
    (found,) = (item for item in check_project(folder) if item.subject == "provider")
    return found


@pytest.fixture
def only_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_a_venv_without_the_package(tmp_path: Path) -> None:
    """A Python that cannot import the package could run no provider, and doctor says where to install it."""
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    python = program(tmp_path / ".venv" / "bin" / "python", "import sys", "sys.exit(1)")
    found = provider(tmp_path, "{virtualenv: .venv}")

    assert (found.level, found.text) == (Level.WRONG, f"{python} cannot import goldrush_pulumi and pulumi")
    assert found.advice.startswith("install goldrush-pulumi there")


def test_a_venv_that_does_not_start(tmp_path: Path) -> None:
    """A venv whose Python is broken is to be created again."""
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").write_text("", "utf-8")
    found = provider(tmp_path, "{toolchain: uv}")

    assert (found.level, found.advice) == (Level.WRONG, "create the venv again")
    assert found.text.endswith("/.venv/bin/python cannot be started")


@pytest.mark.parametrize(
    ("lines", "level", "text"),
    [
        (("print('{python}')",), Level.OK, "runs in {python}"),
        (("print('')",), Level.WRONG, "no Python was found that the provider process could run in"),
    ],
    ids=["has a venv", "has none"],
)
def test_the_venv_of_poetry(lines: tuple[str, ...], level: Level, text: str, tmp_path: Path, only_path: Path) -> None:
    """Poetry keeps venvs where it likes, so it is asked."""
    python = program(tmp_path / "python")
    program(only_path / "poetry", *(line.format(python=python) for line in lines))
    found = provider(tmp_path, "{toolchain: poetry}")

    assert (found.level, found.text) == (level, text.format(python=python))


@pytest.mark.parametrize("is_broken", [True, False])
def test_without_poetry_its_venv_is_not_found(tmp_path: Path, only_path: Path, *, is_broken: bool) -> None:
    """A project of poetry on a machine where poetry is missing or cannot be started has no Python for its provider."""
    if is_broken:
        file = program(only_path / "poetry")
        file.write_text("#!/nowhere\n", "utf-8")
    found = provider(tmp_path, "{toolchain: poetry}")

    assert (found.level, found.text) == (Level.WRONG, "no Python was found that the provider process could run in")


# --- GoldRush ---------------------------------------------------------------------------------------------------------


def findings(ended: Ended) -> dict[str, Any]:
    return {found["subject"]: found for found in ended.json}


def test_a_goldrush_that_fails(emulator: Emulator, caller: Caller, command: Callable[..., Ended]) -> None:
    """Where GoldRush answers with an error, doctor shows it and says nothing of the key and the clock."""
    del caller
    emulator.fault(status=503, times=None)
    ended = command("doctor", "--json")
    found = findings(ended)

    assert ended.code == ExitCode.PROBLEMS
    assert found["endpoint"]["level"] == "wrong"
    assert "503" in found["endpoint"]["text"]
    assert found["endpoint"]["advice"] == "check goldrush:baseUrl, or try again later"
    assert not {"ServiceKey", "clock"} & found.keys()


def test_a_goldrush_that_shows_no_time(emulator: Emulator, caller: Caller, command: Callable[..., Ended]) -> None:
    """Without a time of the server nothing is said of the clock, and the key counts as accepted."""
    page = caller.send("GET").json()
    page["data"]["updated_at"] = ""
    emulator.fault(status=200, body=page, times=None)
    found = findings(command("doctor", "--json"))

    assert found["ServiceKey"]["level"] == "ok"
    assert "clock" not in found

from __future__ import annotations

import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from tools import distribution, plugin_archive

if TYPE_CHECKING:
    from pathlib import Path

VERSION = distribution.project_version()
NEEDED = ("sh", "dirname", "rm", "mv", "cat", "mkdir", "cp", "chmod")
"""What the launcher and the stand-ins for Python may call."""

PYTHON = """#!/bin/sh
case "$*" in
  *version_info*) exit {too_old} ;;
  *importlib.metadata*) echo {version} ;;
  "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
  "-m pip "*) exit {pip} ;;
  "-m goldrush_pulumi.plugin "*) echo "serves $3" ;;
esac
"""


@pytest.fixture
def launcher(tmp_path: Path) -> Path:
    """The launcher in a folder of its own, as an installed archive has it."""
    return plugin_archive.write_launcher(tmp_path / "resource-goldrush")


@pytest.fixture
def path_folder(tmp_path: Path) -> Path:
    """The only folder on PATH: it holds a shell's commands, and no Python."""
    folder = tmp_path / "on-path"
    folder.mkdir()
    for name in NEEDED:
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


def python(file: Path, *, version: str = VERSION, too_old: bool = False, pip: int = 0) -> Path:
    """A stand-in for a Python interpreter."""
    file.write_text(PYTHON.format(version=version, too_old=int(too_old), pip=pip), "utf-8")
    file.chmod(0o755)
    return file


def files(launcher: Path) -> list[str]:
    return sorted(file.name for file in launcher.parent.iterdir())


def launch(launcher: Path, path: Path, **environment: str) -> tuple[str, str]:
    """Start the plugin as the engine does; return what stands on stdout and on stderr."""
    done = subprocess.run(
        [str(launcher), "127.0.0.1:1"],
        env={"PATH": str(path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout, done.stderr


def test_the_first_start_makes_an_environment(launcher: Path, path_folder: Path) -> None:
    """Only the port reaches stdout, what is being made is said on stderr, and the second start makes nothing."""
    python(path_folder / "python3")

    first, second = launch(launcher, path_folder), launch(launcher, path_folder)

    assert first == ("serves 127.0.0.1:1\n", f"making the Python environment of the goldrush plugin {VERSION}, once\n")
    assert second == ("serves 127.0.0.1:1\n", "")
    assert files(launcher) == ["pulumi-resource-goldrush", "venv"]


def test_a_newer_python_under_another_name_is_taken(launcher: Path, path_folder: Path) -> None:
    """Where `python3` is too old, the numbered ones are tried."""
    python(path_folder / "python3", too_old=True)
    python(path_folder / "python3.12")

    assert launch(launcher, path_folder)[0] == "serves 127.0.0.1:1\n"


def test_a_machine_without_python_is_told_what_is_needed(launcher: Path, path_folder: Path) -> None:
    """One line names the version and the way out, and nothing is left behind."""
    python(path_folder / "python3", too_old=True)

    _, said = launch(launcher, path_folder)

    assert said == (
        "start the goldrush plugin: there is no Python 3.11 or newer on PATH; install one, or set"
        f" GOLDRUSH_PULUMI_PYTHON to a Python that has goldrush-pulumi {VERSION}\n"
    )
    assert files(launcher) == ["pulumi-resource-goldrush"]


def test_an_environment_that_cannot_be_filled_is_removed(launcher: Path, path_folder: Path) -> None:
    """The next start tries again, from nothing."""
    python(path_folder / "python3", pip=1)

    assert "pip cannot install goldrush-pulumi" in launch(launcher, path_folder)[1]
    assert files(launcher) == ["pulumi-resource-goldrush"]
    python(path_folder / "python3")
    assert launch(launcher, path_folder)[0] == "serves 127.0.0.1:1\n"


def test_the_environment_may_name_a_python(launcher: Path, path_folder: Path, tmp_path: Path) -> None:
    """It is used when it has this very version, and refused by name when it has another or none."""
    right, other = python(tmp_path / "right"), python(tmp_path / "other", version="0.0.1")

    assert launch(launcher, path_folder, GOLDRUSH_PULUMI_PYTHON=str(right)) == ("serves 127.0.0.1:1\n", "")
    _, said = launch(launcher, path_folder, GOLDRUSH_PULUMI_PYTHON=str(other))
    assert said == (
        f"start the goldrush plugin: GOLDRUSH_PULUMI_PYTHON is {other}, which has goldrush-pulumi 0.0.1;"
        f" install {VERSION} there\n"
    )
    _, said = launch(launcher, path_folder, GOLDRUSH_PULUMI_PYTHON="/nonexistent")
    assert "which has no goldrush-pulumi; install" in said


def test_the_archive_holds_a_launcher_and_a_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`pulumi plugin install` unpacks it: the launcher lies at its top, and can be run."""

    def build(folder: Path, *_kinds: str) -> None:
        folder.mkdir()
        (folder / f"goldrush_pulumi-{VERSION}-py3-none-any.whl").write_bytes(b"a wheel")

    monkeypatch.setattr(distribution, "build", build)
    archive = plugin_archive.build(tmp_path / "dist")

    with tarfile.open(archive) as packed:
        modes = {file.name: file.mode for file in packed}
    assert archive.name == f"pulumi-resource-goldrush-v{VERSION}.tar.gz"
    assert sorted(modes) == ["LICENSE", f"goldrush_pulumi-{VERSION}-py3-none-any.whl", "pulumi-resource-goldrush"]
    assert modes["pulumi-resource-goldrush"] & 0o111

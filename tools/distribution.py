"""The sdist and the wheel: build them, and test the wheel where nothing of this repository is near.

Without an argument both are built into `dist/`; `TAG=v1.2.3` in the environment refuses to build another version. With
`--check` a wheel is built, installed into an empty venv, and tested there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Final

from tools.environment import ROOT, VENV
from tools.terminal import say

DIST: Final = ROOT / "dist"
LOCK: Final = ROOT / "requirements.lock"
COMMANDS: Final = (("--version",), ("--help",), ("validate", "--strict", str(ROOT / "Pulumi.dev.yaml")))
"""What the command line has to do when the wheel is installed alone."""
TESTS: Final = ("tests/__init__.py", "tests/conftest.py", "tests/unit/test_public_surface.py")
"""The tests of what users import, and what they need beside the package."""


class DistributionError(Exception):
    """The package cannot be built or does not work as installed; the text says why."""


def main(arguments: list[str]) -> int:
    """Build, or check with `--check`, and return the exit code."""
    try:
        if arguments == ["--check"]:
            check()
        else:
            require_tag(os.environ.get("TAG", ""))
            build(DIST, "--sdist", "--wheel")
    except DistributionError as error:
        print(f"distribution: {error}", file=sys.stderr)
        return 1
    return 0


def require_tag(tag: str) -> None:
    """Raise DistributionError when `tag` is given and names another version than pyproject.toml."""
    version = project_version()
    if tag not in {"", f"v{version}"}:
        raise DistributionError(f"release {tag}: pyproject.toml has version {version}; tag the commit v{version}")


def project_version() -> str:
    """Return the version in pyproject.toml."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"])


def build(folder: Path, *kinds: str) -> None:
    """Build into `folder`, which is emptied first, with the locked build tools of `.venv` and no network."""
    shutil.rmtree(folder, ignore_errors=True)
    run(VENV / "bin" / "uv", "build", *kinds, "--no-build-isolation", "--offline", "--out-dir", folder, ROOT)


def check() -> None:
    """Install a wheel into an empty venv, and run the command line and the tests of the public names there."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build(folder / "dist", "--wheel")
        (wheel,) = (folder / "dist").glob("*.whl")
        binaries = make_venv(folder / "venv")
        say(f"installing {wheel.name} alone")
        install(binaries, str(wheel))
        for command in COMMANDS:
            run(binaries / "goldrush-pulumi", *command, folder=folder)
        say("testing its public names")
        install(binaries, f"goldrush-pulumi[emulator] @ {wheel.as_uri()}", "--group", f"{ROOT / 'pyproject.toml'}:test")
        copy_tests(folder / "project")
        run(binaries / "pytest", folder=folder / "project")


def make_venv(folder: Path) -> Path:
    """Make an empty venv with this interpreter and return its `bin`."""
    run(VENV / "bin" / "uv", "venv", "--python", sys.executable, folder)
    return folder / "bin"


def install(binaries: Path, *requirements: str) -> None:
    """Install into the venv of `binaries`, each package in its locked version."""
    python = ("--python", binaries / "python", "--constraint", LOCK)
    run(VENV / "bin" / "uv", "pip", "install", *python, *requirements, folder=binaries)


def copy_tests(folder: Path) -> None:
    """Copy the tests and their configuration to where no import can reach the package of this repository."""
    for file in ("pyproject.toml", *TESTS):
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, target)


def run(program: Path, *arguments: str | Path, folder: Path = ROOT) -> None:
    """Run a program in `folder`, without what this shell says about Python paths; raise DistributionError."""
    foreign = {"PYTHONPATH", "VIRTUAL_ENV"}
    environment = {name: value for name, value in os.environ.items() if name not in foreign}
    if "PIP_INDEX_URL" in environment:
        environment.setdefault("UV_DEFAULT_INDEX", environment["PIP_INDEX_URL"])
    command = [str(program), *map(str, arguments)]
    ended = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, check=False)
    if ended.returncode != 0:
        raise DistributionError(f"`{program.name} {' '.join(command[1:3])}` failed; see its message above")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

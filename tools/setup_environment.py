"""Everything this repository needs, made on first use and checked in an instant afterwards: `make setup`.

`.venv` with the locked packages and this package, `.venv-oldest` with the oldest supported Pulumi SDK, the Pulumi CLI.
Only the standard library is used, and nothing outside the repository is written but `~/.pulumi/versions`.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import pulumi_build, pulumi_cli
from tools.environment import PULUMI_FOLDER_FILE, ROOT, VENV, VENV_OLDEST
from tools.exclusive import exclusive
from tools.terminal import say

OLDEST_PYTHON = (3, 11)
LOCK = ROOT / "requirements.lock"
LOCK_OLDEST = ROOT / "requirements-oldest.lock"


class SetupError(Exception):
    """The set-up cannot go on; the text says what to do."""


def main() -> int:
    """Set everything up; answer the exit code."""
    try:
        set_up()
    except (SetupError, pulumi_build.BuildError) as error:
        print(f"set-up: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("set-up: interrupted; run it again to go on", file=sys.stderr)
        return 130
    return 0


def set_up() -> None:
    """Make what is missing or out of step."""
    if sys.version_info < OLDEST_PYTHON:
        raise SetupError(
            f"{sys.executable} is Python {sys.version.split()[0]}; run `make setup PYTHON=...` with 3.11 or newer"
        )
    with exclusive(ROOT / ".setup.lock", waiting="waiting for another set-up of this clone"):
        install_packages(VENV, LOCK, itself=True)
        if LOCK_OLDEST.exists():
            install_packages(VENV_OLDEST, LOCK_OLDEST, itself=False)
        found = pulumi_cli.provide(VENV / "bin" / "python")
        path = os.pathsep.join([str(found.folder), os.environ.get("PATH", "")])
        yaml_host = pulumi_cli.provide_host(pulumi_build.YAML_HOST, path)
        # The hosts of Go and Node.js come there when somebody needs them: see `tools.sdk`.
        later = pulumi_cli.host_folder(pulumi_build.GO_HOST)
        folders = dict.fromkeys((found.folder, yaml_host, later))
        PULUMI_FOLDER_FILE.write_text(os.pathsep.join(map(str, folders)) + "\n", "utf-8")


def install_packages(venv: Path, lock: Path, *, itself: bool) -> None:
    """Bring `venv` to exactly what `lock` says, and this package too where `itself`; quick when it is so already."""
    stamp = venv / "installed"
    wanted = fingerprint(lock, ROOT / "pyproject.toml") if itself else fingerprint(lock)
    if runs(venv) and stamp.exists() and stamp.read_text("utf-8") == wanted:
        return
    if not runs(venv):
        make_venv(venv)
    stamp.unlink(missing_ok=True)
    say(f"installing the locked packages into {venv.name}")
    # Tests start hundreds of interpreters, and each would compile the SDK for itself.
    uv(venv, "pip", "sync", "--compile-bytecode", "--require-hashes", str(lock))
    if itself:
        # Its build needs the network no more: hatchling is among the locked packages.
        uv(venv, "pip", "install", "--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    stamp.write_text(wanted, "utf-8")


def fingerprint(*files: Path) -> str:
    """One hash over the interpreter and the contents of `files`."""
    digest = hashlib.sha256(sys.version.encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def runs(venv: Path) -> bool:
    """Whether the venv's interpreter is there and works: a system upgrade may have taken it away."""
    try:
        subprocess.run([str(venv / "bin" / "python"), "-c", ""], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def make_venv(venv: Path) -> None:
    """Make an empty venv from the interpreter that runs this, in place of what was there."""
    say(f"making {venv.name} with Python {sys.version.split()[0]}")
    shutil.rmtree(venv, ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "venv", str(venv)], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        said = (made.stdout + made.stderr).strip()
        raise SetupError(
            f"`{sys.executable} -m venv` failed; on Debian and Ubuntu, install python3-venv. It said:\n{said}"
        )


def uv(venv: Path, *arguments: str) -> None:
    """Run the locked uv on `venv`."""
    command = VENV / "bin" / "uv"
    if not command.exists():
        install_uv()
    environment = {**os.environ, "VIRTUAL_ENV": str(venv), "UV_NO_PROGRESS": "1"}
    # Who reaches packages through a mirror has usually told pip alone.
    if "PIP_INDEX_URL" in os.environ:
        environment.setdefault("UV_DEFAULT_INDEX", os.environ["PIP_INDEX_URL"])
    ended = subprocess.run(
        [str(command), "--quiet", *arguments], env=environment, stdin=subprocess.DEVNULL, check=False
    )
    if ended.returncode != 0:
        raise SetupError(
            f"`uv {' '.join(arguments[:2])}` failed for {venv.name}; see its message above, and run this again"
        )


def install_uv() -> None:
    """Install uv into `.venv` by pip, in the locked version and checked against its hashes."""
    match = re.search(r"^uv==.*(?:\n    .*)*", LOCK.read_text("utf-8"), re.MULTILINE)
    if match is None:
        raise SetupError(f"{LOCK.name} has no uv in it; restore the file, or run `make lock`")
    with tempfile.TemporaryDirectory() as folder:
        requirement = Path(folder) / "uv.txt"
        requirement.write_text(match.group(0) + "\n", "utf-8")
        command = [
            str(VENV / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--require-hashes",
            "-r",
            str(requirement),
        ]
        environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        ended = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False)
    if ended.returncode != 0:
        raise SetupError("pip could not install uv; see its message above. Is the package index reachable?")


if __name__ == "__main__":
    raise SystemExit(main())

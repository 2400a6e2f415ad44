"""The Pulumi CLI for this repository: found, else downloaded, else built from its Go modules.

Only the standard library is used: this runs before anything is installed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tools import pulumi_build
from tools.exclusive import exclusive
from tools.terminal import say

if TYPE_CHECKING:
    from collections.abc import Iterator

# The first CLI whose `pulumi import --file` takes inputs and outputs, which is the only import dynamic resources have.
OLDEST_CLI = (3, 254, 0)

DOWNLOAD_SITE = "https://get.pulumi.com/install.sh"
PROBE_SECONDS = 8
DOWNLOAD_SECONDS = 300


class Found(NamedTuple):
    """A usable CLI: the folder it lies in, and its version."""

    folder: Path
    version: str


def provide(python: Path) -> Found:
    """Find or make a Pulumi CLI.

    Args:
        python: An interpreter that has the Pulumi SDK, whose installer fetches the official CLI.

    Raises:
        pulumi_build.BuildError: There is none, none can be downloaded, and none can be built.
    """
    version = pulumi_build.engine_version()
    versions = versions_folder()
    found = on_path() or complete(versions / version / "bin")
    if found is not None:
        return found
    versions.mkdir(parents=True, exist_ok=True)
    # Two set-ups at once must not both spend minutes on the same build.
    with exclusive(versions / f".{version}.lock", waiting="waiting for another set-up that prepares the Pulumi CLI"):
        return complete(versions / version / "bin") or make(python, version, versions)


def provide_host(host: pulumi_build.Program, path: str) -> Path:
    """Find a language host in the folders of `path`, or make it; answer the folder it lies in.

    Raises:
        pulumi_build.BuildError: There is none, and none can be built.
    """
    present = shutil.which(host.name, path=path)
    return Path(present).parent if present is not None else built(host, host_version(host))


def host_version(host: pulumi_build.Program) -> str:
    """The name of a language host's folder among the versions: the hosts of one module share theirs."""
    kind = "yaml" if host == pulumi_build.YAML_HOST else "hosts"
    return f"{kind}-{pulumi_build.locked_version(host)}"


def host_folder(host: pulumi_build.Program) -> Path:
    """Where a language host lies once it is built."""
    return versions_folder() / host_version(host) / "bin"


def versions_folder() -> Path:
    """Where everything lies that is built or downloaded, for all clones of this repository."""
    return Path.home() / ".pulumi" / "versions"


def built(program: pulumi_build.Program, version: str) -> Path:
    """Build a program unless it was built on this machine before; answer the folder it lies in.

    `version` names that folder, and changes with everything that the program is built from.

    Raises:
        pulumi_build.BuildError: It cannot be built.
    """
    versions = versions_folder()
    folder = versions / version / "bin"
    versions.mkdir(parents=True, exist_ok=True)
    with exclusive(versions / f".{version}.lock", waiting=f"waiting for another set-up that builds {program.name}"):
        if not os.access(folder / program.name, os.X_OK):
            with staging(versions, version) as making:
                (making / "built").mkdir()
                pulumi_build.build_one(program, making / "built" / program.name)
                move_in(making / "built", folder)
    return folder


def make(python: Path, version: str, versions: Path) -> Found:
    """Download or build the CLI into `versions`; the lock on that version must be held."""
    with staging(versions, version) as folder:
        downloaded = download(python, version, folder)
        source = folder / "bin" if downloaded else pulumi_build.build(version, folder / "built")
        if complete(source) is None:
            raise pulumi_build.BuildError(f"prepare the Pulumi CLI: {source / 'pulumi'} does not run on this machine")
        move_in(source, versions / version / "bin")
    say(f"Pulumi CLI {version} is in {versions / version / 'bin'}")
    return Found(versions / version / "bin", version)


def on_path() -> Found | None:
    """The CLI on PATH, or None with a line that says why it does not serve."""
    command = shutil.which("pulumi")
    if command is None:
        return None
    # A version manager's shim resolves to the manager itself; then the shim's own folder counts.
    resolved = Path(command).resolve()
    executable = resolved if resolved.name == "pulumi" else Path(command)
    version = version_of(executable)
    if version is None:
        say(f"pulumi on PATH ({command}) does not run; looking elsewhere")
    elif numbers(version) < OLDEST_CLI:
        say(f"pulumi on PATH ({command}) is {version}, older than {dotted(OLDEST_CLI)}; looking elsewhere")
    elif not (executable.with_name("pulumi-language-python").exists() or shutil.which("pulumi-language-python")):
        say(f"pulumi on PATH ({command}) has no pulumi-language-python beside it; looking elsewhere")
    else:
        return Found(executable.parent, version)
    return None


def complete(folder: Path) -> Found | None:
    """The CLI in `folder`, when all its parts are there and it runs."""
    if not all(os.access(folder / name, os.X_OK) for name in pulumi_build.BINARIES):
        return None
    version = version_of(folder / "pulumi")
    return None if version is None else Found(folder, version)


def version_of(executable: Path) -> str | None:
    """What `pulumi version` says, without the leading v; None when it does not run."""
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        answer = subprocess.run(
            [str(executable), "version"], env=environment, capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.match(r"v?(\d+\.\d+\.\d+\S*)", answer.stdout.strip())
    return match and match.group(1)


def numbers(version: str) -> tuple[int, ...]:
    """`3.259.0-alpha.1` as (3, 259, 0)."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def dotted(version: tuple[int, ...]) -> str:
    """(3, 254, 0) as `3.254.0`."""
    return ".".join(map(str, version))


def download(python: Path, version: str, folder: Path) -> bool:
    """Put the official CLI into `folder`; False, with a line, where that is not possible."""
    # A look-up of a name has no timeout of its own: only a process of its own can be given one.
    probe = f"import urllib.request; urllib.request.urlopen({DOWNLOAD_SITE!r}, timeout={PROBE_SECONDS}).close()"
    if not ends_well([str(python), "-c", probe], PROBE_SECONDS + 2):
        say("the official download of the Pulumi CLI cannot be reached from here")
        return False
    say(f"downloading the official Pulumi CLI {version}")
    program = (
        "import sys, semver, pulumi.automation as automation; "
        "automation.PulumiCommand.install(root=sys.argv[1], version=semver.VersionInfo.parse(sys.argv[2]))"
    )
    if ends_well([str(python), "-c", program, str(folder), version], DOWNLOAD_SECONDS) and complete(folder / "bin"):
        return True
    say("the official download of the Pulumi CLI did not succeed")
    return False


def ends_well(command: list[str], timeout_seconds: float) -> bool:
    """Whether `command` ends without an error, in time."""
    try:
        ended = subprocess.run(command, capture_output=True, timeout=timeout_seconds, check=False)
    except (OSError, subprocess.SubprocessError):
        return False
    return ended.returncode == 0


@contextmanager
def staging(versions: Path, version: str) -> Iterator[Path]:
    """A folder on the disk of `versions`, so that what is finished there moves in at once; removes unfinished ones."""
    prefix = f".making-{version}-"
    for unfinished in versions.glob(f"{prefix}*"):
        shutil.rmtree(unfinished, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=versions) as folder:
        yield Path(folder)


def move_in(source: Path, target: Path) -> None:
    """Move every file of `source` to `target`, `pulumi` last: an interrupted move is never taken for a whole CLI."""
    target.mkdir(parents=True, exist_ok=True)
    for file in sorted(source.iterdir(), key=lambda file: file.name == "pulumi"):
        file.replace(target / file.name)

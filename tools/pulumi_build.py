"""The Pulumi CLI from its Go modules, for machines that the official download does not reach.

Each go.mod file pins what is built. The language host of Python has one of its own: the last version of it that a Go
module mirror can serve is 3.79.0, and it works with newer engines and SDKs. That of YAML is a module of its own. Those
of Go and Node.js are of the last version that has both in one module, 3.60.0. What they are built from is raised to the
versions that the engine is built from, so that little is compiled twice.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from tools.terminal import Progress, say

SDK_MODULE = "github.com/pulumi/pulumi/sdk/v3"
VERSION_VARIABLE = f"{SDK_MODULE}/go/common/version.Version"

# From 1.21 on, Go fetches the newer toolchain that a go.mod asks for.
OLDEST_GO = (1, 21)

# These lie inside the SDK's Go module, in no Python package, and belong beside `pulumi`.
SDK_SCRIPTS = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")


class Program(NamedTuple):
    """A Go program: its package, the folder of its go.mod and go.sum, and the module that it is released with."""

    name: str
    package: str
    module: Path
    released_with: str = SDK_MODULE


TOOLS = Path(__file__).resolve().parent
ENGINE = Program("pulumi", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", TOOLS / "pulumi-cli")
LANGUAGE_HOST = Program(
    "pulumi-language-python", f"{SDK_MODULE}/python/cmd/pulumi-language-python", TOOLS / "pulumi-language-python"
)
YAML_MODULE = "github.com/pulumi/pulumi-yaml"
YAML_HOST = Program(
    "pulumi-language-yaml", f"{YAML_MODULE}/cmd/pulumi-language-yaml", TOOLS / "pulumi-language-yaml", YAML_MODULE
)
_HOSTS = TOOLS / "pulumi-language-hosts"
NODE_HOST = Program("pulumi-language-nodejs", f"{SDK_MODULE}/nodejs/cmd/pulumi-language-nodejs", _HOSTS)
GO_HOST = Program("pulumi-language-go", f"{SDK_MODULE}/go/pulumi-language-go", _HOSTS)
SDK_GENERATOR = Program("pulumi-sdk-gen", ".", TOOLS / "pulumi-sdk-gen")
BINARIES = (ENGINE.name, LANGUAGE_HOST.name, *(Path(script).name for script in SDK_SCRIPTS))


class BuildError(Exception):
    """The CLI cannot be built; the text says what to do."""


def engine_version() -> str:
    """The version of the CLI that this repository is locked to."""
    return locked_version(ENGINE)


def locked_version(program: Program) -> str:
    """The version in the program's go.mod of the module that it is released with, without the leading v."""
    lock = program.module / "go.mod"
    match = re.search(rf"{re.escape(program.released_with)} v(\S+)", lock.read_text("utf-8"))
    if match is None:
        raise BuildError(f"read {lock}: it does not require {program.released_with}; restore the file")
    return match.group(1)


def build(version: str, folder: Path) -> Path:
    """Build a whole CLI into the new `folder` and answer it.

    Raises:
        BuildError: No fitting Go, modules that cannot be fetched, or a failed compilation.
    """
    require_go()
    say(f"building the Pulumi CLI {version} from its Go modules, since there is none here and none can be downloaded;")
    say("this takes some minutes, and happens once for all clones of this repository on this machine")
    folder.mkdir()
    for program in (LANGUAGE_HOST, ENGINE):
        compile_program(program, folder / program.name)
    copy_scripts(folder)
    return folder


def build_one(program: Program, target: Path) -> None:
    """Build a single program into the file `target`.

    Raises:
        BuildError: No fitting Go, modules that cannot be fetched, or a failed compilation.
    """
    require_go()
    say(f"building {program.name} {locked_version(program)}; this takes some minutes, and happens once per machine")
    compile_program(program, target)


def require_go() -> None:
    """Refuse a machine without a Go that can build the CLI."""
    command = shutil.which("go")
    if command is None:
        raise BuildError(
            "prepare the Pulumi CLI: there is none on PATH that is new enough, none can be downloaded, and there is no"
            " Go to build it with; install the Pulumi CLI or Go, and run the same command again"
        )
    answer = subprocess.run([command, "env", "GOVERSION"], capture_output=True, text=True, check=False).stdout.strip()
    oldest = ".".join(map(str, OLDEST_GO))
    if tuple(int(number) for number in re.findall(r"\d+", answer)[:2]) < OLDEST_GO:
        raise BuildError(f"build the Pulumi CLI: {command} is {answer or 'too old'}; install Go {oldest} or newer")


def compile_program(program: Program, target: Path) -> None:
    """Fetch and compile `program`, showing how far it is."""
    version = locked_version(program)
    fetching = Progress(f"fetching the modules of {program.name} {version}")
    packages = run_go(program.module, ["list", "-mod=readonly", "-deps", program.package], fetching).splitlines()
    # Without the linked variable the CLI has no version, and the Automation API refuses it.
    link = f"-s -w -X {VERSION_VARIABLE}=v{version}"
    options = ["-mod=readonly", "-buildvcs=false", "-trimpath", "-tags", "grpcnotrace,osusergo", "-ldflags", link]
    compiling = Progress(f"compiling {program.name} {version}", len(packages))
    run_go(program.module, ["build", "-v", *options, "-o", str(target), program.package], compiling)


def copy_scripts(folder: Path) -> None:
    """Copy the two launchers out of the SDK's Go module that the engine is locked to."""
    where = ["list", "-mod=readonly", "-m", "-f", "{{.Dir}}", SDK_MODULE]
    module = Path(run_go(ENGINE.module, where, Progress("finding the launchers")).strip())
    for script in SDK_SCRIPTS:
        target = folder / Path(script).name
        shutil.copyfile(module / script, target)
        target.chmod(0o755)


def run_go(module: Path, arguments: list[str], progress: Progress) -> str:
    """Run Go inside the folder `module` and answer what it printed; its own progress feeds `progress`."""
    # Without cgo no C compiler is needed; and a Go workspace round this clone has no say in the build.
    environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        command = ["go", *arguments]
        with subprocess.Popen(
            command, cwd=module, env=environment, stdout=output, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                lines = progress.follow(process)
            except BaseException:
                process.terminate()
                raise
        if process.returncode != 0:
            raise BuildError("\n".join([f"{progress.title}: go {arguments[0]} failed, and said:", *lines[-12:]]))
        output.seek(0)
        return output.read()

"""The SDKs of the plugin's package, generated from its schema into `sdk/`, and what runs programs in TypeScript and Go.

`make sdk` does here what `pulumi package add` does with the newest language hosts. The SDKs are not checked in: they
are generated from what the installed plugin serves.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from tools import pulumi_build, pulumi_cli
from tools.environment import ROOT, command_path
from tools.plugin_schema import SCHEMA_FILE
from tools.terminal import say

if TYPE_CHECKING:
    from pathlib import Path

SDK: Final = ROOT / "sdk"
LANGUAGES: Final = ("nodejs", "python", "go")


def main() -> int:
    """Generate the SDKs, find or build the language hosts, and return the exit code."""
    try:
        generate(SDK)
        for host in (pulumi_build.NODE_HOST, pulumi_build.GO_HOST):
            pulumi_cli.provide_host(host, command_path())
    except pulumi_build.BuildError as error:
        print(f"sdk: {error}", file=sys.stderr)
        return 1
    say(f"the SDKs are in {SDK.relative_to(ROOT)}/: {', '.join(LANGUAGES)}")
    return 0


def generate(folder: Path) -> None:
    """Generate the SDK of each language into a folder of its own below `folder`, which is emptied first.

    Raises:
        BuildError: The generator cannot be built.
    """
    command = generator()
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([command, SCHEMA_FILE, folder, *LANGUAGES], check=True)


def generator() -> Path:
    """Find or build the generator.

    Raises:
        BuildError: There is none, and it cannot be built.
    """
    program = pulumi_build.SDK_GENERATOR
    digest = hashlib.sha256(b"".join((program.module / name).read_bytes() for name in ("go.sum", "main.go")))
    version = f"sdk-gen-{pulumi_build.locked_version(program)}-{digest.hexdigest()[:8]}"
    return pulumi_cli.built(program, version) / program.name


if __name__ == "__main__":
    raise SystemExit(main())

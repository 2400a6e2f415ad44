"""The package as users get it: a wheel, in an environment that knows nothing of this repository."""

from __future__ import annotations

import os
import sys
import sysconfig
import venv
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.cli import ROOT
from tests.e2e.programs import pipeline

if TYPE_CHECKING:
    from tests.e2e.world import World


def build_wheel(world: World) -> Path:
    """The wheel of the repository as it is now, built from the build tools of this environment alone."""
    dist = world.folder / "dist"
    command = ("uv", "build", "--wheel", "--no-build-isolation", "--offline", "--python", sys.executable)
    world.cli.run_program((*command, "--out-dir", str(dist), str(ROOT)), folder=world.folder)
    (wheel,) = dist.glob("*.whl")
    return wheel


def install(world: World, wheel: Path) -> Path:
    """A new venv with the wheel in it, and the locked dependencies of this environment; answers its `bin`."""
    home = world.folder / "clean"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    world.cli.run_program(
        ("uv", "pip", "install", "--offline", "--no-deps", "--python", str(python), str(wheel)), folder=world.folder
    )
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)}))
    # A path file is read like a folder of packages, but no path file inside that folder is: this repository, which is
    # installed there by such a file, stays out of sight.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    return home / "bin"


def test_wheel_brings_a_pipeline_up(world: World) -> None:
    """The wheel, installed in a clean venv outside the repository, runs a `pulumi up`."""
    scripts = install(world, build_wheel(world))
    world.cli.settings["PATH"] = os.pathsep.join([str(scripts), world.cli.environment["PATH"]])
    world.cli.settings["PYTHONPATH"] = ""
    stack = world.stack(pipeline(), "pulumi.export('origin', goldrush.__file__)")
    stack.up(preview=True)
    assert Path(stack.outputs()["origin"]).is_relative_to(scripts.parent)
    assert world.pipeline()["phase"] == "RUNNING"
    stack.preview_clean()
    stack.destroy()


def test_wheel_holds_what_it_should(world: World) -> None:
    """The wheel has the types marker and the emulator, and neither tests nor tools nor stack files."""
    import zipfile  # noqa: PLC0415 - for this test alone

    names = zipfile.ZipFile(build_wheel(world)).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert "goldrush_pulumi/py.typed" in names
    assert "goldrush_pulumi/emulator/server.py" in names
    assert {top for top in tops if not top.endswith(".dist-info")} == {"goldrush_pulumi"}

"""The package as users get it: a wheel, in an environment that knows nothing of this repository."""

from __future__ import annotations

import os
import sys
import sysconfig
import venv
import zipfile
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from goldrush_pulumi.cli import ExitCode
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
    """A new venv with nothing but the wheel in it, not even its dependencies; answers its `bin`."""
    home = world.folder / "clean"
    venv.create(home)
    python = home / "bin" / "python"
    world.cli.run_program(
        ("uv", "pip", "install", "--offline", "--no-deps", "--python", str(python), str(wheel)), folder=world.folder
    )
    return home / "bin"


def packages_of(scripts: Path) -> Path:
    """The folder of the venv's packages."""
    home = str(scripts.parent)
    return Path(sysconfig.get_path("purelib", vars={"base": home, "platbase": home}))


def share_all_packages(scripts: Path) -> None:
    """Let the venv see every locked package of this environment."""
    # A path file is read like a folder of packages, but no path file inside that folder is: this repository, which is
    # installed there by such a file, stays out of sight.
    (packages_of(scripts) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")


def share_dependencies(scripts: Path) -> None:
    """Let the venv see what `pip install` would bring along: what the wheel asks for without an extra, and so on."""
    packages = packages_of(scripts)
    (metadata,) = packages.glob("goldrush_pulumi-*.dist-info")
    found: dict[str, Distribution] = {}
    collect_dependencies(PathDistribution(metadata), frozenset(), found)
    for package in found.values():
        for top in {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}:
            if not (packages / top).exists():
                (packages / top).symlink_to(Path(str(package.locate_file(top))))


def collect_dependencies(package: Distribution, extras: frozenset[str], found: dict[str, Distribution]) -> None:
    """Add to `found` every package that `package` with these extras needs here, at any depth."""
    for line in package.requires or ():
        needed = Requirement(line)
        if needed.marker and not any(needed.marker.evaluate({"extra": extra}) for extra in (extras or {""})):
            continue
        key = f"{canonicalize_name(needed.name)}{sorted(needed.extras)}"
        if key not in found:
            found[key] = distribution(needed.name)
            collect_dependencies(found[key], frozenset(needed.extras), found)


def test_wheel_brings_a_pipeline_up(world: World) -> None:
    """The wheel, installed in a clean venv outside the repository, runs a `pulumi up`."""
    scripts = install(world, build_wheel(world))
    share_all_packages(scripts)
    world.cli.settings["PATH"] = os.pathsep.join([str(scripts), world.cli.environment["PATH"]])
    world.cli.settings["PYTHONPATH"] = ""
    stack = world.stack(pipeline(), "pulumi.export('origin', goldrush.__file__)")
    stack.up(preview=True)
    assert Path(stack.outputs()["origin"]).is_relative_to(scripts.parent)
    assert world.pipeline()["phase"] == "RUNNING"
    stack.preview_clean()
    stack.destroy()


def test_wheel_brings_the_command_line(world: World) -> None:
    """With the dependencies of the wheel alone the command line works, and names the extra of the emulator."""
    scripts = install(world, build_wheel(world))
    share_dependencies(scripts)
    world.cli.settings["PYTHONPATH"] = ""
    command = str(scripts / "goldrush-pulumi")

    helped = world.cli.run_program((command, "--help"), folder=world.folder)
    judged = world.cli.run_program((command, "validate", str(ROOT / "Pulumi.dev.yaml")), folder=world.folder)
    refused = world.cli.run_program((command, "emulator"), folder=world.folder, expect=ExitCode.MISSING_PACKAGE)

    assert all(name in helped for name in ("logs", "runs", "validate"))
    assert "nothing is wrong" in judged
    assert "run pip install 'goldrush-pulumi[emulator]'" in refused


def test_wheel_starts_a_plugin_without_the_command_line(world: World) -> None:
    """The libraries of the command line are installed, and a program or provider process does not load them."""
    scripts = install(world, build_wheel(world))
    share_dependencies(scripts)
    program = (
        "import sys, goldrush_pulumi, pulumi.dynamic; from goldrush_pulumi.provider import make_provider;"
        "goldrush_pulumi.Pipeline, make_provider(); print({'typer', 'rich'} & {*sys.modules}); import typer, rich"
    )
    world.cli.settings["PYTHONPATH"] = ""
    shown = world.cli.run_program((str(scripts / "python"), "-c", program), folder=world.folder)

    assert shown.text == "set()\n"


def test_wheel_holds_what_it_should(world: World) -> None:
    """The wheel has the types marker and the emulator, and neither tests nor tools nor stack files."""
    names = zipfile.ZipFile(build_wheel(world)).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert "goldrush_pulumi/py.typed" in names
    assert "goldrush_pulumi/emulator/server.py" in names
    assert {top for top in tops if not top.endswith(".dist-info")} == {"goldrush_pulumi"}

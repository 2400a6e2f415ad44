"""The archive of the plugin, for `pulumi plugin install resource goldrush VERSION --file ARCHIVE`.

It holds a launcher and the wheel. The launcher makes the plugin's Python environment when the engine first starts it.
"""

from __future__ import annotations

import shutil
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from tools import distribution
from tools.environment import ROOT
from tools.terminal import say

LAUNCHER: Final = ROOT / "tools" / "plugin" / "pulumi-resource-goldrush"


def main() -> int:
    """Build the archive into `dist/` and return the exit code."""
    try:
        archive = build(distribution.DIST)
    except distribution.DistributionError as error:
        print(f"plugin archive: {error}", file=sys.stderr)
        return 1
    say(f"built {archive.relative_to(ROOT)}; install it with:")
    say(f"pulumi plugin install resource goldrush {distribution.project_version()} --file {archive.relative_to(ROOT)}")
    return 0


def build(folder: Path) -> Path:
    """Build the archive into `folder` and return its path.

    Raises:
        DistributionError: The wheel cannot be built.
    """
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f"pulumi-resource-goldrush-v{distribution.project_version()}.tar.gz"
    with tempfile.TemporaryDirectory() as name:
        content = Path(name) / "content"
        distribution.build(Path(name) / "wheel", "--wheel")
        write_launcher(content)
        for wheel in (Path(name) / "wheel").glob("*.whl"):
            shutil.copy(wheel, content)
        shutil.copy(ROOT / "LICENSE", content)
        with tarfile.open(archive, "w:gz") as packed:
            for file in sorted(content.iterdir()):
                packed.add(file, file.name)
    return archive


def write_launcher(folder: Path) -> Path:
    """Write the launcher of this version into `folder` and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    launcher = folder / LAUNCHER.name
    launcher.write_text(LAUNCHER.read_text("utf-8").replace("@VERSION@", distribution.project_version()), "utf-8")
    launcher.chmod(0o755)
    return launcher


if __name__ == "__main__":
    raise SystemExit(main())

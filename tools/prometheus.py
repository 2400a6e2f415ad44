"""Prometheus and Alertmanager for tests, from the packages of the system: `python -m tools.prometheus`.

Where they are not installed, their packages are unpacked into `.venv`, so that no service of the system starts. That
needs Debian or one of its relatives.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.environment import VENV

FOLDER: Final = VENV / "prometheus"

_PACKAGES: Final = ("prometheus", "prometheus-alertmanager")

_NAMES: Final = {
    "prometheus": ("prometheus",),
    "alertmanager": ("prometheus-alertmanager", "alertmanager"),
    "promtool": ("promtool",),
    "amtool": ("amtool",),
}
"""The names of each program: Debian's, and the usual one where it differs."""


class PrometheusError(Exception):
    """Prometheus is not here; the text says what to do."""


@dataclass(frozen=True)
class Programs:
    """Where the programs are."""

    prometheus: str
    alertmanager: str
    promtool: str
    amtool: str


def find() -> Programs:
    """Return the programs on PATH, or those that were unpacked.

    Raises:
        PrometheusError: One of them is missing.
    """
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(FOLDER / "usr" / "bin")])
    found = {
        program: next((place for name in names if (place := shutil.which(name, path=path))), None)
        for program, names in _NAMES.items()
    }
    missing = [program for program, place in found.items() if place is None]
    if missing:
        raise PrometheusError(f"find {', '.join(missing)}: not on PATH, run make prometheus, or install them")
    return Programs(**{program: str(place) for program, place in found.items()})


def unpack() -> None:
    """Download the packages of the system and unpack them into `.venv`.

    Raises:
        PrometheusError: This system has no such packages, or they cannot be downloaded.
    """
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise PrometheusError("unpack Prometheus: this system has no apt-get, install Prometheus and Alertmanager")
    with tempfile.TemporaryDirectory(prefix="goldrush-prometheus-") as folder:
        if not _download(folder) and not (_update() and _download(folder)):
            raise PrometheusError("download Prometheus: apt-get download failed, run apt-get update and try again")
        for package in Path(folder).glob("*.deb"):
            subprocess.run(["dpkg-deb", "--extract", str(package), str(FOLDER)], check=True)


def main() -> int:
    """Provide the programs, and print where they are; the exit code is 1 if they cannot be had."""
    try:
        try:
            programs = find()
        except PrometheusError:
            unpack()
            programs = find()
    except PrometheusError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{programs.prometheus}, {programs.alertmanager}")
    return 0


def _download(folder: str) -> bool:
    return _ends_well(["apt-get", "download", "--quiet", *_PACKAGES], folder)


def _update() -> bool:
    return os.geteuid() == 0 and _ends_well(["apt-get", "update", "--quiet"], "/")


def _ends_well(command: list[str], folder: str) -> bool:
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())

from __future__ import annotations

import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from goldrush_pulumi.plugin.__main__ import engine_address

ROOT = Path(__file__).resolve().parents[3]


def test_the_engine_finds_the_plugin_by_its_name() -> None:
    """The distribution installs a command of the name that the engine looks for on PATH."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]

    assert callable(pkgutil.resolve_name(scripts["pulumi-resource-goldrush"]))


@pytest.mark.parametrize(
    ("arguments", "address"),
    [
        (["plugin", "127.0.0.1:4000"], "127.0.0.1:4000"),
        (["plugin", "-log", "[::1]:4000"], "[::1]:4000"),
        (["plugin"], None),
        (["plugin", "--help"], None),
    ],
)
def test_the_last_argument_is_the_engine(arguments: list[str], address: str | None) -> None:
    """A plugin that was started by hand has none, and is attached to an engine later."""
    assert engine_address(arguments) == address


def test_the_plugin_starts_without_the_network_stack() -> None:
    """A schema is served and a preview made before the API client, the SQL parser or the YAML reader is loaded."""
    code = "import sys, goldrush_pulumi.plugin.servicer; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}

    assert loaded & {"httpx", "pydantic", "tenacity", "sqlglot", "starlette", "uvicorn", "typer", "rich"} == set()

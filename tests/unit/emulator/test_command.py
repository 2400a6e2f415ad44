from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.caller import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.unit.emulator.conftest import Lab

COMMAND = [sys.executable, "-m", "goldrush_pulumi.emulator"]


@contextlib.contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Run the command until the end of the block; yield the process, and the address and the key that it printed."""
    with subprocess.Popen([*COMMAND, "--port", "0", *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(5)]
            found = re.findall(r"export GOLDRUSH_\w+=(\S+)", "".join(lines))
            assert len(found) == 2, lines
            yield process, found[0], found[1]
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(number: signal.Signals) -> None:
    """SIGTERM and SIGINT end the emulator with exit code 0."""
    with running() as (process, base_url, key):
        with Caller(base_url, key) as api:
            assert api.data("GET")["items"] == []
        process.send_signal(number)
        assert process.wait(timeout=30) == 0


def test_without_its_extra_it_is_one_line() -> None:
    """`python -m goldrush_pulumi.emulator` says what to install, as `goldrush-pulumi emulator` does."""
    program = (
        "import runpy, sys; sys.modules['starlette'] = None\n"
        "runpy.run_module('goldrush_pulumi.emulator', run_name='__main__')"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    advice = "run pip install 'goldrush-pulumi[emulator]'\n"
    assert ended.stderr == f"error: start emulator: the package starlette is not installed, {advice}"
    assert ended.returncode == 1


def test_the_options_reach_the_server(tmp_path: Path) -> None:
    """Key, state file, times and switches from the command line are in force; a kill loses no pipeline."""
    options = ["--service-key", "dev-key", "--state", str(tmp_path / "s.db"), "--deploy-seconds", "900"]
    switches = ["--switch", "foreign_status=403", "--switch", "masked_leaves=url,user"]
    with running(*options, *switches) as (_, url, key), Caller(url, key) as api:
        pipeline = api.create()
        assert api.phase(pipeline["id"]) == "DEPLOYING"
        assert pipeline["destination_config"]["user"] == "******"
    with running(*options) as (_, url, key), Caller(url, "dev-key") as api:
        assert key == "dev-key"
        assert api.data("GET")["items"][0]["id"] == pipeline["id"]


@pytest.mark.untraced
@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--switch", "foreign_status"], "error: --switch foreign_status: has no value, write it as name=value\n"),
        (["--switch", "colour=blue"], "error: set switch colour: there is no such switch, see the documentation\n"),
        (["--host", "0.0.0.0"], "error: serve emulator on 0.0.0.0: it must not be reachable by others, use a loopback"),
        (
            ["--port", "70000"],
            "error: serve emulator on 127.0.0.1:70000: bind(): port must be 0-65535., choose another",
        ),
        (["--port", "{taken}"], "error: serve emulator on 127.0.0.1:{taken}: address already in use, choose another"),
    ],
)
def test_what_cannot_start_is_one_clear_line(lab: Lab, options: list[str], line: str) -> None:
    """A wrong option or a busy port is one line on standard error and exit code 1."""
    taken = str(lab.emulator.port)
    command = [*COMMAND, "--port", "0", *(option.format(taken=taken) for option in options)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(line.format(taken=taken))

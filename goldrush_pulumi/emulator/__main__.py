"""`python -m goldrush_pulumi.emulator`: a local GoldRush until Ctrl-C."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.emulator.lifecycle import Lifecycle
from goldrush_pulumi.emulator.switches import parse_switches

if TYPE_CHECKING:
    from goldrush_pulumi.emulator.server import Emulator

DEFAULT_PORT = 8710


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; return the exit code: 0, or 1 if the emulator cannot start."""
    options = _parser().parse_args(arguments)
    from goldrush_pulumi.emulator.server import EmulatorError  # noqa: PLC0415 - its packages are an extra

    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    try:
        emulator = _emulator(options)
        emulator.start()
    except (EmulatorError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    _announce(emulator)
    try:
        stopping.wait()
    finally:
        emulator.close()
    return 0


def _emulator(options: argparse.Namespace) -> Emulator:
    from goldrush_pulumi.emulator.server import Emulator  # noqa: PLC0415 - its packages are an extra

    return Emulator(
        port=options.port,
        host=options.host,
        lifecycle=Lifecycle.by_time(options.deploy_seconds, options.stop_seconds, options.bounded_seconds),
        switches=parse_switches(_switch_values(options.switch)),
        service_key=options.service_key,
        state_file=options.state,
        probe=options.probe,
        other_service_key=options.other_service_key,
    )


def _announce(emulator: Emulator) -> None:
    lines = (
        f"GoldRush emulator at {emulator.base_url}",
        f"admin API at {emulator.admin_url}",
        f"export GOLDRUSH_BASE_URL={emulator.base_url}",
        f"export GOLDRUSH_SERVICE_KEY={emulator.service_key}",
        "stop it with Ctrl-C",
    )
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _switch_values(assignments: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals:
            raise ValueError(f"--switch {assignment}: has no value, write it as name=value")
        values[name] = value.split(",") if name == "masked_leaves" else _plain_value(value)
    return values


def _plain_value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m goldrush_pulumi.emulator", description="Run a local GoldRush until Ctrl-C."
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="loopback address to listen on (default: %(default)s)")
    add("--port", type=int, default=DEFAULT_PORT, help="port to listen on; 0 takes a free one (default: %(default)s)")
    add("--state", metavar="FILE", help="SQLite file in which pipelines and keys survive a restart")
    add("--service-key", metavar="KEY", help="ServiceKey of the default account (default: a random one)")
    add("--other-service-key", metavar="KEY", help="ServiceKey of a second account (default: a random one)")
    add(
        "--probe",
        action="store_true",
        help="connect to destinations for real; a pipeline fails if its destination refuses",
    )
    add("--deploy-seconds", type=float, default=3.0, help="seconds from DEPLOYING to RUNNING (default: %(default)s)")
    add("--stop-seconds", type=float, default=1.0, help="seconds from STOPPING to PAUSED (default: %(default)s)")
    add(
        "--bounded-seconds",
        type=float,
        default=10.0,
        help="seconds that a bounded pipeline runs (default: %(default)s)",
    )
    add("--switch", action="append", default=[], metavar="NAME=VALUE", help="set a switch; may be repeated")
    return parser


def _run() -> int:
    """Run `main`, and say in one line which package is missing."""
    try:
        return main()
    except ModuleNotFoundError as error:
        package, advice = (error.name or "").partition(".")[0], "run pip install 'goldrush-pulumi[emulator]'"
        sys.stderr.write(f"error: start emulator: the package {package} is not installed, {advice}\n")
        return 1


if __name__ == "__main__":
    sys.exit(_run())

"""`emulator`: run a local GoldRush until Ctrl-C."""

from __future__ import annotations

from typing import Annotated

import typer

Host = Annotated[str, typer.Option("--host", help="Loopback address to listen on.")]

Port = Annotated[int, typer.Option("--port", help="Port; 0 picks a free one.")]

State = Annotated[
    str | None,
    typer.Option("--state", help="SQLite file in which pipelines and keys survive a restart.", metavar="FILE"),
]

ServiceKey = Annotated[
    str | None,
    typer.Option("--service-key", help="ServiceKey of the default account; random by default.", metavar="KEY"),
]

OtherServiceKey = Annotated[
    str | None,
    typer.Option("--other-service-key", help="ServiceKey of a second account; random by default.", metavar="KEY"),
]

Probe = Annotated[
    bool, typer.Option("--probe", help="Connect to destinations for real; a pipeline fails if its destination refuses.")
]

DeploySeconds = Annotated[float, typer.Option("--deploy-seconds", help="Seconds from DEPLOYING to RUNNING.")]

StopSeconds = Annotated[float, typer.Option("--stop-seconds", help="Seconds from STOPPING to PAUSED.")]

BoundedSeconds = Annotated[float, typer.Option("--bounded-seconds", help="Seconds that a bounded pipeline runs.")]

Switch = Annotated[
    list[str] | None, typer.Option("--switch", help="Answer an open question; may be repeated.", metavar="NAME=VALUE")
]


def run_emulator(
    *,
    host: Host = "127.0.0.1",
    port: Port = 8710,
    state: State = None,
    service_key: ServiceKey = None,
    other_service_key: OtherServiceKey = None,
    probe: Probe = False,
    deploy_seconds: DeploySeconds = 3.0,
    stop_seconds: StopSeconds = 1.0,
    bounded_seconds: BoundedSeconds = 10.0,
    switch: Switch = None,
) -> None:
    """Run a local GoldRush for trials and tests without the service, and print how to reach it."""
    from goldrush_pulumi.emulator.__main__ import main  # noqa: PLC0415 - its packages are an extra

    values = {
        "host": host,
        "port": port,
        "state": state,
        "service-key": service_key,
        "other-service-key": other_service_key,
        "deploy-seconds": deploy_seconds,
        "stop-seconds": stop_seconds,
        "bounded-seconds": bounded_seconds,
    }
    arguments = [f"--{name}={value}" for name, value in values.items() if value is not None]
    arguments += ["--probe"] if probe else []
    raise typer.Exit(main([*arguments, *(f"--switch={item}" for item in switch or [])]))

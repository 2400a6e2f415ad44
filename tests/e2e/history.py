"""States of released versions, kept so that every later version is held to them.

`python -m tests.e2e.history` keeps the state of the present version, once per release. A kept file holds the program
that made the state, the state as `pulumi stack export` wrote it, and what the emulator had in its state file.
"""

from __future__ import annotations

import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.emulator import Emulator
from goldrush_pulumi.emulator.storage import Storage
from tests.e2e.programs import POSTGRES, marked, pipeline, program
from tests.e2e.world import QUICK, World

if TYPE_CHECKING:
    from tests.e2e.stack import Stack

FOLDER: Final = Path(__file__).parent / "states"
PROJECT: Final = "history"
_PLACES: Final = ("sourcePosition", "stackTrace")
_CREDENTIALS: Final = {"access_key_id": "kept-access-key-id", "secret_access_key": "kept-secret-access-key"}

PIPELINES: Final = (
    pipeline("to-postgres", destination_config=POSTGRES, transforms={"swaps": "SELECT tx_hash FROM swaps"}),
    pipeline(
        "to-clickhouse",
        destination_config={**POSTGRES, "type": "clickhouse", "url": "clickhouse://ch.example.com:8123/analytics"},
        execution_mode="bounded",
        execution_start_from=44_745_000,
        execution_stop_from=44_788_200,
        triggers={"release": 1},
    ),
    pipeline(
        "to-kafka",
        destination_config={
            "type": "kafka",
            "bootstrap_servers": "broker.example.com:9092",
            "sasl": {"mechanism": "SCRAM-SHA-512", "username": "goldrush", "password": "kept-sasl-password"},
            "output_topic": "swaps",
        },
        status="paused",
    ),
    pipeline(
        "to-object-storage",
        topic="base.mainnet.ref.block.logs",
        destination_config={
            "type": "object_storage",
            "provider": "s3",
            "bucket": "archive",
            "region": "us-east-1",
            **_CREDENTIALS,
        },
        abi_file=[{"type": "event", "name": "Swap", "inputs": []}],
        abi_contract_addresses=["0x" + "ab" * 20],
        abi_unmatched="raw",
    ),
    pipeline(
        "to-sqs",
        destination_config={
            "type": "sqs",
            "queue_url": "https://sqs.us-east-1.amazonaws.com/000000000000/swaps",
            "region": "us-east-1",
            **_CREDENTIALS,
        },
        description=marked("kept-description"),
    ),
    pipeline(
        "to-webhook",
        destination_config={
            "type": "webhook",
            "url": "https://hooks.example.com/in",
            "headers": {"Authorization": "Bearer kept-token"},
            "retry": {"max_attempts": 5, "backoff_ms": 500},
        },
        wait_for="healthy",
    ),
)
"""One pipeline per destination, and every input in one of them."""


def keep(file: Path) -> None:
    """Bring the pipelines up with the present version and keep what that left behind."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Emulator(state_file=folder / "server.sqlite") as emulator:
            stack = open_stack(World(folder, emulator), *PIPELINES)
            stack.up()
            state = json.loads(stack.export())
        kept = {"program": program(*PIPELINES), "state": state, "server": _read_server(folder / "server.sqlite")}
    file.write_text(json.dumps(_without_places(kept), indent=1) + "\n", "utf-8")


def open_stack(world: World, *parts: str) -> Stack:
    """A stack that takes key and endpoint from the environment: both differ from run to run."""
    world.cli.settings["GOLDRUSH_BASE_URL"] = world.emulator.base_url
    return world.stack(*parts, project=PROJECT, config={**QUICK, "goldrush:baseUrl": ""})


def restore_server(kept: dict[str, Any], file: Path) -> None:
    """Write a state file with the kept pipelines and accounts, for an emulator to start from."""
    storage = Storage(file)
    storage.write_note("accounts", kept["accounts"])
    storage.save({record["id"]: record for record in kept["records"]})
    storage.close()


def _read_server(file: Path) -> dict[str, Any]:
    storage = Storage(file)
    try:
        return {"accounts": storage.note("accounts"), "records": storage.records()}
    finally:
        storage.close()


def _without_places(value: Any) -> Any:
    """A state without the source positions in it: they name folders of the machine that made it."""
    if isinstance(value, dict):
        return {key: _without_places(item) for key, item in value.items() if key not in _PLACES}
    return [_without_places(item) for item in value] if isinstance(value, list) else value


if __name__ == "__main__":
    target = FOLDER / f"{version('goldrush-pulumi')}.json"
    if target.exists():
        sys.exit(f"{target.name} is kept already; a released state never changes")
    FOLDER.mkdir(exist_ok=True)
    keep(target)

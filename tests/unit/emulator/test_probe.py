from __future__ import annotations

import importlib.util
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.emulator import Emulator, EmulatorError, Lifecycle
from goldrush_pulumi.emulator.probe import addresses_of, find_connection_problem
from tests.support.caller import Caller
from tests.support.ports import closed_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.unit.emulator.conftest import Lab


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Something that accepts connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


def webhook(port: int) -> dict[str, Any]:
    return {"destination_type": "webhook", "destination_config": {"url": f"http://127.0.0.1:{port}/rows"}}


def settled(api: Caller, pipeline_id: str) -> str:
    """The phase once the deployment is decided."""
    end = time.monotonic() + 60
    while (phase := api.phase(pipeline_id)) == "DEPLOYING":
        assert time.monotonic() < end, "the probe did not end"
        time.sleep(0.01)
    return phase


@pytest.mark.parametrize(
    ("destination_type", "config", "addresses"),
    [
        ("postgres", {"url": "postgresql://db.example.com/analytics"}, [("db.example.com", 5432)]),
        ("postgres", {"url": "jdbc:postgresql://u:p@a:1,b:2/analytics"}, [("a", 1), ("b", 2)]),
        ("postgres", {"url": "postgresql://[::1]:7/analytics"}, [("::1", 7)]),
        ("clickhouse", {"url": "clickhouse://ch.example.com/analytics"}, [("ch.example.com", 8123)]),
        ("kafka", {"bootstrap_servers": "a:1, b"}, [("a", 1), ("b", 9092)]),
        ("webhook", {"url": "https://hooks.example.com/rows"}, [("hooks.example.com", 443)]),
        ("webhook", {"url": "http://hooks.example.com/rows"}, [("hooks.example.com", 80)]),
        ("sqs", {"queue_url": "https://sqs.us-east-1.amazonaws.com/1/q"}, [("sqs.us-east-1.amazonaws.com", 443)]),
        ("object_storage", {"provider": "s3", "region": "eu-west-1"}, [("s3.eu-west-1.amazonaws.com", 443)]),
        ("object_storage", {"provider": "gcs"}, [("storage.googleapis.com", 443)]),
        ("object_storage", {"provider": "r2", "endpoint": "https://r2.example.com:8443"}, [("r2.example.com", 8443)]),
    ],
)
def test_addresses_are_found(destination_type: str, config: dict[str, Any], addresses: list[tuple[str, int]]) -> None:
    """Every destination has its hosts and ports, with the usual port by default."""
    assert list(addresses_of(destination_type, config)) == addresses


def test_one_of_several_addresses_is_enough(listener: socket.socket) -> None:
    """A cluster can be reached when one broker answers; when none does, each is named."""
    with closed_port() as nobody:
        servers = f"127.0.0.1:{nobody},127.0.0.1:{port_of(listener)}"

        assert find_connection_problem("kafka", {"bootstrap_servers": servers}) is None
        problem = find_connection_problem("kafka", {"bootstrap_servers": f"127.0.0.1:{nobody},127.0.0.1:{nobody}"})
        assert problem == f"connection refused: 127.0.0.1:{nobody}; connection refused: 127.0.0.1:{nobody}"


def test_an_address_that_cannot_be_read_is_a_problem() -> None:
    """A placeholder or a misspelt port is a problem, not an exception."""
    assert find_connection_problem("postgres", {"url": "postgresql://db:${PORT}/x"}) == (
        "postgres: the address cannot be read"
    )


def test_a_login_with_something_else_is_a_problem(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port where something else listens is not taken for PostgreSQL, and the problem shows no password."""
    monkeypatch.setattr("goldrush_pulumi.emulator.probe._TIMEOUT_SECONDS", 0.1)
    address = f"127.0.0.1:{port_of(listener)}"
    config = {"url": f"postgresql://{address}/x", "user": "u", "password": "hidden-word"}
    problem = find_connection_problem("postgres", config)
    assert problem is not None
    assert problem == f"connection timed out: {address}"
    assert "hidden-word" not in problem


def test_a_destination_that_answers_lets_the_pipeline_run(start: Callable[..., Lab], listener: socket.socket) -> None:
    """A pipeline is healthy while its destination accepts connections, and unhealthy afterwards."""
    lab = start(probe=True)
    pipeline_id = lab.api.create(**webhook(port_of(listener)))["id"]

    assert settled(lab.api, pipeline_id) == "RUNNING"
    health = lab.api.data("GET", f"{pipeline_id}/destination-health/")
    assert (health["healthy"], health["last_error"], health["latency_ms"] >= 0) == (True, None, True)

    listener.close()
    health = lab.api.data("GET", f"{pipeline_id}/destination-health/")
    assert (health["healthy"], health["latency_ms"]) == (False, None)
    assert health["last_error"].startswith("connection refused: 127.0.0.1:")
    assert lab.api.phase(pipeline_id) == "RUNNING"


def test_a_destination_that_refuses_fails_the_pipeline(start: Callable[..., Lab], listener: socket.socket) -> None:
    """Where nothing listens, it is FAILED with the reason in log and health; a PATCH to one that listens heals it."""
    lab = start(probe=True)
    with closed_port() as nobody:
        pipeline_id = lab.api.create(**webhook(nobody))["id"]

        assert settled(lab.api, pipeline_id) == "FAILED"
        reason = f"connection refused: 127.0.0.1:{nobody}"
        assert lab.full(pipeline_id)["health_error"] == reason
        assert f"ERROR Sink open failed: {reason}" in lab.full(pipeline_id)["logs"]

    lab.api.data("PATCH", f"{pipeline_id}/", {"destination_config": webhook(port_of(listener))["destination_config"]})
    assert settled(lab.api, pipeline_id) == "RUNNING"


def test_a_script_takes_precedence_over_the_probe(start: Callable[..., Lab]) -> None:
    """A scripted outcome happens whatever the destination says."""
    lab = start(probe=True)
    lab.emulator.script("*", "FAILED", logs=["ERROR as scripted"])
    pipeline_id = lab.api.create(**webhook(9))["id"]

    assert lab.api.phase(pipeline_id) == "FAILED"
    assert "ERROR as scripted" in lab.full(pipeline_id)["logs"]


def test_a_probe_cut_off_by_the_end_is_made_again(tmp_path: Path, listener: socket.socket) -> None:
    """After a restart, a deployment without a result is probed again, or succeeds where nothing is probed."""
    from goldrush_pulumi.emulator.probe import Prober  # noqa: PLC0415 - patched in this test alone

    class Silent(Prober):
        def begin(self, record: Any, done: Any) -> None:
            del record, done

    for probe in (True, False):
        state = tmp_path / f"{probe}.db"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("goldrush_pulumi.emulator.server.Prober", Silent)
            with (
                Emulator(probe=True, state_file=state) as emulator,
                Caller(emulator.base_url, emulator.service_key) as api,
            ):
                pipeline_id = api.create(**webhook(port_of(listener)))["id"]
                assert api.phase(pipeline_id) == "DEPLOYING"
        with Emulator(probe=probe, state_file=state) as again, Caller(again.base_url, again.service_key) as api:
            assert settled(api, pipeline_id) == "RUNNING"


def test_a_probe_of_an_earlier_deployment_is_void(start: Callable[..., Lab], monkeypatch: pytest.MonkeyPatch) -> None:
    """A result that arrives after the next deployment began is ignored."""
    asked: list[Callable[[str | None], None]] = []
    monkeypatch.setattr("goldrush_pulumi.emulator.probe.Prober.begin", lambda _self, _record, done: asked.append(done))
    lab = start(probe=True)
    pipeline_id = lab.api.create(**webhook(9))["id"]
    lab.api.data("PATCH", f"{pipeline_id}/", {"description": "another"})

    asked[0]("too late")
    assert lab.api.phase(pipeline_id) == "DEPLOYING"
    asked[1](None)
    assert lab.api.phase(pipeline_id) == "RUNNING"


def test_a_bounded_pipeline_ends_after_its_probe(start: Callable[..., Lab], listener: socket.socket) -> None:
    """A destination that answers lets a bounded pipeline run to its end."""
    lab = start(probe=True, lifecycle=Lifecycle.instant())
    made = lab.api.create(**webhook(port_of(listener)), execution_mode="bounded", execution_stop_from="5")

    assert settled(lab.api, made["id"]) == "STOPPED"


def test_a_missing_library_is_reported_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the PostgreSQL library, a probing emulator does not start and says what to install."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(EmulatorError, match=r"pg8000 is missing, install goldrush-pulumi\[emulator\]"):
        Emulator(probe=True)

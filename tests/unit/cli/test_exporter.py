"""What `exporter` serves to Prometheus, and how it behaves when something goes wrong."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from goldrush_pulumi import client_factory
from goldrush_pulumi.api.models import DestinationHealth, Pipeline, PipelineMetrics, PipelineStatus
from goldrush_pulumi.cli import ExitCode
from goldrush_pulumi.cli import context as context_module
from goldrush_pulumi.cli import exporter as exporter_module
from goldrush_pulumi.cli.exposition import Exposition, Totals
from goldrush_pulumi.cli.monitor import Monitor, Row
from goldrush_pulumi.cli.stacks import Managed
from goldrush_pulumi.cli.targets import Filters, Target
from goldrush_pulumi.schema.pipeline import METRICS
from tests.unit.cli.conftest import resource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from goldrush_pulumi.api import GoldRushClient
    from goldrush_pulumi.emulator import Emulator
    from tests.support.caller import Caller
    from tests.unit.cli.conftest import Ended, FakePulumi

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
TOTALS = Totals("1.2.3", is_up=True, last_success=None, rounds=3, round_seconds=0.5, outcomes={200: 7, None: 1})
METRICS_OF_A_PIPELINE = PipelineMetrics(
    records_consumed=12,
    last_offset=34,
    last_block_height=56,
    pending_records=7,
    processing_delay_ms=1500.0,
    records_per_second=8.5,
    normalization_errors=9,
)


def observed(name: str = "swaps", phase: str = "RUNNING", **health: Any) -> Row:
    """A pipeline as a round observed it."""
    pipeline = Pipeline(
        id=f"pipe_{name}", name=name, project="shop", topic="base.swap", destination_type="kafka", status="running"
    )
    status = PipelineStatus(phase=phase, replicas=2, ready=1, start_time="2026-11-23T10:00:00Z")
    return Row(Target(pipeline)).observed(status, METRICS_OF_A_PIPELINE, DestinationHealth(**health), 42)


def scraped(*rows: Row, accept: str = OPENMETRICS, totals: Totals = TOTALS) -> dict[str, list[Any]]:
    """The samples of a scrape, by their name."""
    text, _ = Exposition(lambda: rows, lambda: totals, str).scrape(accept)
    return samples_in(text.decode(), is_openmetrics=accept == OPENMETRICS)


def samples_in(text: str, *, is_openmetrics: bool = True) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for family in (parse_openmetrics if is_openmetrics else parse_text)(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample)
    return found


def value_of(samples: Mapping[str, list[Any]], metric: str, /, **labels: str) -> float | None:
    """The one sample of that name and these labels, None if there is none."""
    found = [item.value for item in samples.get(metric, ()) if labels.items() <= item.labels.items()]
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize("accept", [OPENMETRICS, "text/plain;version=0.0.4", "", "application/json"])
def test_a_scrape_has_every_metric_of_the_api(accept: str) -> None:
    """Each row of the table of metrics is a family, times in seconds and counts as counters, in both formats."""
    samples = scraped(observed(), accept=accept)
    names = {f"goldrush_pipeline_{row.name}{'_total' if row.is_counter else ''}" for row in METRICS}
    names = {name.replace("_ms", "_seconds") for name in names}

    assert names <= samples.keys()
    assert value_of(samples, "goldrush_pipeline_processing_delay_seconds") == 1.5
    assert value_of(samples, "goldrush_pipeline_records_consumed_total") == 12
    assert value_of(samples, "goldrush_pipeline_lag_blocks") == 42


def test_a_pipeline_is_labelled() -> None:
    """Every sample of a pipeline says which one it is about, and which resource of which stack manages it."""
    row = observed()
    target = Target(row.target.pipeline, Managed("base-swaps", "pipe_swaps", {}, {}), "dev")
    samples = scraped(Row(target, row.status, row.metrics, row.health, observed_at="2026-11-23T10:00:00Z"))
    labels = {
        "pipeline_id": "pipe_swaps",
        "name": "swaps",
        "project": "shop",
        "topic": "base.swap",
        "destination_type": "kafka",
        "stack": "dev",
        "resource": "base-swaps",
    }
    about_pipelines = [
        item for name, items in samples.items() if name.startswith("goldrush_pipeline") for item in items
    ]
    assert about_pipelines
    assert all(labels.items() <= item.labels.items() for item in about_pipelines)
    assert value_of(samples, "goldrush_pipeline_drifted_inputs") == 0


def test_a_phase_is_a_state_set() -> None:
    """The observed phase is 1 and each other one 0; a phase that is not documented has a sample of its own."""
    samples = scraped(observed("a"), observed("b", phase="COMPACTING"))
    phases = {
        name: {
            item.labels["goldrush_pipeline_phase"]
            for item in samples["goldrush_pipeline_phase"]
            if item.value and item.labels["name"] == name
        }
        for name in ("a", "b")
    }
    assert phases == {"a": {"RUNNING"}, "b": {"COMPACTING"}}
    assert value_of(samples, "goldrush_pipeline_phase", name="a", goldrush_pipeline_phase="FAILED") == 0


def test_health_of_an_earlier_deployment_is_left_out() -> None:
    """A probe from before the deployment says nothing about it; one from after it does, with time and latency."""
    before = scraped(observed(healthy=False, last_checked_at="2026-11-23T09:59:00Z"))
    after = scraped(observed(healthy=False, last_checked_at="2026-11-23T10:01:00Z", latency_ms=250.0))

    assert value_of(before, "goldrush_pipeline_destination_healthy") is None
    assert value_of(after, "goldrush_pipeline_destination_healthy") == 0
    assert value_of(after, "goldrush_pipeline_destination_probe_latency_seconds") == 0.25
    probed = datetime(2026, 11, 23, 10, 1, tzinfo=UTC).timestamp()
    assert value_of(after, "goldrush_pipeline_destination_probe_timestamp_seconds") == probed


def test_what_is_not_known_is_left_out() -> None:
    """A pipeline that was not observed yet has samples of its configuration alone: 0 would be a claim."""
    samples = scraped(Row(observed().target))
    about_pipelines = {name for name in samples if name.startswith("goldrush_pipeline")}
    assert about_pipelines == {"goldrush_pipeline_desired_status", "goldrush_pipeline_bounded"}


def test_lines_are_rendered_once_per_observation() -> None:
    """A second scrape reuses the lines of a row; a new observation replaces them, and a deleted pipeline goes."""
    shown: list[object] = []

    def show(text: object) -> str:
        shown.append(text)
        return str(text)

    rows = [observed("a"), observed("b")]
    exposition = Exposition(lambda: rows, lambda: TOTALS, show)
    first, _ = exposition.scrape(OPENMETRICS)
    rendered = len(shown)
    assert exposition.scrape(OPENMETRICS)[0].count(b"pipe_a") == first.count(b"pipe_a")
    assert len(shown) == rendered

    rows[:] = [observed("b", phase="FAILED")]
    samples = samples_in(exposition.scrape(OPENMETRICS)[0].decode())
    assert value_of(samples, "goldrush_pipeline_phase", goldrush_pipeline_phase="FAILED") == 1
    assert {item.labels["name"] for item in samples["goldrush_pipeline_phase"]} == {"b"}


def test_requests_are_counted_by_status() -> None:
    """Statuses have a sample each, that of 429 from the start, so that the first one counts as an increase."""
    samples = scraped()
    counts = {item.labels["code"]: item.value for item in samples["goldrush_exporter_requests_total"]}
    assert counts == {"200": 7, "429": 0, "none": 1}


class Exporter:
    """A running exporter."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "goldrush_pulumi.cli", "exporter", "--port=0", "--interval=0.5", *arguments],
            stderr=subprocess.PIPE,
            text=True,
            env=dict(os.environ),
            # A shell that starts commands in the background ignores SIGINT, and children inherit that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
        )
        assert self.process.stderr is not None
        self.url = self.process.stderr.readline().rpartition(" ")[2].strip()

    def get(self, **headers: str) -> httpx.Response:
        return httpx.get(self.url, headers={"Accept": OPENMETRICS, **headers}, trust_env=False)

    def wait_for(self, condition: Callable[[dict[str, list[Any]]], bool]) -> dict[str, list[Any]]:
        """Scrape until the condition holds; pytest ends the test if it never does."""
        while True:
            samples = samples_in(self.get().text)
            if condition(samples):
                return samples
            time.sleep(0.05)

    def close(self) -> None:
        with self.process:
            self.process.kill()

    def end(self, number: int) -> tuple[int, str]:
        """Send a signal; the exit code, and what was written to stderr since the first line."""
        self.process.send_signal(number)
        _, errors = self.process.communicate()
        return self.process.returncode, errors


@pytest.fixture
def exporter(emulator: Emulator, caller: Caller) -> Iterator[Exporter]:
    emulator.fail(caller.create(name="broken")["id"])
    caller.create(name="swaps")
    running = Exporter()
    yield running
    running.close()


def last_observation(samples: dict[str, list[Any]]) -> float | None:
    return value_of(samples, "goldrush_pipeline_last_observation_timestamp_seconds", name="swaps")


def is_observed(samples: dict[str, list[Any]]) -> bool:
    return len(samples.get("goldrush_pipeline_as_desired", ())) == 2


def test_the_account_is_served(exporter: Exporter) -> None:
    """A scrape finds every pipeline with its phase, no secret, and works compressed and with any path but 404."""
    samples = exporter.wait_for(is_observed)
    assert value_of(samples, "goldrush_up") == 1
    assert value_of(samples, "goldrush_pipeline_as_desired", name="swaps") == 1
    assert value_of(samples, "goldrush_pipeline_as_desired", name="broken") == 0
    response = exporter.get()
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert "planted" not in response.text
    assert os.environ["GOLDRUSH_SERVICE_KEY"] not in response.text
    assert httpx.get(f"{exporter.url}/other", trust_env=False).status_code == httpx.codes.NOT_FOUND


def test_it_listens_on_loopback(exporter: Exporter) -> None:
    """Without --host, no other machine reaches the metrics."""
    assert exporter.url.startswith("http://127.0.0.1:")


def test_an_outage_is_reported_and_survived(exporter: Exporter, emulator: Emulator) -> None:
    """While GoldRush is down, `goldrush_up` is 0 and the last values and their time stay; then it is 1 again."""
    before = exporter.wait_for(is_observed)
    emulator.stop()
    during = exporter.wait_for(lambda samples: value_of(samples, "goldrush_up") == 0)
    assert is_observed(during)
    assert (last_observation(during) or 0.0) >= (last_observation(before) or 1.0)
    emulator.start()
    exporter.wait_for(lambda samples: value_of(samples, "goldrush_up") == 1)
    code, errors = exporter.end(signal.SIGTERM)

    assert code == ExitCode.OK
    assert errors.splitlines()[0].startswith("no response: ")
    assert errors.splitlines()[-1] == "GoldRush responds again"


def test_ctrl_c_is_a_quiet_end(exporter: Exporter) -> None:
    """Ctrl-C ends it without a word."""
    exporter.wait_for(is_observed)
    assert exporter.end(signal.SIGINT) == (ExitCode.INTERRUPTED, "")


def test_it_starts_during_an_outage(emulator: Emulator, caller: Caller) -> None:
    """A service that starts before the network does serves `goldrush_up 0` until GoldRush responds."""
    caller.create(name="swaps")
    emulator.stop()
    exporter = Exporter()
    exporter.wait_for(lambda samples: value_of(samples, "goldrush_up") == 0)
    emulator.start()
    exporter.wait_for(lambda samples: value_of(samples, "goldrush_pipeline_as_desired", name="swaps") == 1)
    assert exporter.end(signal.SIGTERM)[0] == ExitCode.OK


def test_a_refused_key_ends_it(exporter: Exporter, emulator: Emulator) -> None:
    """A key that is revoked is one line and exit code 5, so that a service manager starts it with the next key."""
    exporter.wait_for(is_observed)
    emulator.revoke_key(emulator.service_key)
    _, errors = exporter.process.communicate()
    assert exporter.process.returncode == ExitCode.NO_ACCESS
    assert errors.startswith(("error: list pipelines: ", "error: get "))
    assert errors.count("\n") == 1


def test_a_port_in_use_is_one_line(caller: Caller, command: Callable[..., Ended]) -> None:
    """The line names the address and says what to do."""
    del caller
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        text = command("exporter", "--port", str(port)).fails_with(ExitCode.FAILED)
    assert text == f"serve metrics on 127.0.0.1:{port}: address already in use, choose another --host or --port"


def test_a_glob_that_matches_nothing_is_one_line(caller: Caller, command: Callable[..., Ended]) -> None:
    """A filter that selects no pipeline ends the command with exit code 3."""
    caller.create(name="swaps")
    ended = command("exporter", "--port=0", "--name", "nothing-*")
    assert ended.code == ExitCode.NOT_FOUND
    assert ended.err.splitlines()[-1].startswith("error: find pipelines: none matches --name 'nothing-*'")


def test_without_its_extra_it_is_one_line() -> None:
    """The line says what to install."""
    program = (
        "import sys; sys.modules['prometheus_client'] = None\n"
        "from goldrush_pulumi.cli import main; sys.exit(main(['exporter']))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == ExitCode.MISSING_PACKAGE
    advice = "run pip install 'goldrush-pulumi[exporter]'\n"
    assert ended.stderr == f"error: start exporter: the package prometheus_client is not installed, {advice}"


def test_the_rate_share_is_kept(caller: Caller, command: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    """`--rate-share` is the part of the account's rate limit that the exporter's client gets."""
    caller.create(name="swaps")
    shares: list[float] = []
    open_client = client_factory.open_client

    def opened(*arguments: Any, share: float, **options: Any) -> GoldRushClient:
        shares.append(share)
        return open_client(*arguments, share=share, **options)

    monkeypatch.setattr(context_module, "open_client", opened)
    assert command("exporter", "--port=0", "--rounds", "1", "--rate-share", "0.25").code == ExitCode.OK
    assert command("exporter", "--port=0", "--rounds", "1").code == ExitCode.OK
    assert shares == [0.25, 0.5]


def test_the_state_of_the_stack_is_read_again(
    caller: Caller, command: Callable[..., Ended], pulumi: FakePulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a later `up` records reaches the labels without a restart; while it cannot be read, the old one stays."""
    key = os.environ["GOLDRUSH_SERVICE_KEY"]
    url = os.environ["GOLDRUSH_BASE_URL"]
    config = {"goldrush:serviceKey": {"value": key, "secret": True}, "goldrush:baseUrl": {"value": url}}
    pipeline_id = caller.create(name="swaps")["id"]
    pulumi.write(config, resource("before", pipeline_id))
    monkeypatch.setattr(exporter_module, "_SECONDS_BETWEEN_STACK_READS", 0.0)
    seen: list[str] = []
    poll = Monitor.poll

    def polled(monitor: Monitor) -> None:
        poll(monitor)
        seen.extend(row.target.name for row in monitor.rows())
        pulumi.write(config, resource("after", pipeline_id))
        if len(seen) == 2:
            (pulumi.folder / "state.json").unlink()

    monkeypatch.setattr(Monitor, "poll", polled)
    ended = command("exporter", "--port=0", "--rounds", "3", "--interval", "0.5", "--stack", "dev")

    assert ended.code == ExitCode.OK
    assert seen == ["before", "after", "after"]
    assert "the state from before is used" in ended.err


def test_an_upgrade_in_place_breaks_no_scrape(caller: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exporter goes on serving its metrics while its package is being replaced on the disk."""
    del caller
    with context_module.open_context(None, tmp_path) as context:
        poller = exporter_module.Poller(Monitor(context, Filters()), tmp_path)
        version = poller.totals().version

        def missing(name: str) -> str:
            raise metadata.PackageNotFoundError(name)

        monkeypatch.setattr(metadata, "version", missing)
        assert poller.totals().version == version

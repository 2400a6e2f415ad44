from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from goldrush_pulumi.api import Pipeline, PipelineMetrics
from goldrush_pulumi.cli import ExitCode
from goldrush_pulumi.cli.output import Column, allow_any_terminal, make_table, print_line, safe, sparkline
from goldrush_pulumi.cli.status import Trend
from tests.support.ports import closed_port
from tests.unit.cli.conftest import resource

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldrush_pulumi.emulator import Emulator
    from tests.support.caller import Caller
    from tests.unit.cli.conftest import Ended, FakePulumi

HOSTILE = "\x1b[31mred\x1b]0;title\x07 \u202eleft\u202c \x9b31m\r\nnext"


def test_list_shows_and_filters(caller: Caller, command: Callable[..., Ended]) -> None:
    """All pipelines come in a table and as JSON; globs of project and topic and the desired status narrow them."""
    caller.create(name="swaps", project="a")
    caller.create(name="fills", project="b", topic="hypercore.mainnet.ref.block.fills")

    assert {"swaps", "fills"} <= set(command("list").out.split())
    assert ["fills"] == [row["name"] for row in command("list", "--project", "b", "--json").json]
    assert ["swaps"] == [
        row["name"] for row in command("list", "--topic", "base.mainnet.ref.block.swap.v3", "--json").json
    ]
    assert ["fills"] == [row["name"] for row in command("list", "--topic", "hyper*.fills", "--json").json]


def test_list_filters_by_phase(emulator: Emulator, caller: Caller, command: Callable[..., Ended]) -> None:
    """`--phase` requests each phase and keeps the pipelines that are in it, in upper or lower case."""
    caller.create(name="good")
    emulator.fail(caller.create(name="bad")["id"])

    (row,) = command("list", "--phase", "failed", "--json").json
    assert (row["name"], row["phase"], row["ready"], row["replicas"]) == ("bad", "FAILED", 0, 1)
    assert "FAILED" in command("list", "--with-phase").out


def test_list_marks_what_the_stack_manages(
    emulator: Emulator, caller: Caller, command: Callable[..., Ended], pulumi: FakePulumi
) -> None:
    """With --stack, key and endpoint come from its config, and `managed_by` tells its pipelines from others'."""
    ours, others = caller.create(name="ours")["id"], "0" * 32
    caller.create(name="theirs", description=f"x [pulumi:{others}/0123456789]")
    caller.create(name="nobodys")
    config = {
        "goldrush:serviceKey": {"value": emulator.service_key, "secret": True},
        "goldrush:baseUrl": {"value": emulator.base_url, "secret": False},
    }
    pulumi.write(config, resource("swaps", ours))

    rows = command("list", "--stack", "dev", "--json").json
    assert {row["name"]: row["managed_by"] for row in rows} == {
        "ours": {"stack": "dev", "resource": "swaps", "likely_stack": None},
        "theirs": {"stack": None, "resource": None, "likely_stack": None},
        "nobodys": None,
    }
    without = command("list", "--json").json
    assert [row["name"] for row in without if row["managed_by"]] == ["theirs"]
    assert "a stack" in command("list").out
    assert "another stack" in command("list", "--stack", "dev").out


def test_get_shows_who_created_it(caller: Caller, command: Callable[..., Ended]) -> None:
    """`created_by` is the user of the ServiceKey, by the best name that GoldRush returns."""
    created = caller.create(name="swaps")
    (line,) = [text for text in command("get", "swaps").out.splitlines() if text.startswith("created_by ")]
    shown = command("get", "swaps", "--json").json["created_by"]
    assert line.split(maxsplit=1)[1] == shown
    assert shown == created["created_by"]["display_name"]


def test_a_tag_names_its_stack_where_this_machine_knows_it(
    caller: Caller, command: Callable[..., Ended], pulumi: FakePulumi
) -> None:
    """Once a command has read a stack, pipelines with its tag that the selected stack does not record show its name."""
    owner, other = "a" * 32, "b" * 32
    ours = caller.create(name="ours")["id"]
    caller.create(name="theirs", description=f"x [pulumi:{owner}/0123456789]")
    caller.create(name="plugins", description=f"x [pulumi:{other}/0123456789]")
    names = {"organization": "acme", "project": "shop", "stack": "old-name"}
    owner_urn = "urn:pulumi:prod::shop::pulumi-python:dynamic/goldrush:Owner::goldrush"
    provider_id = "-".join((other[:8], other[8:12], other[12:16], other[16:20], other[20:]))
    pulumi.write(
        {},
        {"urn": owner_urn, "type": "pulumi-python:dynamic/goldrush:Owner", "id": owner, "inputs": names},
        {
            "urn": "urn:pulumi:plain::files::pulumi:providers:goldrush::default",
            "type": "pulumi:providers:goldrush",
            "id": provider_id,
        },
    )
    assert "likely" not in command("list").out
    assert command("list", "--stack", "dev").code == ExitCode.OK
    pulumi.write({}, resource("swaps", ours))

    rows = {row["name"]: row["managed_by"] for row in command("list", "--stack", "dev", "--json").json}
    assert rows["ours"]["likely_stack"] is None
    assert rows["theirs"] == {"stack": None, "resource": None, "likely_stack": "acme/shop/prod"}
    assert rows["plugins"]["likely_stack"] == "files/plain"
    assert "likely acme/shop/prod" in command("get", "theirs").out
    assert "belongs to a stack (likely acme/shop/prod), which may undo this" in command("pause", "theirs").err
    text = command("delete", "theirs", "--yes").fails_with(ExitCode.REFUSED)
    assert "a stack (likely acme/shop/prod) manages it" in text


def test_get_shows_no_credential(emulator: Emulator, caller: Caller, command: Callable[..., Ended]) -> None:
    """Credentials are masked even where the server masks none, and the ownership tag is left out."""
    emulator.switch(masked_leaves=())
    pipeline_id = caller.create(name="swaps", description=f"swaps [pulumi:{'0' * 32}/0123456789]")["id"]

    for ended in (command("get", pipeline_id), command("get", "swaps", "--json")):
        assert ended.code == ExitCode.OK
        assert "planted-password" not in ended.out
        assert "[pulumi:" not in ended.out
    shown = command("get", "swaps", "--json").json
    assert shown["destination_config"]["password"] == "******"
    assert shown["description"] == "swaps"
    assert "SELECT" in command("get", "swaps").out


def test_status_metrics_and_health(emulator: Emulator, caller: Caller, command: Callable[..., Ended]) -> None:
    """Status, metrics and health are shown in words and as JSON."""
    pipeline_id = caller.create(name="swaps")["id"]
    caller.phase(pipeline_id)

    assert "RUNNING, ready 1/1" in command("status", "swaps").out
    assert command("status", "swaps", "--json").json[0]["status"] == "running"
    assert "rows/s" in command("metrics", "swaps").out
    assert command("metrics", "swaps", "--json").json["processing_delay_ms"] == 250
    assert "healthy" in command("health", "swaps").out
    assert command("health", "swaps", "--json").json["healthy"] is True
    emulator.set_health(pipeline_id, "connection refused")
    bad = command("health", "swaps")
    assert (bad.code, "not healthy" in bad.out) == (ExitCode.UNHEALTHY, True)


def test_watching_one_pipeline_ends_after_its_rounds(caller: Caller, command: Callable[..., Ended]) -> None:
    """`--watch` prints a status when it changes, and metrics on every poll with a chart of the rate."""
    caller.phase(caller.create(name="swaps")["id"])
    options = ("swaps", "--watch", "--rounds", "2", "--interval", "0.5")

    assert len(command("status", *options, "--json").json_lines) == 1
    lines = command("metrics", *options).out.splitlines()
    assert [line.split()[1] for line in lines] == ["█", "██"]
    assert len(command("metrics", *options, "--json").json_lines) == 2


def test_watch_shows_every_pipeline(emulator: Emulator, caller: Caller, command: Callable[..., Ended]) -> None:
    """An error of one pipeline leaves the other rows alone; JSON has one array per round."""
    caller.create(name="good")
    emulator.fail(caller.create(name="bad")["id"])
    lost = caller.create(name="lost")["id"]
    emulator.fault(path=f"*{lost}/status/", status=500, times=None)

    (rows,) = command("watch", "--rounds", "1", "--json").json_lines
    found = {row["name"]: (row["phase"], row["error"]) for row in rows}
    assert found == {"good": ("RUNNING", None), "bad": ("FAILED", None), "lost": (None, "ServerError")}
    table = command("watch", "--rounds", "1").out
    assert "3 pipelines, 1 RUNNING, 1 FAILED" in table


def test_watch_asks_little(emulator: Emulator, caller: Caller, command: Callable[..., Ended]) -> None:
    """A round requests status and metrics; only every tenth requests the list, and every fifth the probes."""
    for number in range(3):
        caller.create(name=f"p{number}")
    emulator.clear_requests()

    command("watch", "--rounds", "6", "--interval", "0.5", "--json")
    counts = {kind.rsplit("/", 2)[-2]: count for kind, count in emulator.request_counts().items()}
    assert counts == {"pipeline-api": 1, "status": 18, "metrics": 18, "destination-health": 6}


@pytest.mark.parametrize("text", ["status", "metrics", "health", "logs", "get", "pause"])
def test_names_that_lead_nowhere(text: str, caller: Caller, command: Callable[..., Ended]) -> None:
    """A wrong name suggests the likely one, an ambiguous one lists ids, an unknown id gives both reasons."""
    caller.create(name="swaps")
    twins = [caller.create(name="twin")["id"] for _ in range(2)]

    assert 'did you mean "swaps"?' in command(text, "swap").fails_with(ExitCode.NOT_FOUND)
    ambiguous = command(text, "twin").fails_with(ExitCode.AMBIGUOUS)
    assert all(pipeline_id in ambiguous for pipeline_id in twins)
    assert "cannot see it" in command(text, "pipe_none").fails_with(ExitCode.NOT_FOUND)


def test_no_key_a_wrong_key_and_no_network(
    caller: Caller, command: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is one line that says what to do, with an exit code of its own."""
    del caller
    monkeypatch.setenv("GOLDRUSH_SERVICE_KEY", "not-the-right-one")
    refused = command("list").fails_with(ExitCode.NO_ACCESS)
    assert "401" in refused
    assert "not-the-right-one" not in refused
    monkeypatch.delenv("GOLDRUSH_SERVICE_KEY")
    assert "GOLDRUSH_SERVICE_KEY" in command("list").fails_with(ExitCode.NO_ACCESS)
    monkeypatch.setenv("GOLDRUSH_SERVICE_KEY", "some-key")
    with closed_port() as port:
        monkeypatch.setenv("GOLDRUSH_BASE_URL", f"http://127.0.0.1:{port}/")
        assert "cannot be reached" in command("list").fails_with(ExitCode.UNREACHABLE)


def test_trouble_of_the_service_has_its_own_code(
    emulator: Emulator, caller: Caller, command: Callable[..., Ended]
) -> None:
    """5xx answers end in one line and the code of the service."""
    del caller
    emulator.fault(status=503)
    assert "503" in command("list").fails_with(ExitCode.SERVICE_ERROR)


def test_server_texts_are_harmless(emulator: Emulator, caller: Caller, command: Callable[..., Ended]) -> None:
    """Names, logs and errors of a server cannot move the cursor, colour the terminal or turn the direction."""
    pipeline_id = caller.create(name=HOSTILE, project=HOSTILE)["id"]
    emulator.set_health(pipeline_id, HOSTILE)
    emulator.write_logs(pipeline_id, [HOSTILE])
    caller.phase(pipeline_id)

    account = (["list", "--with-phase"], ["watch", "--rounds", "1"], ["check"])
    verbs = ("get", "status", "health", "logs", "diagnose", "wait", "pause")
    for named in (*account, *([verb, pipeline_id] for verb in verbs)):
        for ended in (command(*named), command(*named, "--json")):
            assert not set(ended.out + ended.err) & set("\x1b\x07\x9b\r\u202e\u202c"), named


def test_safe_keeps_what_people_write() -> None:
    """Letters of any script stay, tabs become spaces, and terminal sequences vanish whole."""
    assert safe("Grüße, 日本語\tx").split() == ["Grüße,", "日本語", "x"]
    assert safe("\x1b[1;31mred\x1b[0m") == "red"
    assert safe("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\") == "link"


def test_sparkline_shows_the_course() -> None:
    """The greatest value is the highest bar, nothing is the lowest, and no value breaks it."""
    assert sparkline([0, 5, 10]) == "▁▅█"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([]) == ""


def test_lag_in_blocks() -> None:
    """A bounded pipeline lags by the blocks up to its end, an unbounded one by its delay at its own rate."""
    bounded = Trend(Pipeline(id="p", execution_mode="bounded", execution_stop_from="120"))
    assert bounded.add(PipelineMetrics(last_block_height=100), 0.0)["lag_blocks"] == 20
    unbounded = Trend(Pipeline(id="p", execution_mode="unbounded"))
    assert unbounded.add(PipelineMetrics(last_block_height=100, processing_delay_ms=5000), 0.0)["lag_blocks"] is None
    assert unbounded.add(PipelineMetrics(last_block_height=110, processing_delay_ms=5000), 5.0)["lag_blocks"] == 10
    # A redeployment may go back; the rate is measured from there.
    assert unbounded.add(PipelineMetrics(last_block_height=50, processing_delay_ms=5000), 6.0)["lag_blocks"] is None
    assert unbounded.add(PipelineMetrics(), 7.0)["lag_blocks"] is None


def test_a_narrow_terminal_keeps_ids_whole() -> None:
    """Optional columns go first, then names are shortened from the right; no cell is folded."""
    identifier, name = "pipe_7527c36282298e7d8a369c1f1a9", "a-long-name-of-a-pipeline-that-goes-on"
    columns = [
        Column("id"),
        Column("name", flexible=True),
        Column("topic", flexible=True, optional=1),
        Column("status"),
    ]
    for width in (60, 80, 200):
        console = Console(width=width)
        with console.capture() as capture:
            console.print(make_table(columns, [[identifier, name, "base.mainnet.ref.block.swap.v3", "running"]], width))
        lines = capture.get().splitlines()
        assert len(lines) == 2
        assert len(lines[1].rstrip()) <= width
        assert identifier in lines[1]
        assert "running" in lines[1]
        assert (name in lines[1]) == (width > 80)


def test_a_terminal_without_unicode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bars are drawn with ASCII where the terminal knows nothing else, and no character is an error."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", stream)
    allow_any_terminal()
    assert sparkline([0, 10]) == "_#"
    print_line("Grüße")
    assert stream.buffer.getvalue() == b"Gr??e\n"

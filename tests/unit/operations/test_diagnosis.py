from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldrush_pulumi.api import DestinationHealth, PipelineLogs, PodLogs
from goldrush_pulumi.operations.diagnosis import (
    LOG_LINES,
    Subject,
    describe,
    diagnose,
    explain_error,
    likely_cause,
    printable_lines,
)
from goldrush_pulumi.operations.redaction import Redactor
from goldrush_pulumi.operations.wait import WaitEnd, WaitOutcome
from tests.support.client import ScriptedClient
from tests.support.pipelines import PASSWORD, PIPELINE_ID, status_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from goldrush_pulumi.api import GoldRushClient

SUBJECT = Subject("base-swaps", PIPELINE_ID)
FAILED = WaitOutcome(WaitEnd.FAILED, 42.4, status_of("FAILED"))
HEALTHY = DestinationHealth(healthy=True)
NO_LOGS = PipelineLogs()


def logs(*tails: str) -> PipelineLogs:
    return PipelineLogs(pods=[PodLogs(pod=f"pod-{number}", logs=tail) for number, tail in enumerate(tails)])


def message(
    *,
    health: Any = HEALTHY,
    tails: Any = NO_LOGS,
    outcome: WaitOutcome = FAILED,
    redact: Callable[[str], str] = str,
    budget_seconds: float = 30.0,
) -> list[str]:
    client = cast("GoldRushClient", ScriptedClient(health=[health], logs=[tails]))
    return diagnose(SUBJECT, outcome, client, redact, budget_seconds).split("\n")


def test_the_message() -> None:
    """A failed deployment says what is, since when, why, the last log lines, the likely cause and what to do."""
    health = DestinationHealth(healthy=False, last_error="connection refused: db.example.com:5432\nat line 2")
    tail = 'INFO Worker starts\nERROR Sink open failed: FATAL: password authentication failed for user "goldrush"\n'
    pods = PipelineLogs(pods=[PodLogs(pod="pipeline-covalent-postgres-7f", logs=tail)])

    assert message(health=health, tails=pods) == [
        f"pipeline base-swaps ({PIPELINE_ID}) is FAILED after 42 s (ready 0 of 1)",
        "  destination: connection refused: db.example.com:5432",
        "  last log lines of pod pipeline-covalent-postgres-7f:",
        "    INFO Worker starts",
        '    ERROR Sink open failed: FATAL: password authentication failed for user "goldrush"',
        "  likely cause: the destination rejected the credentials (auth_failed)",
        "  the pipeline is kept and recorded; fix the cause and run `pulumi up` again,",
        f"  or look closer with `goldrush-pulumi logs {PIPELINE_ID} --follow`",
    ]


def test_the_shortest_message() -> None:
    """With nothing to be found out, three lines remain."""
    assert len(message()) == 3


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        (WaitEnd.FAILED, "is FAILED after 42 s (ready 0 of 1)"),
        (WaitEnd.STALE_FAILURE, "is FAILED after 42 s (ready 0 of 1): GoldRush has not deployed it again"),
        (WaitEnd.UNHEALTHY, "is FAILED after 42 s (ready 0 of 1), but its destination is not healthy"),
        (WaitEnd.TIMED_OUT, "is still FAILED after 42 s (ready 0 of 1): time is up, raise custom_timeouts"),
        (WaitEnd.CANCELLED, "was FAILED after 42 s (ready 0 of 1) when the update was cancelled"),
        (WaitEnd.GONE, "disappeared after 42 s: it was deleted elsewhere, or the ServiceKey no longer sees it"),
    ],
)
def test_every_ending_has_its_headline(ending: WaitEnd, said: str) -> None:
    """The first line tells one ending from another."""
    assert message(outcome=WaitOutcome(ending, 42.4, FAILED.status))[0].startswith(
        f"pipeline base-swaps ({PIPELINE_ID}) {said}"
    )


def test_a_status_that_was_never_seen() -> None:
    """Without any status the phase is unknown, and there are no replicas to count."""
    assert message(outcome=WaitOutcome(WaitEnd.TIMED_OUT, 9, None))[0].endswith(
        "is still unknown after 9 s: time is up, raise custom_timeouts if it needs more"
    )


def test_a_pipeline_found_in_trouble_was_not_waited_for() -> None:
    """Outside of a wait there are no seconds to tell."""
    client = cast("GoldRushClient", ScriptedClient(health=[HEALTHY], logs=[NO_LOGS]))

    assert describe(SUBJECT, status_of("FAILED"), client, str).split("\n")[0].endswith("is FAILED (ready 0 of 1)")


def test_an_error_in_place_of_an_ending() -> None:
    """When the API stopped answering, that is the reason; the next steps are the same."""
    text = explain_error(SUBJECT, "no answer for [secret]")

    assert text.split("\n")[0] == f"pipeline base-swaps ({PIPELINE_ID}) could not be followed: no answer for [secret]"
    assert text.count("\n") == 2


def test_our_own_words_are_never_redacted() -> None:
    """A database user called "goldrush" does not spoil the command to run next."""
    client = cast("GoldRushClient", ScriptedClient(health=[HEALTHY], logs=[logs('ERROR no such role "goldrush"')]))
    text = describe(SUBJECT, status_of("FAILED"), client, Redactor(["goldrush"]))

    assert '    ERROR no such role "[secret]"' in text
    assert f"`goldrush-pulumi logs {PIPELINE_ID} --follow`" in text


@pytest.mark.parametrize(("pods", "each"), [(1, 20), (2, 10), (3, 6), (7, 2), (20, 1), (30, 1)])
def test_log_lines_are_twenty_in_all(pods: int, each: int) -> None:
    """The newest lines of each pod share twenty places."""
    lines = message(tails=logs(*["\n".join(f"line {number}" for number in range(50))] * pods))
    shown = [line for line in lines if line.startswith("    ")]

    assert len(shown) == each * min(pods, LOG_LINES) <= LOG_LINES
    assert shown[-1] == "    line 49"


def test_what_comes_from_the_server_is_made_printable() -> None:
    """Colours, cursor movements, carriage returns, bells and text that runs backwards reach no terminal."""
    hostile = "\x1b[31mERROR\x1b[0m red\r\nbell\x07 back\u202egnp\x00 tab\there\n\n   \nend\x1b]0;title"
    lines = message(tails=logs(hostile), health=DestinationHealth(healthy=False, last_error="\x1b[2Jgone\x85\nmore"))

    assert "    ERROR red" in lines
    assert "    bell  back gnp  tab here" in lines
    assert "  destination: gone" in lines
    assert all(line.isprintable() for line in lines)


def test_a_pod_with_an_odd_name_stays_on_one_line() -> None:
    """The name of a pod cannot add lines to the message."""
    odd = PipelineLogs(pods=[PodLogs(pod="a\nlikely cause: none", logs="x")])

    lines = message(tails=odd)
    assert any(line.startswith("  last log lines of pod a") for line in lines)
    assert not any(line.strip().startswith("likely cause") for line in lines)


@given(st.text(max_size=60))
def test_printable_lines_law(text: str) -> None:
    """Law: lines are printable, say something, and none gets longer than four hundred characters."""
    lines = printable_lines(text * 20)

    assert all(line.isprintable() and line.strip() and len(line) <= 400 for line in lines)


def test_secrets_go_before_lines_are_cut() -> None:
    """A secret across the place where a line is cut, or across lines, leaves no half of it behind."""
    key = "first-half-of-the-key\nsecond-half-of-the-key"
    redact = Redactor([PASSWORD, key])
    cut = "x" * (400 - len(PASSWORD) // 2) + PASSWORD
    health = DestinationHealth(healthy=False, last_error=f"cannot log in with {key}")

    text = "\n".join(message(tails=logs(cut, f"key {key}"), health=health, redact=redact))

    assert PASSWORD[: len(PASSWORD) // 2] not in text
    assert "half-of-the-key" not in text


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_secret_is_in_any_message(before: str, after: str) -> None:
    """Law: wherever the password stands in logs, health or the names of pods, the message does not hold it."""
    text = f"{before}{PASSWORD}{after}"
    health = DestinationHealth(healthy=False, last_error=text)
    tails = PipelineLogs(pods=[PodLogs(pod=text, logs=text)])

    assert PASSWORD not in "\n".join(message(tails=tails, health=health, redact=Redactor([PASSWORD])))


@pytest.mark.parametrize("trouble", [RuntimeError("boom"), KeyboardInterrupt(), SystemExit(1), None])
def test_a_diagnosis_never_makes_it_worse(trouble: BaseException | None) -> None:
    """Whatever the questions raise, their parts are left out and the rest of the message stands."""
    assert message(health=trouble, tails=trouble) == message()
    assert "    last words" in message(health=trouble, tails=logs("last words"))


class Silent(ScriptedClient):
    """A server that answers nothing until the test is over."""

    def __init__(self, released: threading.Event) -> None:
        super().__init__()
        self.released = released
        self.budgets: list[float | None] = []

    def get_destination_health(self, _id: str, timeout_seconds: float | None = None) -> DestinationHealth:
        self.budgets.append(timeout_seconds)
        self.released.wait()
        return HEALTHY

    def get_pipeline_logs(self, _id: str, timeout_seconds: float | None = None) -> PipelineLogs:
        self.budgets.append(timeout_seconds)
        self.released.wait()
        return NO_LOGS


@pytest.fixture
def released() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_a_server_that_never_answers_is_not_waited_for(released: threading.Event) -> None:
    """When the budget is spent the message goes out without what is missing; both questions were given the budget."""
    client = Silent(released)

    text = diagnose(SUBJECT, FAILED, cast("GoldRushClient", client), str, budget_seconds=0.05)

    assert len(text.split("\n")) == 3
    assert client.budgets == [0.05, 0.05]
    assert not released.is_set()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('FATAL: password authentication failed for user "x"', "auth_failed"),
        ("The AWS Access Key Id you provided: InvalidAccessKeyId", "auth_failed"),
        ("SASL authentication failed", "auth_failed"),
        ("HTTP 403 from endpoint", "auth_failed"),
        ("SSL is required", "tls_required"),
        ("PKIX path building failed: certificate", "tls_required"),
        ("java.net.UnknownHostException: db", "name_not_resolved"),
        ("Name or service not known", "name_not_resolved"),
        ("Connection refused (ECONNREFUSED)", "connection_refused"),
        ("connect timed out", "connection_timed_out"),
        ("Connection timed out", "connection_timed_out"),
        ('database "analytics" does not exist', "destination_missing"),
        ("NoSuchBucket", "destination_missing"),
        ('column "a" of relation "b" does not exist', "schema_mismatch"),
        ("SQL validation failed: unsupported GROUP BY", "bad_transform"),
        ("cannot decode with this ABI", "bad_abi"),
        ("unknown topic", "bad_topic"),
        ("No space left on device", "disk_full"),
        ("java.lang.OutOfMemoryError", "out_of_memory"),
        ("ThrottlingException: Rate exceeded", "rate_limited"),
    ],
)
def test_known_causes(text: str, name: str) -> None:
    """What workers and destinations print is translated by a table."""
    cause = likely_cause(text)

    assert cause is not None
    assert cause.name == name
    assert str(cause).endswith(f"({name})")


@pytest.mark.parametrize("text", ["", "Worker exited with code 1", "establishing", "capability"])
def test_unknown_causes(text: str) -> None:
    """What is not known is not guessed at."""
    assert likely_cause(text) is None


def test_lines_that_only_inform_name_no_cause() -> None:
    """A worker names transforms, topics and pods in passing; only complaints tell what went wrong."""
    tail = "INFO Applying transform swaps\nDEBUG TLS handshake done\nERROR java.lang.OutOfMemoryError"
    pods = PipelineLogs(pods=[PodLogs(pod="pipeline-abi-ssl-transform", logs=tail)])

    assert any("out_of_memory" in line for line in message(tails=pods))
    assert not any("likely cause" in line for line in message(tails=logs("INFO Applying transform swaps")))


@pytest.mark.parametrize(
    ("name", "stack", "command"),
    [
        ("base-swaps", "dev", "goldrush-pulumi logs base-swaps --stack dev --follow"),
        ("base swaps", "acme/prod", "goldrush-pulumi logs 'base swaps' --stack acme/prod --follow"),
        ("base-swaps", "", f"goldrush-pulumi logs {PIPELINE_ID} --follow"),
    ],
)
def test_the_next_command_works_as_it_stands(name: str, stack: str, command: str) -> None:
    """It names resource and stack, so that the account comes from that stack's config; without a stack, the id."""
    assert f"`{command}`" in explain_error(Subject(name, PIPELINE_ID, stack), "no response")

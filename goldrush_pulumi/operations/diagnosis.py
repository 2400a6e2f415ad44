"""Why a pipeline is not live: the message a user reads when a deployment failed, and nothing else.

The text is stored in state and shown in clear, so every line passes the redactor. A diagnosis never makes a failure
worse: what cannot be fetched is left out, and no more than ten seconds are spent on it.
"""

from __future__ import annotations

import re
import shlex
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from goldrush_pulumi.operations.wait import WaitEnd, WaitOutcome

if TYPE_CHECKING:
    from goldrush_pulumi.api import GoldRushClient, PipelineStatus

BUDGET_SECONDS: Final = 10.0
"""The longest a diagnosis may take."""

LOG_LINES: Final = 20
"""How many log lines are shown, of all pods together."""

_LONGEST_LINE: Final = 400

_TERMINAL_SEQUENCE: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

_HARMLESS: Final = re.compile(r"\b(?:INFO|DEBUG|TRACE)\b")

Redact = Callable[[str], str]

T = TypeVar("T")


@dataclass(frozen=True)
class Subject:
    """The pipeline a diagnosis speaks of: the resource's name, the pipeline's id, and the stack where it is known."""

    name: str
    pipeline_id: str
    stack: str = ""

    def __str__(self) -> str:
        return f"pipeline {self.name} ({self.pipeline_id})"


def diagnose(
    subject: Subject,
    outcome: WaitOutcome,
    client: GoldRushClient,
    redact: Redact,
    budget_seconds: float = BUDGET_SECONDS,
) -> str:
    """The message for a wait that ended in `outcome`: what is, since when, why, and what to do next.

    `budget_seconds` bounds the time spent on asking why; what has not been answered by then is left out.
    """
    evidence = gather_evidence(subject.pipeline_id, client, redact, budget_seconds)
    # Only what a server said is redacted: our own words hold no secret, and a user called "goldrush" would spoil them.
    return "\n".join([_headline(subject, outcome, redact), *evidence.lines(), *_next_steps(subject)])


def describe(subject: Subject, status: PipelineStatus, client: GoldRushClient, redact: Redact) -> str:
    """The message for a pipeline found not to be what it should be, outside of any wait."""
    return diagnose(subject, WaitOutcome(WaitEnd.FAILED, -1.0, status), client, redact)


def explain_error(subject: Subject, error: str) -> str:
    """The message for a wait that an error ended: the API stopped answering, or refused the key.

    `error` is shown as it is, so it must be redacted already.
    """
    return "\n".join([f"{subject} could not be followed: {error}", *_next_steps(subject)])


def _headline(subject: Subject, outcome: WaitOutcome, redact: Redact) -> str:
    status = outcome.status
    phase = redact(status.phase) if status else "unknown"
    ready = f" (ready {status.ready or 0} of {status.replicas or 0})" if status else ""
    after = f" after {outcome.waited_seconds:.0f} s" if outcome.waited_seconds >= 0 else ""
    if outcome.ending is WaitEnd.TIMED_OUT:
        return f"{subject} is still {phase}{after}{ready}: time is up, raise custom_timeouts if it needs more"
    if outcome.ending is WaitEnd.CANCELLED:
        return f"{subject} was {phase}{after}{ready} when the update was cancelled"
    if outcome.ending is WaitEnd.GONE:
        return f"{subject} disappeared{after}: it was deleted elsewhere, or the ServiceKey no longer sees it"
    if outcome.ending is WaitEnd.UNHEALTHY:
        return f"{subject} is {phase}{after}{ready}, but its destination is not healthy"
    if outcome.ending is WaitEnd.STALE_FAILURE:
        return f"{subject} is {phase}{after}{ready}: GoldRush has not deployed it again since the change"
    return f"{subject} is {phase}{after}{ready}"


def _next_steps(subject: Subject) -> list[str]:
    selected = f"{shlex.quote(subject.name)} --stack {shlex.quote(subject.stack)}"
    target = selected if subject.stack else subject.pipeline_id
    return [
        "  the pipeline is kept and recorded; fix the cause and run `pulumi up` again,",
        f"  or look closer with `goldrush-pulumi logs {target} --follow`",
    ]


@dataclass(frozen=True)
class Evidence:
    """What GoldRush reports about a pipeline in trouble, redacted.

    Attributes:
        healthy: Whether the last probe of the destination succeeded; None if there was none.
        last_error: The first line of what the last probe reported.
        tails: The name of each pod with its last log lines, about twenty lines in all.
    """

    healthy: bool | None
    last_error: str | None
    tails: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def cause(self) -> Cause | None:
        """The likely cause. Lines that only inform are left out, because they name things that are in order."""
        lines = (line for _, tail in self.tails for line in tail if not _HARMLESS.search(line))
        return likely_cause("\n".join([self.last_error or "", *lines]))

    def lines(self) -> list[str]:
        """Return the evidence as indented lines of a message, with the likely cause at the end."""
        lines = [f"  destination: {self.last_error}"] if self.last_error else []
        for pod, tail in self.tails:
            if tail:
                lines.append(f"  last log lines of pod {pod}:")
                lines += [f"    {line}" for line in tail]
        return lines + ([f"  likely cause: {self.cause}"] if self.cause else [])


def gather_evidence(
    pipeline_id: str, client: GoldRushClient, redact: Redact, budget_seconds: float = BUDGET_SECONDS
) -> Evidence:
    """Request destination health and logs at the same time, and leave out what is not there within the budget."""
    until = time.monotonic() + budget_seconds
    asked_health = _ask(lambda: client.get_destination_health(pipeline_id, timeout_seconds=budget_seconds))
    asked_logs = _ask(lambda: client.get_pipeline_logs(pipeline_id, timeout_seconds=budget_seconds))
    health, logs = _answer(asked_health, until), _answer(asked_logs, until)
    # Redact before lines are cut, joined or cleaned: no pattern finds half a secret.
    errors = printable_lines(redact(health.last_error or "")) if health is not None else []
    pods = logs.pods[:LOG_LINES] if logs is not None else []
    share = LOG_LINES // max(len(pods), 1)
    return Evidence(
        health.healthy if health is not None else None,
        errors[0] if errors else None,
        tuple(
            (" ".join(printable_lines(redact(pod.pod))), tuple(printable_lines(redact(pod.logs))[-share:]))
            for pod in pods
        ),
    )


def _ask(question: Callable[[], T]) -> Future[T]:
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(question())
        except BaseException as error:  # noqa: BLE001 - a diagnosis never fails the failure
            future.set_exception(error)

    # A daemon thread: a server that never answers must not keep the provider alive.
    threading.Thread(target=run, name="diagnosis", daemon=True).start()
    return future


def _answer(future: Future[T], until: float) -> Any:
    try:
        return future.result(timeout=max(until - time.monotonic(), 0.0))
    except BaseException:  # noqa: BLE001 - what cannot be fetched is left out
        return None


def printable_lines(text: str) -> list[str]:
    """The lines of a server's text that say something, without control characters and cut to a readable length."""
    plain = _TERMINAL_SEQUENCE.sub("", text)
    lines = ("".join(c if c.isprintable() else " " for c in line).rstrip() for line in plain.split("\n"))
    return [line[:_LONGEST_LINE] for line in lines if line.strip()]


@dataclass(frozen=True)
class Cause:
    """A cause in a few words, and a short name for it that scripts can look for."""

    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.text} ({self.name})"


_TABLE: Final[tuple[tuple[str, str, str], ...]] = (
    (
        "plan_expired",
        "the GoldRush plan has expired or does not include this",
        r"plan (?:has |is )?expired|subscription (?:has |is )?(?:expired|inactive)|payment required|\b402\b",
    ),
    (
        "topic_not_authorized",
        "the credentials may not write to the Kafka topic: check its ACLs",
        r"TopicAuthorization|GroupAuthorization|ClusterAuthorization|not authori[sz]ed to access (?:topic|group)",
    ),
    (
        "permission_denied",
        "the credentials may log in, but not write there: grant the missing permission",
        (
            r"permission denied (?:for|to)|insufficient (?:privilege|permission)|must be owner of|not enough privileges"
            r"|INSERT command denied|AccessDenied(?:Exception)?.*(?:PutObject|SendMessage|on resource)"
        ),
    ),
    (
        "too_many_connections",
        "the destination accepts no more connections: raise its limit or use fewer pipelines",
        r"too many (?:connections|clients)|remaining connection slots|max_user_connections|connection limit exceeded",
    ),
    (
        "auth_failed",
        "the destination rejected the credentials",
        (
            r"authentication failed|invalid password|access denied|not authori[sz]ed|unauthori[sz]ed|sasl.*fail"
            r"|InvalidAccessKeyId|SignatureDoesNotMatch|\b401\b|\b403\b|forbidden"
        ),
    ),
    (
        "tls_required",
        "the destination requires another TLS setting",
        r"\bssl\b|\btls\b|certificate|handshake|PKIX|x509",
    ),
    (
        "name_not_resolved",
        "the host name of the destination does not resolve",
        (
            r"unknown ?host|name or service not known|no such host|could not (?:resolve|translate)|getaddrinfo"
            r"|ENOTFOUND|nodename nor servname|temporary failure in name resolution|NXDOMAIN"
        ),
    ),
    ("connection_refused", "nothing listens at the destination's address", r"connection refused|ECONNREFUSED"),
    (
        "connection_timed_out",
        "the destination cannot be reached: check firewall and allow list",
        r"connect(?:ion)? ?timed? ?out|ETIMEDOUT|no route to host|network is unreachable",
    ),
    (
        "destination_missing",
        "the database, bucket, queue or topic does not exist",
        (
            r"database .* does not exist|unknown database|NoSuchBucket|NonExistentQueue|UnknownTopic"
            r"|topic .* not (?:found|present)"
        ),
    ),
    (
        "schema_mismatch",
        "the table at the destination does not fit the rows",
        r"column .* (?:does not exist|of type)|type mismatch|constraint|duplicate key",
    ),
    (
        "bad_transform",
        "a transform was rejected",
        (
            r"transform|sql (?:parse|syntax|validation)|syntax error|parse error"
            r"|unsupported .*(?:join|group by|order by|union)"
        ),
    ),
    ("bad_abi", "the ABI was rejected", r"\babi\b"),
    (
        "bad_topic",
        "the topic is not known or carries no data",
        r"unknown topic|topic.*(?:invalid|unsupported)|normali[sz]er",
    ),
    (
        "disk_full",
        "the destination has no space left",
        r"disk (?:is )?full|no space left|quota exceeded|storage limit|ENOSPC|could not extend file",
    ),
    ("out_of_memory", "the worker ran out of memory", r"OutOfMemory|out of memory|OOMKilled"),
    (
        "webhook_rejected",
        "the webhook refused the request for good, and GoldRush skips such a batch",
        r"(?:http|status(?: code)?|response(?: code)?)\W{0,3}4(?!01|02|03|08|29)\d\d\b|client error 4\d\d",
    ),
    ("rate_limited", "the destination limits the rate of requests", r"throttl|too many requests|\b429\b|rate limit"),
)

_PATTERNS: Final = tuple((Cause(name, text), re.compile(pattern, re.IGNORECASE)) for name, text, pattern in _TABLE)


def likely_cause(text: str) -> Cause | None:
    """The first cause of the table that fits `text`, or None when nothing in it is known."""
    return next((cause for cause, pattern in _PATTERNS if pattern.search(text)), None)

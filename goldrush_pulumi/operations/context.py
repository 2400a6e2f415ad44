"""What every deployment needs at hand: the client, the clock, where to report, and what must not be shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.operations.diagnosis import Subject
from goldrush_pulumi.operations.history import Run, utc_now
from goldrush_pulumi.operations.identity import AbsenceUnproven, absence_is_proven, key_fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from goldrush_pulumi.api import GoldRushClient, Pipeline, PipelineStatus
    from goldrush_pulumi.operations.identity import Claims, OwnershipTag
    from goldrush_pulumi.operations.inventory import Inventory
    from goldrush_pulumi.operations.journal import CreateJournal
    from goldrush_pulumi.operations.wait import Clock

DEFAULT_TIMEOUT_SECONDS = 600.0
"""How long create, update and delete may take where `custom_timeouts` says nothing."""


@dataclass(frozen=True)
class Policies:
    """What the user has chosen.

    `failed_grace_seconds`: how long a failure must hold to count. `stabilization_seconds`: how long a goal must hold
    when `start_time` did not move. `on_existing`: "fail" or "create" when a pipeline of the same project and name
    is there.
    `adopt_foreign`: whether `adopt_id` may take a pipeline of another stack. `recovery_seconds`: how long a pipeline is
    looked for whose POST got no answer.
    """

    failed_grace_seconds: float = 20.0
    stabilization_seconds: float = 5.0
    on_existing: str = "fail"
    adopt_foreign: bool = False
    recovery_seconds: float = 30.0


@dataclass(frozen=True)
class OperationContext:
    """One verb at work on one pipeline.

    `redact` takes every known secret out of a text. `status` shows a line while waiting, `warn` one that stays.
    `fingerprint_of` names the key in use, for a pipeline id. `tag` is what a pipeline created here carries (None: no
    mark, and nothing is adopted by itself). `inventory`, `claims` and `journal` are shared by all jobs of the
    process.
    """

    name: str
    client: GoldRushClient
    clock: Clock
    redact: Callable[[str], str]
    fingerprint_of: Callable[[str], str]
    inventory: Inventory
    claims: Claims
    journal: CreateJournal
    urn: str = ""
    tag: OwnershipTag | None = None
    status: Callable[[str], None] = lambda _text: None
    warn: Callable[[str], None] = lambda _text: None
    policies: Policies = Policies()
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    now: Callable[[], str] = utc_now
    started: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "started", self.clock.now())

    @property
    def seconds_left(self) -> float:
        """How much of the verb's time is left; never negative."""
        return max(self.timeout_seconds - (self.clock.now() - self.started), 0.0)

    def subject(self, pipeline_id: str) -> Subject:
        """The pipeline as messages name it."""
        return Subject(self.name, pipeline_id)

    def require_absence(self, verb: str, pipeline_id: str, outputs: Mapping[str, Any]) -> None:
        """Return only if a 404 for the pipeline can be believed.

        Raises:
            AbsenceUnproven: the key may belong to another account.
        """
        if not absence_is_proven(self.client, self.fingerprint_of(pipeline_id), outputs):
            raise AbsenceUnproven.of(verb, self.name, pipeline_id)


@dataclass
class Progress:
    """A pipeline as a verb left it: the server's object, its last status, and the record of what was done."""

    pipeline_id: str
    run: Run
    pipeline: Pipeline | None = None
    status: PipelineStatus | None = None


class OperationFailed(Exception):  # noqa: N818 - the name says what happened
    """A pipeline exists and was changed, but is not what it should be. It has to be recorded, with the reason.

    `reason` is redacted. `unapplied` are the fields that the server did not take over, so that state does not claim
    them.
    """

    def __init__(self, progress: Progress, reason: str, unapplied: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.progress = progress
        self.reason = reason
        self.unapplied = unapplied


def make_fingerprint(service_key: str, base_url: str) -> Callable[[str], str]:
    """The function that names this key and endpoint for a pipeline id."""

    def fingerprint(pipeline_id: str) -> str:
        return key_fingerprint(service_key, base_url, pipeline_id)

    return fingerprint

"""What every operation needs: the client, the clock, where to show what happens, and what must not be shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.api.errors import GoldRushError, Interrupted, PipelineNotFound
from goldrush_pulumi.api.models import PipelineStatus
from goldrush_pulumi.operations.call import DEFAULT_TIMEOUT_SECONDS
from goldrush_pulumi.operations.diagnosis import Subject
from goldrush_pulumi.operations.history import Run, utc_now
from goldrush_pulumi.operations.identity import GROUP, key_fingerprint
from goldrush_pulumi.operations.known_stacks import StackName
from goldrush_pulumi.schema.wire import KEY_FINGERPRINT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from goldrush_pulumi.api import GoldRushClient, Pipeline
    from goldrush_pulumi.operations.history import Action
    from goldrush_pulumi.operations.identity import Claims, OwnershipTag
    from goldrush_pulumi.operations.inventory import Inventory
    from goldrush_pulumi.operations.journal import CreateJournal
    from goldrush_pulumi.operations.wait import Clock


@dataclass(frozen=True)
class Policies:
    """What the user has chosen.

    Attributes:
        failed_grace_seconds: How long a failure must hold to count.
        stabilization_seconds: How long a goal must hold when `start_time` did not move.
        on_existing: "fail" or "create", where a pipeline may be the one to create and that is not certain.
        adopt_foreign: Whether a pipeline with another stack's ownership tag may be taken over, changed and deleted.
        recovery_seconds: How long a pipeline is looked for after its POST got no response.
    """

    failed_grace_seconds: float = 20.0
    stabilization_seconds: float = 5.0
    on_existing: str = "fail"
    adopt_foreign: bool = False
    recovery_seconds: float = 30.0


@dataclass(frozen=True)
class OperationContext:
    """One verb at work on one pipeline.

    Attributes:
        name: The resource's name.
        client: Bound to the time that the verb may take.
        clock: Time, which ends a sleep when everything is cancelled.
        redact: Takes every known secret out of a text.
        fingerprint_of: Names the key in use, for a pipeline id.
        inventory: The list of the account, shared by all operations of the process, as are the next two.
        claims: What the resources of this process have to do with which pipelines.
        journal: What this machine has begun to create.
        urn: The resource.
        tag: What a pipeline created here carries; None: no ownership tag, and nothing is taken over by itself.
        owners: The owners whose tags this resource's pipeline may carry: those on record, and the stack's own. None
            where the record cannot tell.
        status: Shows a line while the verb runs.
        warn: Shows a line that stays.
        policies: What the user has chosen.
        timeout_seconds: How long the verb may take.
        now: The time for run records.
        author: Who runs this, for run records.
        stack_in: Returns the name of the stack whose tag ends a description, "" where this machine knows none.
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
    owners: frozenset[str] | None = None
    status: Callable[[str], None] = lambda _text: None
    warn: Callable[[str], None] = lambda _text: None
    policies: Policies = Policies()
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    now: Callable[[], str] = utc_now
    author: Mapping[str, str] = field(default_factory=dict)
    stack_in: Callable[[str], str] = lambda _description: ""
    started: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "started", self.clock.now())

    @property
    def seconds_left(self) -> float:
        """Return how much of the verb's time is left; never negative."""
        return max(self.timeout_seconds - (self.clock.now() - self.started), 0.0)

    def subject(self, pipeline_id: str) -> Subject:
        """Return the pipeline as messages name it."""
        # A URN is `urn:pulumi:<stack>::<project>::<types>::<name>`.
        stack = self.urn.partition("::")[0].removeprefix("urn:pulumi:")
        return Subject(self.name, pipeline_id, stack)

    def record(self, action: Action, config_version: str, changed: tuple[str, ...] | None = None) -> Run:
        """Begin the record of what this verb does; `changed` are the names of the inputs that differ, if known."""
        return Run(action, config_version, self.now, changed, self.author)

    def another_stack(self, description: str, kind: str = "another Pulumi stack") -> str:
        """Return the stack whose ownership tag ends a description, as messages name it."""
        name = self.stack_in(description)
        if not name:
            return kind
        # A stack that was removed and made again, or one of another backend.
        is_namesake = f"/{name}".endswith(f"/{StackName.of(self.urn)}")
        return f"{kind} ({name}{' too' if is_namesake else ''}, as far as this machine knows)"

    def look(self, pipeline_id: str) -> tuple[Pipeline, PipelineStatus]:
        """Return a pipeline and the status of its worker; one without a worker has an unknown phase.

        Raises:
            PipelineNotFound: there is no such pipeline, or the key does not see it.
        """
        pipeline = self.client.get_pipeline(pipeline_id)
        try:
            return pipeline, self.client.get_pipeline_status(pipeline_id)
        except PipelineNotFound:
            # The pipeline itself is there.
            return pipeline, PipelineStatus()

    def require_absence(self, verb: str, pipeline_id: str, outputs: Mapping[str, Any]) -> None:
        """Return only if a 404 for the pipeline can be believed.

        GoldRush returns 404 for a pipeline that does not exist and for one that the ServiceKey cannot see. The 404
        counts when the list answers and either key and endpoint are the ones on record, or the key sees another
        pipeline of the same group. It is looked at once more after that, for an outage may have ended in between.
        Source: API reference, get-pipeline-status, response 404.

        Raises:
            AbsenceUnproven: the key may belong to another account, or GoldRush answers 404 to everything.
        """
        subject = f"{verb} pipeline {self.name}: {pipeline_id} is not visible"
        try:
            self.inventory.require_list(self.client)
            proven = outputs.get(KEY_FINGERPRINT) == self.fingerprint_of(pipeline_id) or (
                self.inventory.shows_group(self.client, outputs.get(GROUP), self.clock)
            )
        except Interrupted:
            raise
        except GoldRushError as error:
            reason = error.redacted(self.redact)
            raise AbsenceUnproven(
                f"{subject}, but neither can the list of pipelines be read ({reason}), so it may well exist; nothing"
                " was changed. Try again later"
            ) from None
        if not proven:
            raise AbsenceUnproven(
                f"{subject}, and this ServiceKey or endpoint is not the one it was deployed with, so it may well exist;"
                " nothing was changed. Use a key of the pipeline's account and its goldrush:baseUrl (`pulumi refresh`"
                " and `pulumi destroy` use those of the last `pulumi up` unless run with --run-program). If the"
                " pipeline is really gone, remove it with `pulumi state delete`"
            )
        if self._is_there(pipeline_id):
            raise AbsenceUnproven(
                f"{verb} pipeline {self.name}: {pipeline_id} was not visible a moment ago and is there; run the command"
                " again"
            )

    def _is_there(self, pipeline_id: str) -> bool:
        try:
            self.client.get_pipeline(pipeline_id)
        except PipelineNotFound:
            return False
        return True


class AbsenceUnproven(GoldRushError):  # noqa: N818 - the name says what happened
    """A pipeline is not visible, and nothing shows that the key would see it if it were there."""


@dataclass
class Progress:
    """How far a verb has got: the server's object, its last status, and the record of what was done.

    `changed_at` is the server's own time of the last change that this verb made, "" where it made none.
    """

    pipeline_id: str
    run: Run
    pipeline: Pipeline | None = None
    status: PipelineStatus | None = None
    changed_at: str = ""


class OperationFailed(Exception):  # noqa: N818 - the name says what happened
    """A pipeline exists and was changed, but is not what it should be. It has to be recorded, with the reason.

    `reason` is redacted. `unapplied` are the fields that the server did not take over, so that state does not claim
    them. `unconfirmed` are those that the next update sends again, whatever it is asked for.
    """

    def __init__(
        self,
        progress: Progress,
        reason: str,
        *,
        unapplied: tuple[str, ...] = (),
        unconfirmed: tuple[str, ...] = (),
    ) -> None:
        super().__init__(reason)
        self.progress = progress
        self.reason = reason
        self.unapplied = unapplied
        self.unconfirmed = unconfirmed


def make_fingerprint(service_key: str, base_url: str) -> Callable[[str], str]:
    """Return the function that names this key and endpoint for a pipeline id."""

    def fingerprint(pipeline_id: str) -> str:
        return key_fingerprint(service_key, base_url, pipeline_id)

    return fingerprint

"""A pipeline, a server and a clock for the tests of what the verbs do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from goldrush_pulumi.api import (
    DestinationHealth,
    GoldRushClient,
    Pipeline,
    PipelineLogs,
    PipelineNotFound,
    PipelinePage,
    PipelineStatus,
)
from goldrush_pulumi.operations.context import OperationContext, Policies
from goldrush_pulumi.operations.identity import Claims
from goldrush_pulumi.operations.inventory import Inventory
from goldrush_pulumi.operations.journal import CreateJournal
from goldrush_pulumi.operations.spec import PipelineSpec, with_defaults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

PIPELINE_ID = "pipe_3e8678c5fc9e48a7bf9879ca729"
PASSWORD = "correct-horse/battery staple"

POSTGRES: dict[str, Any] = {
    "url": "postgresql://db.example.com:5432/analytics",
    "user": "goldrush",
    "password": PASSWORD,
}


def inputs_of(**changes: Any) -> dict[str, Any]:
    """The checked inputs of a postgres pipeline, with `changes`; a change to None leaves the input out."""
    given = {
        "project": "analytics-prod",
        "topic": "base.mainnet.ref.block.swap.v3",
        "destination_type": "postgres",
        "destination_config": dict(POSTGRES),
        **changes,
    }
    return with_defaults(given, "base-swaps")


def spec_of(**changes: Any) -> PipelineSpec:
    return PipelineSpec(inputs_of(**changes))


def masked(config: Mapping[str, Any]) -> dict[str, Any]:
    """A destination's settings as GET shows them."""
    hidden = {"password", "secret_access_key"}
    shown: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, dict):
            shown[key] = dict.fromkeys(value, "******") if key == "headers" else masked(value)
        else:
            shown[key] = "******" if key in hidden else value
    return shown


def answer_to(inputs: Mapping[str, Any], **changes: Any) -> Pipeline:
    """The pipeline object that a server holds for `inputs`, credentials masked, with `changes`."""
    names = {name: value for name, value in inputs.items() if name not in {"triggers", "wait_for", "adopt_id"}}
    config = {"type": inputs["destination_type"], **masked(inputs["destination_config"])}
    values = {"id": PIPELINE_ID, "group": {"id": "grp_1"}, **names, "destination_config": config, **changes}
    return Pipeline.model_validate(values)


def status_of(phase: str, ready: int = 1, replicas: int = 1, start_time: str | None = "t1") -> PipelineStatus:
    """A status report; RUNNING is live unless told otherwise."""
    running = ready if phase == "RUNNING" else 0
    return PipelineStatus(uid="uid-1", phase=phase, replicas=replicas, ready=running, start_time=start_time)


class FakeClock:
    """A clock that only a sleep moves. It wakes the sleeper as cancelled once `cancel_at` seconds are over."""

    def __init__(self, cancel_at: float = float("inf")) -> None:
        self.seconds = 0.0
        self.sleeps: list[float] = []
        self._cancel_at = cancel_at

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> bool:
        assert len(self.sleeps) < 10_000, "the wait does not end"
        self.sleeps.append(seconds)
        self.seconds += seconds
        return self.seconds >= self._cancel_at


class FakeClient:
    """A server by script: each call is recorded and answered by the next answer for it; the last one stays.

    An answer is a value, an exception to raise, or None for 404.
    """

    def __init__(self, **answers: Iterable[Any]) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self._answers: dict[str, Iterator[Any]] = {name: iter(script) for name, script in answers.items()}
        self._last: dict[str, Any] = {}

    @property
    def changes(self) -> list[tuple[Any, ...]]:
        """The calls that changed something."""
        return [call for call in self.calls if call[0] in {"create", "update", "set_status", "delete"}]

    def script_status_by_changes(self, shows: Mapping[int, PipelineStatus]) -> None:
        """Answer each look by how many changes were made before it: `shows[0]` before the first."""

        def looks() -> Iterator[PipelineStatus]:
            while True:
                yield shows[len(self.changes)]

        self._answers["status"] = looks()

    def _answer(self, name: str, *arguments: Any) -> Any:
        self.calls.append((name, *arguments))
        self._last[name] = next(self._answers.get(name, iter(())), self._last.get(name, _UNSCRIPTED))
        answer = self._last[name]
        assert answer is not _UNSCRIPTED, f"no answer for {name}"
        if isinstance(answer, BaseException):
            raise answer
        if answer is None:
            raise PipelineNotFound(f"{name} pipeline", "there is none", status=404)
        return answer

    def create_pipeline(self, body: Mapping[str, Any]) -> Pipeline:
        return cast("Pipeline", self._answer("create", body))

    def get_pipeline(self, pipeline_id: str) -> Pipeline:
        return cast("Pipeline", self._answer("get", pipeline_id))

    def update_pipeline(self, _id: str, body: Mapping[str, Any]) -> Pipeline:
        return cast("Pipeline", self._answer("update", body))

    def set_pipeline_status(self, _id: str, status: str) -> Pipeline:
        return cast("Pipeline", self._answer("set_status", status))

    def delete_pipeline(self, pipeline_id: str) -> None:
        self._answer("delete", pipeline_id)

    def get_pipeline_status(self, _id: str, timeout_seconds: float | None = None) -> PipelineStatus:
        del timeout_seconds
        return cast("PipelineStatus", self._answer("status"))

    def get_pipeline_logs(self, _id: str, timeout_seconds: float | None = None) -> PipelineLogs:
        del timeout_seconds
        return cast("PipelineLogs", self._answer("logs"))

    def get_destination_health(self, _id: str, timeout_seconds: float | None = None) -> DestinationHealth:
        del timeout_seconds
        return cast("DestinationHealth", self._answer("health"))

    def list_pipelines(self, page_number: int = 1) -> PipelinePage:
        """One page of the list; no test but those about lists needs to script it."""
        return cast("PipelinePage", self._answer("page", page_number)) if "page" in self._answers else PipelinePage()

    def iterate_pipelines(self) -> Iterator[Pipeline]:
        return iter(self._answer("list"))


_UNSCRIPTED = object()


def context_of(
    client: FakeClient | GoldRushClient,
    clock: FakeClock | None = None,
    redact: Callable[[str], str] = str,
    **options: Any,
) -> OperationContext:
    """A job that speaks to `client`, waits by a clock of its own, and takes one key for all pipelines."""
    options.setdefault("policies", Policies(failed_grace_seconds=20.0, stabilization_seconds=5.0))
    options.setdefault("claims", Claims())
    options.setdefault("journal", CreateJournal(None))
    options.setdefault("inventory", Inventory(cast("GoldRushClient", client)))
    return OperationContext(
        name="base-swaps",
        client=cast("GoldRushClient", client),
        clock=clock or FakeClock(),
        redact=redact,
        fingerprint_of=lambda pipeline_id: f"fingerprint of {pipeline_id}",
        now=lambda: "2026-01-01T00:00:00.000Z",
        **options,
    )

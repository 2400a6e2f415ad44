"""A client of the API by script, for sequences of phases and responses that a server cannot be made to give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from goldrush_pulumi.api import (
    DestinationHealth,
    Pipeline,
    PipelineLogs,
    PipelineNotFound,
    PipelinePage,
    PipelineStatus,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class ScriptedClient:
    """A client whose responses are scripted: each call is recorded and gets its next response; the last one stays.

    A response is a value, an exception to raise, or None for 404. For what takes more than phases that follow one
    another, the tests use the emulator.
    """

    seconds_left = None
    """Nothing bounds the operation."""

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

    def list_pipelines(self, page_number: int = 1, page_size: int | None = None) -> PipelinePage:
        """One page of the list; no test but those about lists needs to script it."""
        del page_size
        return cast("PipelinePage", self._answer("page", page_number)) if "page" in self._answers else PipelinePage()

    def iterate_pipelines(self) -> Iterator[Pipeline]:
        return iter(self._answer("list"))


_UNSCRIPTED = object()

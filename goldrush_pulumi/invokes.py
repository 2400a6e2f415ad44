"""Look-ups of existing pipelines. They change nothing, so they also run in previews.

Each has two forms, as in every Pulumi SDK: a plain one, and one that takes and returns outputs.
"""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pulumi

from goldrush_pulumi.client_factory import open_client
from goldrush_pulumi.explicit_provider import Provider
from goldrush_pulumi.pipeline_types import GetPipelineMetricsResult, GetPipelineResult, GetPipelineStatusResult
from goldrush_pulumi.program_settings import stack_settings

if TYPE_CHECKING:
    from goldrush_pulumi.api import GoldRushClient

_ID: Final = "pipeline_id"

Result = TypeVar("Result")


@dataclass(frozen=True)
class GetPipelinesResult:
    """Pipelines that match, in the order of the API."""

    pipelines: list[GetPipelineResult]

    @property
    def ids(self) -> list[str]:
        """The ids of the pipelines."""
        return [pipeline.id for pipeline in self.pipelines]


def get_pipeline(pipeline_id: str, opts: pulumi.InvokeOptions | None = None) -> GetPipelineResult:
    """Return the pipeline with this id. Source: API reference, get-pipeline.

    Raises:
        pulumi.RunError: the id cannot be one, the pipeline does not exist or is hidden from the key, or the API fails.
    """
    return _ask("getPipeline", {_ID: pipeline_id}, _fetch_pipeline, opts)


def get_pipeline_output(
    pipeline_id: pulumi.Input[str], opts: pulumi.InvokeOptions | None = None
) -> pulumi.Output[GetPipelineResult]:
    """Return the pipeline with this id, which may be an output; see `get_pipeline`."""
    return _ask_output("getPipeline", {_ID: pipeline_id}, _fetch_pipeline, opts)


def get_pipelines(
    project: str | None = None,
    topic: str | None = None,
    name: str | None = None,
    status: str | None = None,
    opts: pulumi.InvokeOptions | None = None,
) -> GetPipelinesResult:
    """Return all pipelines of the account, or those with the given values. Source: API reference, list-pipelines.

    Raises:
        pulumi.RunError: a value is not a string, or the API fails.
    """
    wanted = {"project": project, "topic": topic, "name": name, "status": status}
    return _ask("getPipelines", wanted, _fetch_pipelines, opts)


def get_pipelines_output(
    project: pulumi.Input[str] | None = None,
    topic: pulumi.Input[str] | None = None,
    name: pulumi.Input[str] | None = None,
    status: pulumi.Input[str] | None = None,
    opts: pulumi.InvokeOptions | None = None,
) -> pulumi.Output[GetPipelinesResult]:
    """Return pipelines by values that may be outputs; see `get_pipelines`."""
    wanted = {"project": project, "topic": topic, "name": name, "status": status}
    return _ask_output("getPipelines", wanted, _fetch_pipelines, opts)


def get_pipeline_status(pipeline_id: str, opts: pulumi.InvokeOptions | None = None) -> GetPipelineStatusResult:
    """Return the phase and the replicas of a pipeline's worker. Source: API reference, get-pipeline-status.

    Raises:
        pulumi.RunError: the id cannot be one, the pipeline does not exist or is hidden from the key, or the API fails.
    """
    return _ask("getPipelineStatus", {_ID: pipeline_id}, _fetch_status, opts)


def get_pipeline_status_output(
    pipeline_id: pulumi.Input[str], opts: pulumi.InvokeOptions | None = None
) -> pulumi.Output[GetPipelineStatusResult]:
    """Return the status of the pipeline with this id, which may be an output; see `get_pipeline_status`."""
    return _ask_output("getPipelineStatus", {_ID: pipeline_id}, _fetch_status, opts)


def get_pipeline_metrics(pipeline_id: str, opts: pulumi.InvokeOptions | None = None) -> GetPipelineMetricsResult:
    """Return throughput and lag of a pipeline. Source: API reference, get-pipeline-metrics.

    Raises:
        pulumi.RunError: the id cannot be one, the pipeline does not exist or is hidden from the key, or the API fails.
    """
    return _ask("getPipelineMetrics", {_ID: pipeline_id}, _fetch_metrics, opts)


def get_pipeline_metrics_output(
    pipeline_id: pulumi.Input[str], opts: pulumi.InvokeOptions | None = None
) -> pulumi.Output[GetPipelineMetricsResult]:
    """Return the metrics of the pipeline with this id, which may be an output; see `get_pipeline_metrics`."""
    return _ask_output("getPipelineMetrics", {_ID: pipeline_id}, _fetch_metrics, opts)


Fetch = Callable[["GoldRushClient", Mapping[str, Any]], Result]


def _ask(token: str, arguments: Mapping[str, Any], fetch: Fetch[Result], opts: pulumi.InvokeOptions | None) -> Result:
    """Ask at once, with the stack's own account: an explicit provider's key is known only later."""
    if _provider(opts) is not None:
        raise pulumi.RunError(f"call {token}: with opts.provider use the form that ends in _output")
    _require_usable(token, arguments)
    mocked = _mocked(token, arguments, fetch)
    return mocked if mocked is not None else _fetch(fetch, arguments, stack_settings())


def _ask_output(
    token: str, arguments: Mapping[str, Any], fetch: Fetch[Result], opts: pulumi.InvokeOptions | None
) -> pulumi.Output[Result]:
    """Ask when everything is known, on a thread of its own, so that the program goes on meanwhile."""
    provider = _provider(opts)
    # A result is not secret only because the key that found it is.
    settings: Any = (
        pulumi.Output.unsecret(pulumi.Output.from_input(provider.settings)) if provider else stack_settings()
    )
    known = pulumi.Output.all(arguments=dict(arguments), settings=settings)

    async def ask(values: dict[str, Any]) -> Result:
        _require_usable(token, values["arguments"])
        mocked = _mocked(token, values["arguments"], fetch)
        if mocked is not None:
            return mocked
        return await asyncio.to_thread(_fetch, fetch, values["arguments"], values["settings"])

    return known.apply(ask)


def _require_usable(token: str, arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that the API could only misunderstand: an empty id would name the list.

    Raises:
        pulumi.RunError: the id is missing or empty, or an argument is not a string.
    """
    from goldrush_pulumi.operations.lookups import argument_problem  # noqa: PLC0415 - only look-ups need it

    problem = argument_problem(arguments, _ID)
    if problem:
        raise pulumi.RunError(f"call {token}: {problem}")


def _fetch(fetch: Fetch[Result], arguments: Mapping[str, Any], settings: Mapping[str, str]) -> Result:
    from goldrush_pulumi.api import GoldRushError  # noqa: PLC0415 - only programs that look things up pay for it

    try:
        return fetch(_client(frozenset(settings.items())), arguments)
    except GoldRushError as error:
        raise pulumi.RunError(str(error)) from None


@functools.lru_cache(maxsize=8)
def _client(settings: frozenset[tuple[str, str]]) -> GoldRushClient:
    from goldrush_pulumi.settings import SettingsError, load_settings  # noqa: PLC0415 - as above

    values = dict(settings)
    try:
        return open_client(load_settings(values.get, os.environ, values))
    except SettingsError as error:
        raise pulumi.RunError(str(error)) from None


def _provider(opts: pulumi.InvokeOptions | None) -> Provider | None:
    provider = opts.provider if opts is not None else None
    return provider if isinstance(provider, Provider) else None


def _mocked(token: str, arguments: Mapping[str, Any], fetch: Fetch[Result]) -> Result | None:
    """Return the result that `pulumi.runtime.set_mocks` has in place of the API; None outside of tests."""
    mocks = getattr(pulumi.runtime.settings.get_monitor(), "mocks", None)
    if mocks is None:
        return None
    result = mocks.call(pulumi.runtime.MockCallArgs(f"goldrush:index:{token}", dict(arguments), ""))
    values = result[0] if isinstance(result, tuple) else result
    return _RESULTS[fetch](values)  # type: ignore[no-any-return]


def _fetch_pipeline(client: GoldRushClient, arguments: Mapping[str, Any]) -> GetPipelineResult:
    from goldrush_pulumi.operations.lookups import describe_pipeline  # noqa: PLC0415 - only look-ups need it

    return GetPipelineResult(**describe_pipeline(client.get_pipeline(arguments[_ID])))


def _fetch_pipelines(client: GoldRushClient, arguments: Mapping[str, Any]) -> GetPipelinesResult:
    from goldrush_pulumi.operations.lookups import find_pipelines  # noqa: PLC0415 - only look-ups need it

    return _several({"pipelines": find_pipelines(client, arguments)})


def _fetch_status(client: GoldRushClient, arguments: Mapping[str, Any]) -> GetPipelineStatusResult:
    return GetPipelineStatusResult(**client.get_pipeline_status(arguments[_ID]).model_dump())


def _fetch_metrics(client: GoldRushClient, arguments: Mapping[str, Any]) -> GetPipelineMetricsResult:
    return GetPipelineMetricsResult(**client.get_pipeline_metrics(arguments[_ID]).model_dump())


def _several(values: Mapping[str, Any]) -> GetPipelinesResult:
    return GetPipelinesResult([GetPipelineResult(**item) for item in values["pipelines"]])


_RESULTS: dict[Any, Callable[[Mapping[str, Any]], Any]] = {
    _fetch_pipeline: lambda values: GetPipelineResult(**values),
    _fetch_pipelines: _several,
    _fetch_status: lambda values: GetPipelineStatusResult(**values),
    _fetch_metrics: lambda values: GetPipelineMetricsResult(**values),
}

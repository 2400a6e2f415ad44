"""Look-ups: pipelines that exist, as a program reads them. They change nothing and work in previews too.

Each comes in two forms, as in every Pulumi SDK: a plain one, and one that takes and gives outputs.
"""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import pulumi

from goldrush_pulumi.explicit_provider import Provider
from goldrush_pulumi.pipeline_types import GetPipelineMetricsResult, GetPipelineResult, GetPipelineStatusResult

if TYPE_CHECKING:
    from goldrush_pulumi.api import GoldRushClient, Pipeline

Result = TypeVar("Result")


@dataclass(frozen=True)
class GetPipelinesResult:
    """The pipelines that match, in the order of the API."""

    pipelines: list[GetPipelineResult]

    @property
    def ids(self) -> list[str]:
        """The ids of the pipelines."""
        return [pipeline.id for pipeline in self.pipelines]


def get_pipeline(pipeline_id: str, opts: pulumi.InvokeOptions | None = None) -> GetPipelineResult:
    """Look a pipeline up by its id. Source: API reference, get-pipeline.

    Raises:
        pulumi.RunError: it does not exist, is not visible to the key, or the API cannot be asked.
    """
    return _ask("getPipeline", {"pipeline_id": pipeline_id}, _fetch_pipeline, opts)


def get_pipeline_output(
    pipeline_id: pulumi.Input[str], opts: pulumi.InvokeOptions | None = None
) -> pulumi.Output[GetPipelineResult]:
    """`get_pipeline` for an id that may be an output."""
    return _ask_output("getPipeline", {"pipeline_id": pipeline_id}, _fetch_pipeline, opts)


def get_pipelines(
    project: str | None = None,
    topic: str | None = None,
    name: str | None = None,
    status: str | None = None,
    opts: pulumi.InvokeOptions | None = None,
) -> GetPipelinesResult:
    """All pipelines of the account, or those that have the given values. Source: API reference, list-pipelines.

    Raises:
        pulumi.RunError: the API cannot be asked.
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
    """`get_pipelines` for values that may be outputs."""
    wanted = {"project": project, "topic": topic, "name": name, "status": status}
    return _ask_output("getPipelines", wanted, _fetch_pipelines, opts)


def get_pipeline_status(pipeline_id: str, opts: pulumi.InvokeOptions | None = None) -> GetPipelineStatusResult:
    """What a pipeline's worker does now. Source: API reference, get-pipeline-status.

    Raises:
        pulumi.RunError: it does not exist, is not visible to the key, or the API cannot be asked.
    """
    return _ask("getPipelineStatus", {"pipeline_id": pipeline_id}, _fetch_status, opts)


def get_pipeline_status_output(
    pipeline_id: pulumi.Input[str], opts: pulumi.InvokeOptions | None = None
) -> pulumi.Output[GetPipelineStatusResult]:
    """`get_pipeline_status` for an id that may be an output."""
    return _ask_output("getPipelineStatus", {"pipeline_id": pipeline_id}, _fetch_status, opts)


def get_pipeline_metrics(pipeline_id: str, opts: pulumi.InvokeOptions | None = None) -> GetPipelineMetricsResult:
    """Throughput and lag of a pipeline now. Source: API reference, get-pipeline-metrics.

    Raises:
        pulumi.RunError: it does not exist, is not visible to the key, or the API cannot be asked.
    """
    return _ask("getPipelineMetrics", {"pipeline_id": pipeline_id}, _fetch_metrics, opts)


def get_pipeline_metrics_output(
    pipeline_id: pulumi.Input[str], opts: pulumi.InvokeOptions | None = None
) -> pulumi.Output[GetPipelineMetricsResult]:
    """`get_pipeline_metrics` for an id that may be an output."""
    return _ask_output("getPipelineMetrics", {"pipeline_id": pipeline_id}, _fetch_metrics, opts)


Fetch = Callable[["GoldRushClient", Mapping[str, Any]], Result]


def _ask(token: str, arguments: Mapping[str, Any], fetch: Fetch[Result], opts: pulumi.InvokeOptions | None) -> Result:
    """Ask at once, with the stack's own account: an explicit provider's key is known only later."""
    if _provider(opts) is not None:
        raise pulumi.RunError(f"look up {token}: with opts.provider use the form that ends in _output")
    mocked = _mocked(token, arguments, fetch)
    return mocked if mocked is not None else _fetch(fetch, arguments, _stack_config())


def _ask_output(
    token: str, arguments: Mapping[str, Any], fetch: Fetch[Result], opts: pulumi.InvokeOptions | None
) -> pulumi.Output[Result]:
    """Ask when everything is known, on a thread of its own, for the program must go on meanwhile."""
    provider = _provider(opts)
    # What is found with a secret key is no secret for that.
    settings: Any = pulumi.Output.unsecret(pulumi.Output.from_input(provider.settings)) if provider else _stack_config()
    known = pulumi.Output.all(arguments=dict(arguments), settings=settings)

    async def answer(values: dict[str, Any]) -> Result:
        mocked = _mocked(token, values["arguments"], fetch)
        if mocked is not None:
            return mocked
        return await asyncio.to_thread(_fetch, fetch, values["arguments"], values["settings"])

    return known.apply(answer)


def _fetch(fetch: Fetch[Result], arguments: Mapping[str, Any], settings: Mapping[str, str]) -> Result:
    from goldrush_pulumi.api import GoldRushError  # noqa: PLC0415 - only programs that look things up pay for it

    try:
        return fetch(_client(frozenset(settings.items())), arguments)
    except GoldRushError as error:
        raise pulumi.RunError(str(error)) from None


@functools.lru_cache(maxsize=8)
def _client(settings: frozenset[tuple[str, str]]) -> GoldRushClient:
    from goldrush_pulumi.api import GoldRushClient, RateLimiter  # noqa: PLC0415 - as above
    from goldrush_pulumi.settings import SettingsError, load_settings  # noqa: PLC0415 - as above

    try:
        loaded = load_settings(dict(settings).get, os.environ)
    except SettingsError as error:
        raise pulumi.RunError(str(error)) from None
    return GoldRushClient(
        service_key=loaded.service_key,
        base_url=loaded.base_url,
        key_source=loaded.key_source,
        rate_limiter=RateLimiter(loaded.requests_per_second),
    )


def _stack_config() -> dict[str, str]:
    config = pulumi.Config("goldrush")
    values = {f"goldrush:{key}": config.get(key) for key in ("serviceKey", "baseUrl", "requestsPerSecond")}
    return {key: value for key, value in values.items() if value is not None}


def _provider(opts: pulumi.InvokeOptions | None) -> Provider | None:
    provider = opts.provider if opts is not None else None
    return provider if isinstance(provider, Provider) else None


def _mocked(token: str, arguments: Mapping[str, Any], fetch: Fetch[Result]) -> Result | None:
    """What `pulumi.runtime.set_mocks` answers in place of the API; None outside of tests."""
    mocks = getattr(pulumi.runtime.settings.get_monitor(), "mocks", None)
    if mocks is None:
        return None
    answer = mocks.call(pulumi.runtime.MockCallArgs(f"goldrush:index:{token}", dict(arguments), ""))
    values = answer[0] if isinstance(answer, tuple) else answer
    return _RESULTS[fetch](values)  # type: ignore[no-any-return]


def _fetch_pipeline(client: GoldRushClient, arguments: Mapping[str, Any]) -> GetPipelineResult:
    return _result(client.get_pipeline(arguments["pipeline_id"]))


def _fetch_pipelines(client: GoldRushClient, arguments: Mapping[str, Any]) -> GetPipelinesResult:
    wanted = {name: value for name, value in arguments.items() if value is not None}
    found = (_result(pipeline) for pipeline in client.iterate_pipelines())
    return GetPipelinesResult([item for item in found if all(getattr(item, name) == wanted[name] for name in wanted)])


def _fetch_status(client: GoldRushClient, arguments: Mapping[str, Any]) -> GetPipelineStatusResult:
    return GetPipelineStatusResult(**client.get_pipeline_status(arguments["pipeline_id"]).model_dump())


def _fetch_metrics(client: GoldRushClient, arguments: Mapping[str, Any]) -> GetPipelineMetricsResult:
    return GetPipelineMetricsResult(**client.get_pipeline_metrics(arguments["pipeline_id"]).model_dump())


def _result(pipeline: Pipeline) -> GetPipelineResult:
    from goldrush_pulumi.operations.identity import without_tag  # noqa: PLC0415 - as above
    from goldrush_pulumi.operations.redaction import masked_config  # noqa: PLC0415 - as above

    fields = {name: getattr(pipeline, name) for name in GetPipelineResult.__dataclass_fields__}
    fields["description"] = without_tag(pipeline.description)
    fields["destination_config"] = masked_config(pipeline.destination_type, pipeline.destination_config)
    return GetPipelineResult(**fields)


def _several(values: Mapping[str, Any]) -> GetPipelinesResult:
    return GetPipelinesResult([GetPipelineResult(**item) for item in values["pipelines"]])


_RESULTS: dict[Any, Callable[[Mapping[str, Any]], Any]] = {
    _fetch_pipeline: lambda values: GetPipelineResult(**values),
    _fetch_pipelines: _several,
    _fetch_status: lambda values: GetPipelineStatusResult(**values),
    _fetch_metrics: lambda values: GetPipelineMetricsResult(**values),
}

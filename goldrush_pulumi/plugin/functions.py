"""The functions of the package: pipelines that exist, as a program reads them. They change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.operations.errors import UserError
from goldrush_pulumi.operations.lookups import FILTERS, describe_pipeline, find_pipelines
from goldrush_pulumi.plugin.values import decode, encode, shown_properties
from goldrush_pulumi.schema.wire import unwrap_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from google.protobuf import struct_pb2

    from goldrush_pulumi.api import GoldRushClient
    from goldrush_pulumi.session import Session

_PREFIX: Final = "goldrush:index:"


def call_function(session: Session, token: str, arguments: struct_pb2.Struct) -> struct_pb2.Struct:
    """Call the function `token` of the package.

    Raises:
        UserError: there is no such function, an argument is missing, or the API cannot be asked.
    """
    name = token.removeprefix(_PREFIX)
    if name not in _FUNCTIONS:
        raise UserError(f"call {token}: goldrush has no such function, use {', '.join(_FUNCTIONS)}")
    given: dict[str, Any] = unwrap_secrets(decode(arguments))
    from goldrush_pulumi.api import GoldRushError  # noqa: PLC0415 - loads the network stack

    try:
        return encode(_FUNCTIONS[name](session.client, given))
    except GoldRushError as error:
        raise UserError(str(error)) from None


def _get_pipeline(client: GoldRushClient, given: Mapping[str, Any]) -> dict[str, Any]:
    return shown_properties(describe_pipeline(client.get_pipeline(_pipeline_id("getPipeline", given))))


def _get_pipelines(client: GoldRushClient, given: Mapping[str, Any]) -> dict[str, Any]:
    found = find_pipelines(client, {name: given.get(name) for name in FILTERS})
    return {"pipelines": [shown_properties(item) for item in found]}


def _get_pipeline_status(client: GoldRushClient, given: Mapping[str, Any]) -> dict[str, Any]:
    status = client.get_pipeline_status(_pipeline_id("getPipelineStatus", given))
    return shown_properties(status.model_dump())


def _get_pipeline_metrics(client: GoldRushClient, given: Mapping[str, Any]) -> dict[str, Any]:
    metrics = client.get_pipeline_metrics(_pipeline_id("getPipelineMetrics", given))
    return shown_properties(metrics.model_dump())


def _pipeline_id(function: str, given: Mapping[str, Any]) -> str:
    pipeline_id = given.get("pipelineId")
    if not isinstance(pipeline_id, str) or not pipeline_id:
        raise UserError(f"call {function}: pipelineId is missing, give the id of a pipeline")
    return pipeline_id


_FUNCTIONS: Final[Mapping[str, Callable[[GoldRushClient, Mapping[str, Any]], dict[str, Any]]]] = {
    "getPipeline": _get_pipeline,
    "getPipelines": _get_pipelines,
    "getPipelineStatus": _get_pipeline_status,
    "getPipelineMetrics": _get_pipeline_metrics,
}

"""The functions of the package: pipelines that exist, as a program reads them. They change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.operations.errors import UserError
from goldrush_pulumi.operations.lookups import FILTERS, argument_problem, describe_pipeline, find_pipelines
from goldrush_pulumi.plugin.values import decode, encode, shown_properties
from goldrush_pulumi.schema.pipeline import whole_numbers
from goldrush_pulumi.schema.wire import unwrap_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from google.protobuf import struct_pb2

    from goldrush_pulumi.api import GoldRushClient
    from goldrush_pulumi.session import Session

_PREFIX: Final = "goldrush:index:"

_ID: Final = "pipelineId"


def call_function(session: Session, token: str, arguments: struct_pb2.Struct) -> struct_pb2.Struct:
    """Call the function `token` of the package.

    Raises:
        UserError: there is no such function, an argument is missing or no string, or the API cannot be asked.
    """
    name = token.removeprefix(_PREFIX)
    if name not in _FUNCTIONS:
        raise UserError(f"call {token}: goldrush has no such function, use {', '.join(_FUNCTIONS)}")
    given: dict[str, Any] = whole_numbers(unwrap_secrets(decode(arguments)))
    wanted = {argument: given.get(argument) for argument in (FILTERS if name == "getPipelines" else (_ID,))}
    problem = argument_problem(wanted, _ID)
    if problem:
        raise UserError(f"call {name}: {problem}")
    from goldrush_pulumi.api import GoldRushError  # noqa: PLC0415 - loads the network stack

    try:
        return encode(_FUNCTIONS[name](session.client, wanted))
    except GoldRushError as error:
        raise UserError(str(error)) from None


def _get_pipeline(client: GoldRushClient, wanted: Mapping[str, Any]) -> dict[str, Any]:
    return shown_properties(describe_pipeline(client.get_pipeline(wanted[_ID])))


def _get_pipelines(client: GoldRushClient, wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {"pipelines": [shown_properties(item) for item in find_pipelines(client, wanted)]}


def _get_pipeline_status(client: GoldRushClient, wanted: Mapping[str, Any]) -> dict[str, Any]:
    return shown_properties(client.get_pipeline_status(wanted[_ID]).model_dump())


def _get_pipeline_metrics(client: GoldRushClient, wanted: Mapping[str, Any]) -> dict[str, Any]:
    return shown_properties(client.get_pipeline_metrics(wanted[_ID]).model_dump())


_FUNCTIONS: Final[Mapping[str, Callable[[GoldRushClient, Mapping[str, Any]], dict[str, Any]]]] = {
    "getPipeline": _get_pipeline,
    "getPipelines": _get_pipelines,
    "getPipelineStatus": _get_pipeline_status,
    "getPipelineMetrics": _get_pipeline_metrics,
}

"""The engine's calls, one method each: read the request, call the verb, write the reply.

Method names and arguments are gRPC's. Every call is `answered`, so that whatever goes wrong reaches the user in clear
words; verbs run inside `_run`, which knows the resource and what is secret in it.
"""

from __future__ import annotations

import functools
import importlib.resources
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, TypeVar

from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from goldrush_pulumi import verbs
from goldrush_pulumi.operations.call import CallContext, name_in
from goldrush_pulumi.operations.identity import provider_owner
from goldrush_pulumi.plugin.functions import call_function
from goldrush_pulumi.plugin.names import DESTINATION_CONFIG, DESTINATION_TYPE, in_program_words, program_path
from goldrush_pulumi.plugin.plans import planned_outputs, property_changes
from goldrush_pulumi.plugin.provider_config import config_texts, config_with_secrets, find_config_problems
from goldrush_pulumi.plugin.replies import CallError, answered, failure_of, with_owner
from goldrush_pulumi.plugin.values import read, write
from goldrush_pulumi.schema.destinations import DESTINATIONS, find_field
from goldrush_pulumi.schema.pipeline import canonical, packed_abi, parsed_abi
from goldrush_pulumi.schema.wire import OWNER, PROVIDER, UNCONFIRMED
from goldrush_pulumi.session import Session
from goldrush_pulumi.validation.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import grpc

    from goldrush_pulumi.operations.diff import Difference
    from goldrush_pulumi.plugin.host import Host
    from goldrush_pulumi.plugin.values import PipelineProperties
    from goldrush_pulumi.schema.destinations import DestinationField
    from goldrush_pulumi.validation.problems import Problem

_Result = TypeVar("_Result")

_HIDDEN_CREDENTIAL: Final = (
    "is not known, because GoldRush shows no credentials; add it to the program, and the next `pulumi up` sends it"
)


class PipelineServicer(provider_pb2_grpc.ResourceProviderServicer):
    """Serves the package `goldrush` to one engine."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._session = Session(lambda _key: None, host.cancelled, host.require_engine)
        self._owner: str | None = None

    # --- The plugin ---------------------------------------------------------------------------------------------------

    @answered
    def Handshake(self, request: Any, _context: grpc.ServicerContext) -> Any:  # noqa: N802 - gRPC's name
        """Say what travels: secrets with their marks, nothing else of the engine's special values."""
        if request.engine_address:
            self._host.attach(request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    @answered
    def Attach(self, request: Any, _context: grpc.ServicerContext) -> Any:  # noqa: N802 - gRPC's name
        """Take the address of an engine that did not start this process."""
        self._host.attach(request.address)
        return empty_pb2.Empty()

    @answered
    def GetPluginInfo(self, _request: Any, _context: grpc.ServicerContext) -> Any:  # noqa: N802 - gRPC's name
        """Return the version of the package."""
        return plugin_pb2.PluginInfo(version=version("goldrush-pulumi"))

    @answered
    def GetSchema(self, _request: Any, _context: grpc.ServicerContext) -> Any:  # noqa: N802 - gRPC's name
        """Return the schema of the package."""
        return provider_pb2.GetSchemaResponse(schema=schema_text())

    @answered
    def GetMapping(self, _request: Any, _context: grpc.ServicerContext) -> Any:  # noqa: N802 - gRPC's name
        """Return nothing: no other tool's provider maps to this one."""
        return provider_pb2.GetMappingResponse()

    @answered
    def Cancel(self, _request: Any, _context: grpc.ServicerContext) -> Any:  # noqa: N802 - gRPC's name
        """End every wait: the user pressed Ctrl-C."""
        self._host.cancelled.set()
        return empty_pb2.Empty()

    def note_delivered(self) -> None:
        """Note that the engine has every reply."""
        self._session.note_delivered()

    # --- The provider -------------------------------------------------------------------------------------------------

    @answered
    def CheckConfig(self, request: Any, _context: grpc.ServicerContext) -> Any:  # noqa: N802 - gRPC's name
        """Find settings that cannot be used. A missing key is left to the first verb that needs it."""
        reply = provider_pb2.CheckResponse(inputs=config_with_secrets(request.news))
        for problem in find_config_problems(request.news, _project_in(request.urn)):
            reply.failures.add(reason=problem)
        return reply

    @answered
    def DiffConfig(self, request: Any, _context: grpc.ServicerContext) -> Any:  # noqa: N802 - gRPC's name
        """Compare settings. A change never replaces the provider: another key must not replace a pipeline."""
        changed = request.olds != request.news
        kind = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=kind)

    @answered
    def Configure(self, request: Any, _context: grpc.ServicerContext) -> Any:  # noqa: N802 - gRPC's name
        """Take the settings, and the provider's own id as the owner of what it creates."""
        texts = config_texts(request.args)
        self._session = Session(texts.get, self._host.cancelled, self._host.require_engine)
        self._host.while_engine_lives = self._session.note_saved
        self._owner = None if texts.get("goldrush:ownershipMark", "").lower() == "false" else provider_owner(request.id)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    @answered
    def Invoke(self, request: Any, _context: grpc.ServicerContext) -> Any:  # noqa: N802 - gRPC's name
        """Call a function of the package."""
        found = self._run(f"call {request.tok}", lambda: call_function(self._session, request.tok, request.args))
        reply = provider_pb2.InvokeResponse()
        getattr(reply, "return").CopyFrom(found)
        return reply

    # --- Pipelines ----------------------------------------------------------------------------------------------------

    @answered
    def Check(self, request: Any, _context: grpc.ServicerContext) -> Any:  # noqa: N802 - gRPC's name
        """Validate inputs. Problems carry no property name, for the engine would print that property's value."""
        olds, news = read(request.olds), read(request.news)
        if "abi_file" in news.values:
            news.values["abi_file"] = packed_abi(parsed_abi(news.values["abi_file"]))
        call = self._call(request, {}, news)
        checked = self._run(
            f"check pipeline {call.name}", lambda: verbs.check(self._session, call, olds.values, news.values)
        )
        problems = []
        for problem in checked.errors:
            if _is_hidden_credential(problem, news.values, olds.values):
                call.warn_once(f"{problem.path}: {_HIDDEN_CREDENTIAL}")
            else:
                problems.append(problem)
        inputs = with_owner(checked.inputs, self._owner and (olds.values.get(OWNER) or self._owner))
        reply = provider_pb2.CheckResponse(inputs=write(inputs, news.marks))
        for problem in [*([news.problem] if news.problem else []), *problems]:
            reply.failures.add(reason=_in_words(problem, news.values))
        return reply

    @answered
    def Diff(self, request: Any, _context: grpc.ServicerContext) -> Any:  # noqa: N802 - gRPC's name
        """Compare what is recorded with checked inputs, property by property."""
        olds, news, recorded = read(request.olds), read(request.news), read(request.old_inputs)
        call = self._call(request, recorded.values, news)
        self._session.note_stack(self._owner, call.urn)
        difference = self._run(
            f"diff pipeline {call.name}",
            lambda: verbs.diff(self._session, call, request.id, olds.values, news.values),
            news,
        )
        if difference:
            return _detailed(difference, olds, news, recorded)
        # State of the dynamic provider has other names: an update that sends nothing rewrites it. What was sent without
        # a sign that GoldRush took it is sent again.
        is_stale = PROVIDER in olds.values or bool(olds.values.get(UNCONFIRMED))
        kind = provider_pb2.DiffResponse.DIFF_SOME if is_stale else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=kind, diffs=["runs"] if is_stale else [])

    @answered
    def Create(self, request: Any, _context: grpc.ServicerContext) -> Any:  # noqa: N802 - gRPC's name
        """Create a pipeline, or say in a preview what it will be."""
        news = read(request.properties)
        if request.preview:
            return provider_pb2.CreateResponse(properties=self._planned(news))
        owner = self._recorded_owner(news)
        call = self._call(request, {}, news)
        self._session.note_stack(self._owner, call.urn)
        done = self._run(
            f"create pipeline {call.name}",
            lambda: verbs.create(self._session, call, news.values, owner),
            news,
            owner=owner,
        )
        return provider_pb2.CreateResponse(id=done.id, properties=write(with_owner(done.outputs, owner), news.marks))

    @answered
    def Update(self, request: Any, _context: grpc.ServicerContext) -> Any:  # noqa: N802 - gRPC's name
        """Bring a pipeline to new inputs, or say in a preview what it will be."""
        olds, news, recorded = read(request.olds), read(request.news), read(request.old_inputs)
        if request.preview:
            return provider_pb2.UpdateResponse(properties=self._planned(news, olds))
        owner = self._recorded_owner(news)
        call = self._call(request, recorded.values, news)
        done = self._run(
            f"update pipeline {call.name}",
            lambda: verbs.update(self._session, call, request.id, olds.values, news.values, owner),
            news,
            olds,
            owner=owner,
        )
        return provider_pb2.UpdateResponse(properties=write(with_owner(done.outputs, owner), news.marks))

    @answered
    def Read(self, request: Any, _context: grpc.ServicerContext) -> Any:  # noqa: N802 - gRPC's name
        """Read a pipeline for a refresh, an import or a look-up by id."""
        outputs, recorded = read(request.properties), read(request.inputs)
        owner = recorded.values.get(OWNER) or outputs.values.get(OWNER)
        call = self._call(request, recorded.values, outputs)
        done = self._run(
            f"read pipeline {call.name}",
            lambda: verbs.read(self._session, call, request.id, outputs.values, is_import=True),
            outputs,
            recorded,
            owner=owner,
        )
        if done is None:
            return provider_pb2.ReadResponse()
        marks = (*outputs.marks, *recorded.marks)
        return provider_pb2.ReadResponse(
            id=done.id,
            properties=write(with_owner(done.outputs, owner), marks),
            inputs=write(with_owner(done.inputs or {}, owner), marks),
        )

    @answered
    def Delete(self, request: Any, _context: grpc.ServicerContext) -> Any:  # noqa: N802 - gRPC's name
        """Delete a pipeline."""
        outputs, recorded = read(request.properties), read(request.old_inputs)
        call = self._call(request, recorded.values, outputs)
        self._run(
            f"delete pipeline {call.name}",
            lambda: verbs.delete(self._session, call, request.id, outputs.values),
            outputs,
            recorded,
        )
        return empty_pb2.Empty()

    # --- What they share ----------------------------------------------------------------------------------------------

    def _call(self, request: Any, recorded: Mapping[str, Any], properties: PipelineProperties) -> CallContext:
        """Return what the engine said about a call, with texts for people in the names that programs see."""
        kind = properties.values.get(DESTINATION_TYPE)
        log = functools.partial(self._host.log, urn=request.urn)
        return CallContext(
            urn=request.urn,
            name=name_in(request.urn),
            recorded_inputs=recorded,
            timeout_seconds=getattr(request, "timeout", 0.0) or None,
            status=lambda text: log("INFO", text, ephemeral=True),
            warn=lambda text: log("WARNING", in_program_words(text, kind)),
            warn_once=lambda text: self._host.warn_once(in_program_words(text, kind), request.urn),
        )

    def _run(
        self,
        subject: str,
        work: Callable[[], _Result],
        *properties: PipelineProperties,
        owner: str | None = None,
    ) -> _Result:
        """Return what `work` returns.

        Raises:
            CallError: `work` raised something; the failure says it in the words that programs use.
        """
        try:
            return work()
        except BaseException as error:  # noqa: BLE001 - `answered` ends the call
            kind = properties[0].values.get(DESTINATION_TYPE) if properties else None
            marks = tuple(path for item in properties for path in item.marks)
            raise CallError(failure_of(error, subject, kind, marks, owner)) from None

    def _planned(self, news: PipelineProperties, olds: PipelineProperties | None = None) -> Any:
        outputs = planned_outputs(news.values, olds.values if olds else None)
        return write(with_owner(verbs.with_secrets_marked(outputs), self._recorded_owner(news)), news.marks)

    def _recorded_owner(self, properties: PipelineProperties) -> str | None:
        """Return the owner that a pipeline is recorded with: a new version of an SDK is another provider resource."""
        return self._owner and (properties.values.get(OWNER) or self._owner)


@functools.cache
def schema_text() -> str:
    """Return the schema of the package as JSON."""
    return (importlib.resources.files("goldrush_pulumi.plugin") / "schema.json").read_text("utf-8")


def _project_in(urn: str) -> str:
    """Return the project of a URN, "urn:pulumi:stack::project::..."; empty where there is no URN."""
    return next(iter(urn.split("::")[1:2]), "")


def _in_words(problem: Problem, inputs: Mapping[str, Any]) -> str:
    return in_program_words(str(problem), inputs.get(DESTINATION_TYPE))


def _is_hidden_credential(problem: Problem, news: Mapping[str, Any], olds: Mapping[str, Any]) -> bool:
    """Return whether a credential is missing that was never known: GoldRush shows an import none.

    As soon as the destination changes the credential is needed, because it is sent as a whole.
    """
    if problem.rule is not Rule.MISSING or not problem.path.startswith(f"{DESTINATION_CONFIG}."):
        return False
    destination = DESTINATIONS.get(str(news.get(DESTINATION_TYPE)))
    if destination is None or not _is_credential(destination.fields, problem.path.split(".")[1:]):
        return False
    return bool(olds) and all(
        canonical(name, olds.get(name)) == canonical(name, news.get(name))
        for name in (DESTINATION_TYPE, DESTINATION_CONFIG)
    )


def _is_credential(fields: tuple[DestinationField, ...], path: list[str]) -> bool:
    row = find_field(fields, path[0])
    if row is None or len(path) == 1:
        return row is not None and row.holds_secrets
    return _is_credential(row.fields, path[1:])


def _detailed(
    difference: Difference, olds: PipelineProperties, news: PipelineProperties, recorded: PipelineProperties
) -> Any:
    reply = provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME, deleteBeforeReplace=True, hasDetailedDiff=True
    )
    kind = news.values.get(DESTINATION_TYPE)
    reply.replaces.extend(program_path((name,), kind)[0] for name in difference.replaces)
    for change in property_changes(olds.values, news.values, recorded.values):
        value = provider_pb2.PropertyDiff.Kind.Value(change.kind)
        reply.detailedDiff[change.text].CopyFrom(provider_pb2.PropertyDiff(kind=value, inputDiff=change.is_input))
        if change.path[0] not in reply.diffs:
            reply.diffs.append(change.path[0])
    return reply

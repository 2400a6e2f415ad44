"""The front-end for Python programs: the six verbs as the host of dynamic providers calls them.

`goldrush_pulumi.provider.make_provider` is written into the state of every stack that holds a pipeline. Neither this
module nor that function may ever be renamed or moved.
"""

from __future__ import annotations

import functools
from typing import Any

import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)

from goldrush_pulumi import engine, verbs
from goldrush_pulumi.operations.call import CallContext
from goldrush_pulumi.operations.diff import compare
from goldrush_pulumi.plugin.destination import api_properties
from goldrush_pulumi.plugin.names import DESTINATION
from goldrush_pulumi.schema.wire import OWNER, UNCONFIRMED
from goldrush_pulumi.session import Session, share_session
from goldrush_pulumi.settings import parallel_setting


def make_provider() -> PipelineProvider:
    """Return the provider, as state remembers it: by this function's name alone."""
    return PipelineProvider()


class PipelineProvider(ResourceProvider):
    """Creates, reads, compares, updates and deletes GoldRush pipelines.

    An instance is pickled into every resource, so it pickles to a call of `make_provider` and holds nothing. In the
    provider process one instance serves all threads.
    """

    # The pickled provider is the name of a function: encrypting it would only hide that.
    serialize_as_secret_always = False

    def __init__(self) -> None:
        super().__init__()
        self._session = Session(lambda _key: None, engine.cancelled, engine.require_engine)

    def __reduce__(self) -> tuple[Any, ...]:
        return make_provider, ()

    def configure(self, req: ConfigureRequest) -> None:
        """Called once per process, before the first verb, under a lock of the host: no I/O, no refusal."""
        # The SDK shows single values only; without the names, a misspelt setting goes unnoticed here.
        keys = getattr(req.config, "_props", None) or ()
        self._session = share_session(
            req.config.get, engine.cancelled, engine.require_engine, keys, pulumi.get_project()
        )
        engine.install(parallel_setting(req.config.get), self._session.note_saved)

    @engine.verb
    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Called before every diff.

        Problems carry no property name, for the engine would print that property's value beside it.
        """
        news = engine.with_hidden("news", news)
        checked = verbs.check(self._session, _call(), _recorded("olds", olds), news)
        return CheckResult(checked.inputs, [CheckFailure("", str(problem)) for problem in checked.errors])

    @engine.verb
    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Called with the recorded outputs and the checked inputs.

        Changed inputs answer "unknown", so that the engine shows the exact change; only drift answers "yes".
        """
        olds, news, call = engine.with_hidden("olds", olds), engine.with_hidden("news", news), _call()
        self._session.note_stack(news.get(OWNER), call.urn)
        difference = verbs.diff(self._session, call, id_, _by_api_names(olds), news)
        if not difference:
            # State of the plugin has other names: an update that sends nothing rewrites it.
            return DiffResult(changes=DESTINATION in olds or bool(olds.get(UNCONFIRMED)))
        only_drift = bool(call.recorded_inputs) and not compare(call.recorded_inputs, news)
        return DiffResult(
            changes=True if only_drift else None, replaces=list(difference.replaces), delete_before_replace=True
        )

    @engine.verb
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Called for a pipeline that is in no state."""
        props, call = engine.with_hidden("properties", props), _call()
        self._session.note_stack(props.get(OWNER), call.urn)
        reply = verbs.create(self._session, call, props, props.get(OWNER))
        return CreateResult(reply.id, reply.outputs)

    @engine.verb
    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Called for changed inputs, and with unchanged ones to go on with a deployment that did not end well."""
        earlier, news = _recorded("olds", olds), engine.with_hidden("news", news)
        return UpdateResult(verbs.update(self._session, _call(), id_, earlier, news, news.get(OWNER)).outputs)

    @engine.verb
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Called by refresh and by `Pipeline.get`. A pipeline that is not live stays marked as such.

        `Pipeline.get` has no inputs, and its pipeline stays one that was only looked up.
        """
        reply = verbs.read(self._session, _call(), id_, engine.with_hidden("properties", props))
        return ReadResult("", {}) if reply is None else ReadResult(reply.id, reply.outputs, reply.inputs)

    @engine.verb
    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Called to delete. Returns when the server says that the pipeline is gone."""
        verbs.delete(self._session, _call(), id_, engine.with_hidden("properties", props))


def _call() -> CallContext:
    """Return what the engine said about the verb that runs on this thread."""
    request = engine.current_request()
    return CallContext(
        urn=request.urn,
        name=request.resource_name,
        recorded_inputs=_by_api_names(request.inputs),
        timeout_seconds=request.timeout_seconds,
        is_unknown=engine.is_unknown,
        status=engine.status,
        warn=engine.warn,
        warn_once=functools.partial(engine.warn_once, about=request.urn),
    )


def _recorded(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    """Return the recorded properties in the message's field `name`, whole and by the API's names."""
    return _by_api_names(engine.with_hidden(name, properties))


def _by_api_names(properties: dict[str, Any]) -> dict[str, Any]:
    """Return recorded properties by the API's names: a program may move back from the plugin, which has others."""
    return api_properties(properties) if DESTINATION in properties else properties

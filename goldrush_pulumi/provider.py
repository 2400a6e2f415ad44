"""The six verbs that Pulumi calls on a pipeline, each a few steps that are done elsewhere.

`goldrush_pulumi.provider.make_provider` is written into the state of every stack that holds a pipeline. Neither this
module nor that function may ever be renamed or moved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

from goldrush_pulumi import engine
from goldrush_pulumi.operations.diff import compare
from goldrush_pulumi.operations.identity import recorded_owners
from goldrush_pulumi.operations.redaction import secret_leaf_paths
from goldrush_pulumi.operations.spec import PipelineSpec, with_defaults
from goldrush_pulumi.schema.pipeline import INPUTS, REPLACING, whole_numbers
from goldrush_pulumi.schema.wire import HIDDEN_INPUTS, OWNER, PROVIDER, SIBLINGS, UNCONFIRMED
from goldrush_pulumi.session import Session, share_session
from goldrush_pulumi.settings import parallel_setting
from goldrush_pulumi.validation.inputs import find_problems

if TYPE_CHECKING:
    from collections.abc import Mapping

    from goldrush_pulumi.operations.context import OperationContext, OperationFailed, Progress


def make_provider() -> PipelineProvider:
    """The provider, as state remembers it: by this function's name alone."""
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
        self._session = Session(lambda _key: None)

    def __reduce__(self) -> tuple[Any, ...]:
        return make_provider, ()

    def configure(self, req: ConfigureRequest) -> None:
        """Called once per process, before the first verb, under a lock of the host: no I/O, no refusal."""
        # The SDK shows single values only; without the names, a misspelt setting goes unnoticed here.
        keys = getattr(req.config, "_props", None) or ()
        self._session = share_session(req.config.get, keys, pulumi.get_project())
        engine.install(parallel_setting(req.config.get), self._session.note_saved)

    @engine.verb
    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Called before every diff: all problems at once, defaults filled in, credentials marked as secrets.

        Offline. Problems carry no property name, for the engine would print that property's value beside it. What
        stands in the recorded inputs too was read when it was new; it loads no parser and is not warned of again.
        """
        given = {key: value for key, value in news.items() if key != PROVIDER}
        request = engine.current_request()
        self._session.claims.declare(request.urn)
        inputs = with_defaults(given, request.resource_name)
        if SIBLINGS in olds:
            # Only create reads them; a pipeline that is added to the program is no change of this one.
            inputs[SIBLINGS] = olds[SIBLINGS]
        elif olds:
            inputs.pop(SIBLINGS, None)
        problems = find_problems(inputs, engine.is_unknown, olds)
        if any(olds.get(name) != value for name, value in inputs.items()):
            for problem in problems:
                if not problem.is_error:
                    engine.warn_once(str(problem), about=request.urn)
        return CheckResult(
            with_secrets_marked(inputs), [CheckFailure("", str(problem)) for problem in problems if problem.is_error]
        )

    @engine.verb
    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Called with the recorded outputs and the checked inputs. Offline.

        Changed inputs answer "unknown", so that the engine shows the exact change; only drift answers "yes".
        """
        difference = compare(olds, news)
        replaces = list(difference.replaces)
        self._session.journal.note_recorded(id_)
        # A refresh asks for a diff too, of resources that the program may not declare any more: no check came before.
        is_declared = self._session.claims.is_declared(engine.current_request().urn)
        if is_declared:
            self._claim(id_, news, is_replaced=bool(replaces))
        else:
            self._session.claims.see(id_)
        if not difference:
            return DiffResult(changes=bool(olds.get(UNCONFIRMED)))
        if replaces and is_declared:
            _require_replaceable(replaces, news)
        recorded = engine.current_request().inputs
        only_drift = bool(recorded) and not compare(recorded, news)
        return DiffResult(changes=True if only_drift else None, replaces=replaces, delete_before_replace=True)

    @engine.verb
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Called for a pipeline that is in no state. Returns when its phase is what `status` and `wait_for` ask for."""
        from goldrush_pulumi.operations.context import OperationFailed  # noqa: PLC0415 - loads the network stack
        from goldrush_pulumi.operations.create import create_or_adopt  # noqa: PLC0415

        spec = PipelineSpec(_inputs(props))
        with self._session.context(spec.inputs, owner=props.get(OWNER)) as context:
            try:
                done = create_or_adopt(context, spec)
            except OperationFailed as failure:
                raise _init_failed(context, spec, failure, {}) from None
            return CreateResult(done.pipeline_id, _outputs(context, spec, done, {}))

    @engine.verb
    def update(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Called for changed inputs, and with unchanged ones to go on with a deployment that did not end well."""
        from goldrush_pulumi.operations.context import OperationFailed  # noqa: PLC0415 - loads the network stack
        from goldrush_pulumi.operations.update import update  # noqa: PLC0415

        self._session.journal.note_recorded(id_)
        spec = PipelineSpec(_inputs(news))
        owners = recorded_owners(olds, engine.current_request().inputs)
        with self._session.context(spec.inputs, olds, owner=news.get(OWNER), owners=owners) as context:
            try:
                done = update(context, id_, olds, spec)
            except OperationFailed as failure:
                raise _init_failed(context, spec, failure, olds) from None
            return UpdateResult(_outputs(context, spec, done, olds))

    @engine.verb
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Called by refresh and by `Pipeline.get`. A pipeline that is not live stays marked as such.

        `Pipeline.get` has no inputs: it claims nothing, and nothing is expected of what it finds.
        """
        from goldrush_pulumi.operations.outputs import outputs_of_reading  # noqa: PLC0415 - loaded when needed
        from goldrush_pulumi.operations.read import read  # noqa: PLC0415

        request = engine.current_request()
        # Where the SDK hides the request, the outputs stand in for the inputs that they echo.
        recorded = _inputs(request.inputs if request.urn else props)
        inputs = recorded if "project" in recorded else {}
        owners = recorded_owners(props, request.inputs)
        with self._session.context(inputs, props, owners=owners) as context:
            if inputs:
                context.claims.see(id_)
                self._session.journal.note_recorded(id_)
            reading = read(context, id_, inputs, props)
            if reading is None:
                return ReadResult("", {})
            outputs = outputs_of_reading(
                reading.inputs,
                reading.pipeline,
                reading.status,
                context.fingerprint_of(id_),
                props,
                owners=owners,
                unconfirmed=reading.unconfirmed,
            )
        # Without inputs, the pipeline stays one that was only looked up: nobody has asked for anything.
        observed = with_secrets_marked(reading.inputs) if inputs else {}
        if reading.diagnosis:
            raise engine.InitFailed(id_, with_secrets_marked(outputs), [reading.diagnosis], observed)
        return ReadResult(id_, with_secrets_marked(outputs), observed)

    @engine.verb
    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Called to delete. Returns when the server says that the pipeline is gone."""
        from goldrush_pulumi.operations.delete import delete  # noqa: PLC0415 - loads the network stack

        self._session.journal.note_recorded(id_)
        owners = recorded_owners(props, engine.current_request().inputs)
        with self._session.context(props, owners=owners) as context:
            delete(context, id_, props)

    def _claim(self, pipeline_id: str, news: Mapping[str, Any], *, is_replaced: bool) -> None:
        """Note which declared resource has the pipeline, or what will be created in its place.

        Raises:
            engine.UserError: another declared resource has it.
        """
        claims = self._session.claims
        if is_replaced:
            claims.see(pipeline_id)
            if not engine.contains_unknown(news):
                claims.plan_replacement(pipeline_id, _inputs(news))
            return
        other = claims.hold(pipeline_id, engine.current_request().urn)
        if other is not None:
            raise engine.UserError(
                f"{pipeline_id} is recorded by two resources, this one and {other}; remove one of the records with"
                " `pulumi state delete <URN>`, which leaves the pipeline alone, and give no adopt_id twice"
            )


def with_secrets_marked(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return `properties` with every credential marked as secret: each reply with properties passes here.

    The engine knows only the marks of the program; a credential that was passed in plain text, or that the server
    showed unmasked, would otherwise be stored in clear.
    """
    result = dict(properties)
    for path in secret_leaf_paths(properties):
        _mark_secret(result, ("destination_config", *path))
    return result


def _mark_secret(container: dict[str, Any], path: tuple[str, ...]) -> None:
    """Replace the leaf at `path` by its marked form, copying every container on the way."""
    *parents, last = path
    for key in parents:
        if engine.secret(container[key]) is container[key]:
            return
        container[key] = dict(container[key])
        container = container[key]
    if not engine.is_unknown(container[last]):
        container[last] = engine.secret(container[last])


def _inputs(properties: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs among some properties, hidden ones too, with whole numbers restored."""
    names = (*INPUTS, *HIDDEN_INPUTS)
    return {name: whole_numbers(properties[name]) for name in names if properties.get(name) is not None}


def _require_replaceable(replaces: list[str], news: Mapping[str, Any]) -> None:
    """Refuse a replacement that would delete a pipeline and then try to adopt it; warn of any other.

    A value that is not known yet may turn out to be the old one, so it is warned of and not refused.
    """
    named = ", ".join(replaces)
    is_certain = not all(engine.contains_unknown(news.get(name)) for name in replaces)
    if is_certain and news.get("adopt_id"):
        msg = (
            f"adopt_id: a change of {named} replaces the pipeline, and the one to adopt would be deleted first;"
            " remove adopt_id from the program first"
        )
        raise engine.UserError(msg)
    engine.warn(
        f"a change of {named} replaces the pipeline: the old one is deleted before the new one is created, data already"
        " written stays; to keep it, run `pulumi state protect"
        f" '{engine.current_request().urn}'` and set protect=True in its options, for the engine asks for both"
    )


def _outputs(
    context: OperationContext,
    spec: PipelineSpec,
    done: Progress,
    earlier: Mapping[str, Any],
    failure: OperationFailed | None = None,
) -> dict[str, Any]:
    """The outputs of a pipeline that was changed.

    Raises:
        engine.InitFailed: they could not be put together. The pipeline exists, so what names it is recorded anyway.
    """
    try:
        from goldrush_pulumi.operations.outputs import outputs_of  # noqa: PLC0415 - loaded when needed

        fingerprint = context.fingerprint_of(done.pipeline_id)
        return with_secrets_marked(
            outputs_of(
                spec,
                done,
                fingerprint,
                earlier,
                owners=context.owners,
                unapplied=failure.unapplied if failure else (),
                unconfirmed=failure.unconfirmed if failure else (),
            )
        )
    except BaseException as error:  # noqa: BLE001 - a plain error would make the engine forget a pipeline that exists
        fixed = {name: spec.inputs.get(name) for name in REPLACING}
        reason = (
            f"{context.subject(done.pipeline_id)} is recorded without its details: internal error"
            f" {type(error).__name__}, please report it; `pulumi up` sends all of it again"
        )
        raise engine.InitFailed(done.pipeline_id, fixed, [*([failure.reason] if failure else []), reason]) from None


def _init_failed(
    context: OperationContext, spec: PipelineSpec, failure: OperationFailed, earlier: Mapping[str, Any]
) -> engine.InitFailed:
    done = failure.progress
    return engine.InitFailed(done.pipeline_id, _outputs(context, spec, done, earlier, failure), [failure.reason])

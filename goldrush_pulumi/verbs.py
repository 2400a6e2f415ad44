"""The verbs of a pipeline over plain values, free of Pulumi's classes: every front-end calls them.

A front-end reads the engine's request, hands over plain properties (secrets in clear) and a `CallContext`, and turns
what comes back into its own reply. Properties that are returned have their credentials marked as secrets, in the wire
protocol's own form. `UserError` and `InitFailed` are the only errors raised on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.operations.diff import Difference, compare
from goldrush_pulumi.operations.errors import InitFailed, UserError
from goldrush_pulumi.operations.identity import recorded_owners
from goldrush_pulumi.operations.redaction import secret_leaf_paths
from goldrush_pulumi.operations.spec import PipelineSpec, with_defaults
from goldrush_pulumi.schema.pipeline import INPUTS, REPLACING, whole_numbers
from goldrush_pulumi.schema.wire import HIDDEN_INPUTS, KEY_FINGERPRINT, PROVIDER, SIBLINGS, is_secret, secret
from goldrush_pulumi.validation.inputs import find_problems

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from goldrush_pulumi.operations.call import CallContext
    from goldrush_pulumi.operations.context import OperationContext, OperationFailed, Progress
    from goldrush_pulumi.operations.read import Reading
    from goldrush_pulumi.session import Session
    from goldrush_pulumi.validation.problems import Problem

Properties = dict[str, Any]


@dataclass(frozen=True)
class Checked:
    """What check returns: the inputs with defaults filled in, and the problems that refuse them."""

    inputs: Properties
    errors: tuple[Problem, ...]


@dataclass(frozen=True)
class Reply:
    """A pipeline as a verb left it. `inputs` are what read found them to be; other verbs return none."""

    id: str
    outputs: Properties
    inputs: Properties | None = None


def check(session: Session, call: CallContext, olds: Mapping[str, Any], news: Mapping[str, Any]) -> Checked:
    """Validate the inputs `news`: find all problems at once, fill in defaults, mark credentials as secrets. Offline.

    What is recorded in `olds` too was read when it was new: it loads no parser, and its warnings are not repeated.
    """
    session.claims.declare(call.urn)
    given = {key: value for key, value in news.items() if key != PROVIDER}
    inputs = with_defaults(given, call.name)
    if SIBLINGS in olds:
        # Only create reads them; a pipeline that is added to the program is no change of this one.
        inputs[SIBLINGS] = olds[SIBLINGS]
    elif olds:
        inputs.pop(SIBLINGS, None)
    problems = find_problems(inputs, call.is_unknown, olds)
    if any(olds.get(name) != value for name, value in inputs.items()):
        for problem in problems:
            if not problem.is_error:
                call.warn_once(str(problem))
    errors = tuple(problem for problem in problems if problem.is_error)
    return Checked(with_secrets_marked(inputs, call.is_unknown), errors)


def diff(
    session: Session, call: CallContext, pipeline_id: str, olds: Mapping[str, Any], news: Mapping[str, Any]
) -> Difference:
    """Compare the recorded outputs `olds` with the checked inputs `news`. Offline.

    Raises:
        UserError: another resource has the pipeline, or the change would delete the pipeline that it wants to adopt.
    """
    difference = compare(olds, news)
    session.journal.note_recorded(pipeline_id)
    # A refresh asks for a diff too, of resources that the program may not declare any more: no check came before.
    is_declared = session.claims.is_declared(call.urn)
    if is_declared:
        _claim(session, call, pipeline_id, news, is_replaced=bool(difference.replaces))
    else:
        session.claims.see(pipeline_id)
    if difference.replaces and is_declared:
        _require_replaceable(call, difference.replaces, news)
    return difference


def create(session: Session, call: CallContext, properties: Mapping[str, Any], owner: str | None) -> Reply:
    """Create a pipeline that is in no state, or adopt one; return when it is what `status` and `wait_for` ask for.

    `owner` is the id that pipelines of the stack are tagged with, None where they carry no tag.

    Raises:
        UserError: nothing was created.
        InitFailed: the pipeline exists, but is not live.
    """
    from goldrush_pulumi.operations.context import OperationFailed  # noqa: PLC0415 - loads the network stack
    from goldrush_pulumi.operations.create import create_or_adopt  # noqa: PLC0415 - as above

    spec = PipelineSpec(known_inputs(properties))
    with session.context(call, spec.inputs, owner=owner) as context:
        try:
            done = create_or_adopt(context, spec)
        except OperationFailed as failure:
            _note_take_over(session, call, failure.progress)
            raise _init_failed(context, spec, failure, {}) from None
        _note_take_over(session, call, done)
        return Reply(done.pipeline_id, _outputs(context, spec, done, {}))


def update(
    session: Session,
    call: CallContext,
    pipeline_id: str,
    olds: Mapping[str, Any],
    news: Mapping[str, Any],
    owner: str | None,
) -> Reply:
    """Bring a pipeline to what `news` ask for; unchanged inputs resume a deployment that did not end well.

    Raises:
        UserError: nothing was changed.
        InitFailed: the pipeline was changed, but is not live.
    """
    from goldrush_pulumi.operations.context import OperationFailed  # noqa: PLC0415 - loads the network stack
    from goldrush_pulumi.operations.update import update  # noqa: PLC0415 - as above

    session.journal.note_recorded(pipeline_id)
    spec = PipelineSpec(known_inputs(news))
    owners = recorded_owners(olds, call.recorded_inputs)
    with session.context(call, spec.inputs, olds, owner=owner, owners=owners) as context:
        try:
            done = update(context, pipeline_id, olds, spec)
        except OperationFailed as failure:
            raise _init_failed(context, spec, failure, olds) from None
        return Reply(pipeline_id, _outputs(context, spec, done, olds))


def read(
    session: Session, call: CallContext, pipeline_id: str, properties: Mapping[str, Any], *, is_import: bool = False
) -> Reply | None:
    """Read a pipeline for a refresh, an import or a look-up by id; None when it is proven to be gone.

    An import and a look-up have no inputs: they claim nothing, and nothing is expected of what they find. Only an
    import gets inputs in return; `is_import` says that this call may be one.

    Raises:
        UserError: it cannot be read, or a 404 cannot be believed.
        InitFailed: it is not live, and so stays marked.
    """
    from goldrush_pulumi.operations.outputs import outputs_of_reading  # noqa: PLC0415 - loaded when needed

    # Where the front-end does not see the request, the outputs stand in for the inputs that they echo.
    recorded = known_inputs(call.recorded_inputs if call.urn else properties)
    inputs = recorded if "project" in recorded else {}
    owners = recorded_owners(properties, call.recorded_inputs)
    with session.context(call, inputs, properties, owners=owners) as context:
        if inputs:
            context.claims.see(pipeline_id)
            session.journal.note_recorded(pipeline_id)
        reading = _look(context, pipeline_id, inputs, properties)
        if reading is None:
            return None
        outputs = with_secrets_marked(
            outputs_of_reading(
                reading.inputs,
                reading.pipeline,
                reading.status,
                context.fingerprint_of(pipeline_id),
                properties,
                owners=owners,
                unconfirmed=reading.unconfirmed,
            )
        )
    marked = with_secrets_marked(reading.inputs) if inputs or is_import else {}
    if reading.diagnosis:
        raise InitFailed(pipeline_id, outputs, [reading.diagnosis], marked)
    return Reply(pipeline_id, outputs, marked)


def _look(
    context: OperationContext, pipeline_id: str, inputs: Mapping[str, Any], properties: Mapping[str, Any]
) -> Reading | None:
    """Read a pipeline; where nothing is recorded of it, a 404 speaks of the id that was given."""
    from goldrush_pulumi.operations.context import AbsenceUnproven  # noqa: PLC0415 - loads the network stack
    from goldrush_pulumi.operations.read import read  # noqa: PLC0415 - as above

    try:
        return read(context, pipeline_id, inputs, properties)
    except AbsenceUnproven:
        if properties.get(KEY_FINGERPRINT) or inputs:
            raise
        msg = (
            f"read pipeline {context.name}: {pipeline_id} does not exist or is hidden from this ServiceKey;"
            " check the id, the key and goldrush:baseUrl"
        )
        raise UserError(msg) from None


def delete(session: Session, call: CallContext, pipeline_id: str, properties: Mapping[str, Any]) -> None:
    """Delete a pipeline; return when the server says that it is gone.

    A pipeline that a create of the same resource took over in this run stays: the engine deletes it as the one that
    was replaced, when `pulumi up --replace` creates before it deletes.

    Raises:
        UserError: it was refused, or the pipeline was still there when time was up.
    """
    from goldrush_pulumi.operations.delete import delete  # noqa: PLC0415 - loads the network stack

    if (pipeline_id, call.urn) in session.taken_over:
        call.warn(
            f"{pipeline_id} was taken over by its own replacement, so it stays; to make a new pipeline, set the"
            " resource option deleteBeforeReplace"
        )
        return
    session.journal.note_recorded(pipeline_id)
    owners = recorded_owners(properties, call.recorded_inputs)
    with session.context(call, properties, owners=owners) as context:
        delete(context, pipeline_id, properties)


def known_inputs(properties: Mapping[str, Any]) -> Properties:
    """Return the inputs among some properties, hidden ones too, with whole numbers restored."""
    names = (*INPUTS, *HIDDEN_INPUTS)
    return {name: whole_numbers(properties[name]) for name in names if properties.get(name) is not None}


def with_secrets_marked(
    properties: Mapping[str, Any], is_unknown: Callable[[object], bool] = lambda _value: False
) -> Properties:
    """Return `properties` with every credential marked as secret: whatever goes into a reply passes here.

    The engine knows only the marks of the program; a credential that was passed in plain text, or that the server
    showed unmasked, would otherwise be stored in clear.
    """
    result = dict(properties)
    for path in secret_leaf_paths(properties):
        _mark_secret(result, ("destination_config", *path), is_unknown)
    return result


def _mark_secret(container: Properties, path: tuple[str, ...], is_unknown: Callable[[object], bool]) -> None:
    """Replace the leaf at `path` by its marked form, copying every container on the way."""
    *parents, last = path
    for key in parents:
        if is_secret(container[key]):
            return
        container[key] = dict(container[key])
        container = container[key]
    if not is_unknown(container[last]):
        container[last] = secret(container[last])


def _claim(
    session: Session, call: CallContext, pipeline_id: str, news: Mapping[str, Any], *, is_replaced: bool
) -> None:
    """Note which declared resource has the pipeline, or what will be created in its place.

    Raises:
        UserError: another declared resource has it.
    """
    if is_replaced:
        session.claims.see(pipeline_id)
        if call.is_known(news):
            session.claims.plan_replacement(pipeline_id, known_inputs(news))
        return
    other = session.claims.hold(pipeline_id, call.urn)
    if other is not None:
        raise UserError(
            f"{pipeline_id} is recorded by two resources, this one and {other}; remove one of the records with"
            " `pulumi state delete <URN>`, which leaves the pipeline alone, and give no adopt_id twice"
        )


def _note_take_over(session: Session, call: CallContext, done: Progress) -> None:
    if done.run.action == "adopt":
        session.taken_over.add((done.pipeline_id, call.urn))


def _require_replaceable(call: CallContext, replaces: tuple[str, ...], news: Mapping[str, Any]) -> None:
    """Refuse a replacement that would delete a pipeline and then try to adopt it; warn of any other.

    A value that is not known yet may turn out to be the old one, so it is warned of and not refused.
    """
    named = ", ".join(replaces)
    is_certain = any(call.is_known(news.get(name)) for name in replaces)
    if is_certain and news.get("adopt_id"):
        msg = (
            f"adopt_id: a change of {named} replaces the pipeline, and the one to adopt would be deleted first;"
            " remove adopt_id from the program first"
        )
        raise UserError(msg)
    call.warn(
        f"a change of {named} replaces the pipeline: the old one is deleted before the new one is created, data already"
        f" written stays; to keep it, run `pulumi state protect '{call.urn}'` and set protect=True in its options, for"
        " the engine asks for both"
    )


def _outputs(
    context: OperationContext,
    spec: PipelineSpec,
    done: Progress,
    earlier: Mapping[str, Any],
    failure: OperationFailed | None = None,
) -> Properties:
    """Return the outputs of a pipeline that was changed.

    Raises:
        InitFailed: they could not be put together. The pipeline exists, so what names it is recorded anyway.
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
        raise InitFailed(done.pipeline_id, fixed, [*([failure.reason] if failure else []), reason]) from None


def _init_failed(
    context: OperationContext, spec: PipelineSpec, failure: OperationFailed, earlier: Mapping[str, Any]
) -> InitFailed:
    done = failure.progress
    return InitFailed(done.pipeline_id, _outputs(context, spec, done, earlier, failure), [failure.reason])

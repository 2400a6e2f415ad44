"""Which pipelines a command is about: by name, by filter, or because they failed."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from goldrush_pulumi.api import GoldRushError, Pipeline, PipelineNotFound, PipelineStatus
from goldrush_pulumi.cli.context import CommandContext, run_all
from goldrush_pulumi.cli.errors import CommandFailed, ExitCode, is_fatal
from goldrush_pulumi.cli.json_models import ManagedBy
from goldrush_pulumi.cli.output import safe
from goldrush_pulumi.cli.stacks import Managed, Stack
from goldrush_pulumi.operations.identity import OwnershipTag
from goldrush_pulumi.operations.known_stacks import KnownStacks
from goldrush_pulumi.operations.wait import goal_of
from goldrush_pulumi.schema.phases import Phase
from goldrush_pulumi.validation.problems import suggest

_ID_PREFIX: Final = "pipe_"

_MOST_LISTED: Final = 5


@dataclass(frozen=True)
class Target:
    """A pipeline that a command is about. `managed` is set if the selected stack manages it."""

    pipeline: Pipeline
    managed: Managed | None = None
    stack_name: str | None = None

    @classmethod
    def of(cls, pipeline: Pipeline, stack: Stack | None) -> Target:
        """Return the target for a pipeline, with what the selected stack records about it."""
        managed = stack.by_id(pipeline.id) if stack else None
        return cls(pipeline, managed, stack.name if stack and managed else None)

    @property
    def name(self) -> str:
        """The name of its resource, or else its own; its id if it has neither."""
        return safe(self.managed.resource if self.managed else self.pipeline.name) or safe(self.pipeline.id)

    @property
    def label(self) -> str:
        """The pipeline as messages name it: its name with its id."""
        identifier = safe(self.pipeline.id)
        return identifier if self.name == identifier else f"{self.name} ({identifier})"

    @functools.cached_property
    def managed_by(self) -> ManagedBy | None:
        """The stack and resource that manage it, some unknown stack by its ownership tag, or None."""
        if self.managed is not None:
            return ManagedBy(stack=self.stack_name, resource=self.managed.resource)
        if OwnershipTag.found_in(self.pipeline.description) is None:
            return None
        return ManagedBy(likely_stack=KnownStacks.of_user().find(self.pipeline.description) or None)

    @property
    def is_bounded(self) -> bool:
        """Whether the pipeline ends by itself."""
        return self.pipeline.execution_mode == "bounded"

    def is_as_desired(self, status: PipelineStatus) -> bool:
        """Return whether the observed phase is the goal of the desired status, with every replica ready."""
        return goal_of(self.pipeline.status, is_bounded=self.is_bounded).is_live(status)

    def reference(self) -> dict[str, Any]:
        """Return the fields that every JSON object about a pipeline begins with."""
        return {"id": self.pipeline.id, "name": self.pipeline.name, "managed_by": self.managed_by}


@dataclass(frozen=True)
class Filters:
    """What pipelines must match. Globs are case-sensitive; None matches anything."""

    project: str | None = None
    topic: str | None = None
    name: str | None = None
    status: str | None = None
    phase: str | None = None

    @classmethod
    def of_options(cls, project: str | None, topic: str | None, name: str | None, *, all_failed: bool) -> Filters:
        """Return the filters of a command that takes several pipelines."""
        return cls(project, topic, name, phase=Phase.FAILED if all_failed else None)

    @property
    def are_set(self) -> bool:
        """Whether any filter was given."""
        return any(value is not None for value in vars(self).values())

    def match(self, pipeline: Pipeline) -> bool:
        """Return whether the configuration of a pipeline matches. The phase is not part of it."""
        globs = ((pipeline.project, self.project), (pipeline.topic, self.topic), (pipeline.name, self.name))
        return self.status in {None, pipeline.status} and all(
            glob is None or fnmatchcase(text, glob) for text, glob in globs
        )

    def __str__(self) -> str:
        """Return the filters as they were typed."""
        return " ".join(f"--{option} {value!r}" for option, value in vars(self).items() if value is not None)


def find_target(context: CommandContext, name: str) -> Target:
    """Return the one pipeline that `name` means, with its whole configuration.

    With a stack, its resources come first; then ids; then names, which have to be unique in the account.

    Raises:
        CommandFailed: No pipeline has that name, or several have it.
    """
    (target,) = _named_targets(context, [name])
    return target


def find_targets(context: CommandContext, names: Sequence[str] | None, filters: Filters) -> list[Target]:
    """Return the pipelines that names and filters select; with both, the named ones that match.

    Raises:
        CommandFailed: Nothing was selected, a name is unknown or ambiguous, or nothing matches.
    """
    if not names and not filters.are_set:
        text = "select pipelines: none was named, give names, --project, --topic, --name or --all-failed"
        raise CommandFailed(text, ExitCode.USAGE)
    if names:
        targets = [target for target in _named_targets(context, names) if filters.match(target.pipeline)]
    else:
        targets = [Target.of(item, context.stack) for item in context.client.iterate_pipelines() if filters.match(item)]
    if filters.phase:
        statuses = statuses_of(context, [target.pipeline for target in targets])
        targets = [target for target in targets if _phase(statuses, target) == filters.phase]
    require_match(filters, targets)
    return targets


def with_configuration(context: CommandContext, target: Target) -> Target:
    """Return a target that can be compared with its stack: items of a brief list are read again, as a whole.

    Raises:
        GoldRushError: The pipeline cannot be read.
    """
    if target.managed is None or target.pipeline.model_fields_set >= {"destination_config", "transforms"}:
        return target
    return Target.of(context.client.get_pipeline(target.pipeline.id), context.stack)


def require_match(filters: Filters, found: Sequence[object]) -> None:
    """Return only if something was found.

    Raises:
        CommandFailed: Nothing matches the filters.
    """
    if found:
        return
    if filters == Filters(phase=Phase.FAILED):
        raise CommandFailed("find pipelines: none is FAILED", ExitCode.NOT_FOUND)
    raise CommandFailed(
        f"find pipelines: none matches {safe(str(filters))}, `goldrush-pulumi list` shows all", ExitCode.NOT_FOUND
    )


def statuses_of(
    context: CommandContext, pipelines: Sequence[Pipeline], *, lenient: bool = False
) -> dict[str, PipelineStatus]:
    """Return the statuses of some pipelines by id, without those that do not exist any more.

    `lenient` also leaves out a pipeline that GoldRush fails to report.
    """

    def request(pipeline: Pipeline) -> PipelineStatus | None:
        try:
            return status_of(context, pipeline.id)
        except GoldRushError as error:
            if is_fatal(error) or not lenient:
                raise
            return None

    statuses = run_all(request, pipelines, context.cancelled)
    return {item.id: status for item, status in zip(pipelines, statuses, strict=True) if status}


def status_of(context: CommandContext, pipeline_id: str) -> PipelineStatus | None:
    """Return the status of a pipeline, None if it does not exist."""
    try:
        return context.client.get_pipeline_status(pipeline_id)
    except PipelineNotFound:
        return None


def _phase(statuses: dict[str, PipelineStatus], target: Target) -> str | None:
    status = statuses.get(target.pipeline.id)
    return status.phase if status else None


def _named_targets(context: CommandContext, names: Iterable[str]) -> list[Target]:
    """Return the pipelines of some names, each once. The account is listed at most once."""
    listed: list[Pipeline] = []
    targets: dict[str, Target] = {}
    for name in names:
        stack = context.stack
        managed = stack.by_resource(name) or stack.by_id(name) if stack else None
        if managed is None and not name.startswith(_ID_PREFIX):
            listed = listed or list(context.client.iterate_pipelines())
            target = Target.of(context.client.get_pipeline(_id_of(context, name, listed)), stack)
        elif managed is None:
            target = Target.of(context.client.get_pipeline(name), stack)
        else:
            target = _managed_target(context, name, managed)
        targets.setdefault(target.pipeline.id, target)
    return list(targets.values())


def _managed_target(context: CommandContext, name: str, managed: Managed) -> Target:
    try:
        return Target.of(context.client.get_pipeline(managed.pipeline_id), context.stack)
    except PipelineNotFound:
        recorded = f"stack {context.stack.name} records {managed.pipeline_id}" if context.stack else "it is recorded"
        reason = f"{recorded}, which is gone or belongs to another account"
        raise CommandFailed(safe(f"find pipeline {name}: {reason}, run `pulumi refresh`"), ExitCode.NOT_FOUND) from None


def _id_of(context: CommandContext, name: str, pipelines: list[Pipeline]) -> str:
    found = [pipeline for pipeline in pipelines if name in {pipeline.name, pipeline.id}]
    if len(found) == 1:
        return found[0].id
    if not found:
        known = [managed.resource for managed in context.stack.pipelines] if context.stack else []
        likely = suggest(name, [*known, *(pipeline.name for pipeline in pipelines)])
        advice = f'did you mean "{likely}"?' if likely else "`goldrush-pulumi list` shows all"
        text = f"find pipeline {name}: no pipeline has that name, {advice}"
        raise CommandFailed(context.shown(text), ExitCode.NOT_FOUND)
    listed = [f"{pipeline.id} (project {pipeline.project})" for pipeline in found[:_MOST_LISTED]]
    more = [f"{len(found) - _MOST_LISTED} more"] if len(found) > _MOST_LISTED else []
    text = f"find pipeline {name}: {len(found)} have that name, use an id: {', '.join([*listed, *more])}"
    raise CommandFailed(context.shown(text), ExitCode.AMBIGUOUS)

"""Which pipeline is meant: by id, by name, or by the name of its resource."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from goldrush_pulumi.api import Pipeline, PipelineNotFound
from goldrush_pulumi.cli.exit_codes import ExitCode
from goldrush_pulumi.cli.failures import CommandFailed
from goldrush_pulumi.cli.terminal import safe
from goldrush_pulumi.deployment.ownership import Mark
from goldrush_pulumi.validation.problems import suggest

if TYPE_CHECKING:
    from goldrush_pulumi.cli.account import Account
    from goldrush_pulumi.cli.stacks import Managed

_ID_PREFIX: Final = "pipe_"
_MOST_LISTED: Final = 5


@dataclass(frozen=True)
class Target:
    """A pipeline that was asked for. `managed` is set when the selected stack manages it."""

    pipeline: Pipeline
    managed: Managed | None = None

    @property
    def label(self) -> str:
        """The pipeline as messages name it."""
        name = safe(self.managed.resource if self.managed else self.pipeline.name)
        return f"{name} ({safe(self.pipeline.id)})" if name else safe(self.pipeline.id)

    @property
    def has_owner(self) -> bool:
        """Whether some stack manages it: the selected one, or the one whose mark it carries."""
        return self.managed is not None or Mark.found_in(self.pipeline.description) is not None


def find_target(account: Account, name: str) -> Target:
    """The one pipeline that `name` means, with its whole configuration.

    With a stack, its resources come first; then ids; then names, which have to be unique in the account.

    Raises:
        CommandFailed: there is none of that name, or several.
    """
    stack = account.stack
    managed = stack.by_resource(name) or stack.by_id(name) if stack else None
    if stack and managed:
        try:
            return Target(account.client.get_pipeline(managed.pipeline_id), managed)
        except PipelineNotFound:
            reason = f"stack {stack.name} records it, but it is gone or another account's; run pulumi refresh"
            text = f"find pipeline {safe(name)}: {safe(managed.pipeline_id)} is not visible: {reason}"
            raise CommandFailed(text, ExitCode.NOT_FOUND) from None
    pipeline_id = name if name.startswith(_ID_PREFIX) else _id_of(account, name)
    pipeline = account.client.get_pipeline(pipeline_id)
    return Target(pipeline, stack.by_id(pipeline.id) if stack else None)


def _id_of(account: Account, name: str) -> str:
    pipelines = list(account.client.iterate_pipelines())
    found = [pipeline for pipeline in pipelines if name in {pipeline.name, pipeline.id}]
    if len(found) == 1:
        return found[0].id
    if not found:
        known = [managed.resource for managed in account.stack.pipelines] if account.stack else []
        raise _unknown(account, name, [*known, *(pipeline.name for pipeline in pipelines)])
    listed = [f"{pipeline.id} (project {pipeline.project})" for pipeline in found[:_MOST_LISTED]]
    more = [f"{len(found) - _MOST_LISTED} more"] if len(found) > _MOST_LISTED else []
    text = f"find pipeline {safe(name)}: {len(found)} have that name, use an id: {', '.join([*listed, *more])}"
    raise CommandFailed(account.shown(text), ExitCode.AMBIGUOUS)


def _unknown(account: Account, name: str, known: list[str]) -> CommandFailed:
    likely = suggest(name, known)
    advice = f'did you mean "{likely}"?' if likely else "goldrush-pulumi list shows those there are"
    return CommandFailed(
        account.shown(f"find pipeline {name}: there is none of that name, {advice}"), ExitCode.NOT_FOUND
    )

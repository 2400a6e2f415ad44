"""The account a command works with: its settings, its client, and what must not be shown."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from goldrush_pulumi.api import GoldRushClient, GoldRushError, Pipeline, PipelineNotFound
from goldrush_pulumi.cli.errors import CommandFailed, ExitCode, explain
from goldrush_pulumi.cli.output import safe
from goldrush_pulumi.cli.stacks import Stack, load_stack
from goldrush_pulumi.client_factory import open_client, policies_of
from goldrush_pulumi.operations.context import Policies
from goldrush_pulumi.operations.identity import OwnershipTag
from goldrush_pulumi.operations.redaction import Redactor
from goldrush_pulumi.settings import KEY_VARIABLE, Settings, load_settings
from goldrush_pulumi.validation.problems import suggest

if TYPE_CHECKING:
    from goldrush_pulumi.cli.stacks import Managed

RETRY_SECONDS: Final = 10.0
"""How long a command goes on asking a service that does not answer."""

_MAX_CONNECTIONS: Final = 16

_WORKERS: Final = 8
"""How many requests are in flight at once; the account's rate bounds them all together."""

Question = TypeVar("Question")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Account:
    """Settings, client and stack of one command. `redact` takes every known secret out of a text."""

    settings: Settings
    client: GoldRushClient
    cancelled: threading.Event
    redact: Callable[[str], str]
    stack: Stack | None = None

    @property
    def policies(self) -> Policies:
        """How long a failure or a goal must last to count, as the settings say."""
        return policies_of(self.settings)

    def shown(self, text: object) -> str:
        """A server's text as it may be shown: on one line, harmless, without secrets."""
        return safe(self.redact(str(text)))


@contextlib.contextmanager
def open_account(
    stack: str | None, folder: Path, *, retry_seconds: float | None = None, share: float = 1.0
) -> Iterator[Account]:
    """The account of the selected stack's config, else of the environment.

    Errors of GoldRush leave the block as one redacted line. `share` is the part of the account's request rate to use.

    Raises:
        CommandFailed: the stack cannot be read, a setting is missing, or GoldRush answered with an error.
    """
    selected = load_stack(stack, folder) if stack else None
    settings = _settings(selected)
    redact = Redactor({settings.service_key, *(selected.secrets if selected else ())})
    cancelled = threading.Event()
    client = open_client(
        settings,
        cancelled=cancelled,
        retry_seconds=RETRY_SECONDS if retry_seconds is None else retry_seconds,
        share=share,
        max_connections=_MAX_CONNECTIONS,
    )
    try:
        yield Account(settings, client, cancelled, redact, selected)
    except GoldRushError as error:
        raise explain(error.redacted(redact)) from None
    finally:
        cancelled.set()
        client.close()


def _settings(stack: Stack | None) -> Settings:
    """The settings from a stack's config and the environment, or from the environment alone.

    Raises:
        CommandFailed: neither a stack nor the environment is there to give a ServiceKey.
        SettingsError: the stack's config lacks the key, or a value is out of range.
    """
    if stack is None and not os.environ.get(KEY_VARIABLE):
        text = f"find ServiceKey: there is none, name the stack whose config has it with --stack, or set {KEY_VARIABLE}"
        raise CommandFailed(text, ExitCode.NO_ACCESS)
    config = stack.config if stack else {}
    return load_settings(config.get, os.environ, config)


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
        return self.managed is not None or OwnershipTag.found_in(self.pipeline.description) is not None


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


def ask_all(
    ask: Callable[[Question], Answer], questions: Sequence[Question], cancelled: threading.Event
) -> Iterator[Answer]:
    """Yield the answers to many questions in their order; a few are asked at a time.

    The first error, Ctrl-C too, sets `cancelled`, so that questions that wait for their turn do not delay the end.
    """
    with ThreadPoolExecutor(_WORKERS) as pool:
        try:
            yield from pool.map(ask, questions)
        except BaseException:
            cancelled.set()
            raise

"""What a command works with: settings, one API client, the selected stack, and what must not be shown."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shlex
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

from goldrush_pulumi.api import GoldRushClient, GoldRushError, PipelinePage
from goldrush_pulumi.cli.errors import CommandFailed, ExitCode, explain
from goldrush_pulumi.cli.output import safe
from goldrush_pulumi.cli.stacks import Stack, load_stack
from goldrush_pulumi.client_factory import open_client
from goldrush_pulumi.operations.redaction import Redactor
from goldrush_pulumi.schema.wire import read_time
from goldrush_pulumi.settings import KEY_VARIABLE, Settings, load_settings
from goldrush_pulumi.validation.projects import find_project

RETRY_SECONDS: Final = 10.0
"""How long a command retries a request while GoldRush does not respond."""

MOST_THREADS: Final = 64
"""How many pipelines are waited for at a time."""

_THREADS: Final = 8
"""How many requests are in flight at a time; the rate limit bounds them all together."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class CommandContext:
    """Settings, client and stack of one command. `redact` takes every known secret out of a text."""

    settings: Settings
    client: GoldRushClient
    cancelled: threading.Event
    redact: Callable[[str], str]
    stack: Stack | None = None

    def with_stack(self, stack: Stack) -> CommandContext:
        """Return the same account with what a stack records now."""
        redact = Redactor({self.settings.service_key, *stack.secrets})
        return dataclasses.replace(self, stack=stack, redact=redact)

    def shown(self, text: object) -> str:
        """Return a server's text as it may be shown: on one line, harmless, without secrets."""
        return safe(self.redact(str(text)))

    def command(self, verb: str, pipeline_id: str) -> str:
        """Return a command about one pipeline that works as it stands."""
        stack = f" --stack {shlex.quote(self.stack.name)}" if self.stack else ""
        return f"goldrush-pulumi {verb} {safe(pipeline_id)}{stack}"


@contextlib.contextmanager
def open_context(
    stack: str | None, folder: Path, *, retry_seconds: float | None = None, rate_share: float = 1.0
) -> Iterator[CommandContext]:
    """Open the account that the selected stack's config names, or else the environment.

    Errors of GoldRush leave the block as one redacted line. `rate_share` is the part of the account's rate limit to
    use.

    Raises:
        CommandFailed: The stack cannot be read, a setting is missing, or GoldRush returned an error.
    """
    selected = load_stack(stack, folder) if stack else None
    settings = _settings(selected, folder)
    redact = Redactor({settings.service_key, *(selected.secrets if selected else ())})
    cancelled = threading.Event()
    client = open_client(
        settings,
        cancelled=cancelled,
        retry_seconds=RETRY_SECONDS if retry_seconds is None else retry_seconds,
        share=rate_share,
        max_connections=MOST_THREADS,
    )
    try:
        yield CommandContext(settings, client, cancelled, redact, selected)
    except GoldRushError as error:
        raise explain(error.redacted(redact)) from None
    finally:
        cancelled.set()
        client.close()


def _settings(stack: Stack | None, folder: Path) -> Settings:
    """Return the settings from a stack's config and the environment, or from the environment alone.

    Raises:
        CommandFailed: Neither a stack nor the environment is there to give a ServiceKey.
        SettingsError: The stack's config lacks the key, or a setting is unknown or wrong.
    """
    if stack is None and not os.environ.get(KEY_VARIABLE):
        text = f"find ServiceKey: none is set, select the stack whose config has it with --stack, or set {KEY_VARIABLE}"
        raise CommandFailed(text, ExitCode.NO_ACCESS)
    config = stack.config if stack else {}
    project = find_project(folder)
    return load_settings(config.get, os.environ, config, project.name if project else "")


def run_all(
    action: Callable[[Item], Result], items: Sequence[Item], cancelled: threading.Event, *, threads: int = _THREADS
) -> Iterator[Result]:
    """Yield the results of `action` for many items in their order; a few run at a time.

    The first error, Ctrl-C too, sets `cancelled`, so that items that wait for their turn do not delay the end.
    """
    with ThreadPoolExecutor(max(min(threads, len(items)), 1)) as pool:
        try:
            yield from pool.map(action, items)
        except BaseException:
            cancelled.set()
            raise


@contextlib.contextmanager
def quiet_interrupt() -> Iterator[None]:
    """Let Ctrl-C end a live view without a message."""
    try:
        yield
    except KeyboardInterrupt:
        raise CommandFailed("", ExitCode.INTERRUPTED) from None


def clock_ahead(page: PipelinePage) -> timedelta | None:
    """Return how far the clock of this machine is ahead of GoldRush's, by a page that came just now; None: unknown."""
    moment = read_time(page.updated_at)
    return datetime.now(UTC) - moment if moment else None

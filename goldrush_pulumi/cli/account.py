"""The account a command works with: its settings, its client, and what must not be shown."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from goldrush_pulumi.api import GoldRushClient, GoldRushError, Pacer
from goldrush_pulumi.cli.exit_codes import ExitCode
from goldrush_pulumi.cli.failures import CommandFailed, explain
from goldrush_pulumi.cli.stacks import Stack, load_stack
from goldrush_pulumi.cli.terminal import safe
from goldrush_pulumi.deployment.secrets import Redactor
from goldrush_pulumi.settings import KEY_VARIABLE, Settings, load_settings

RETRY_SECONDS: Final = 10.0
"""How long a command goes on asking a service that does not answer."""

_MAX_CONNECTIONS: Final = 16


@dataclass(frozen=True)
class Account:
    """Settings, client and stack of one command. `redact` takes every known secret out of a text."""

    settings: Settings
    client: GoldRushClient
    cancelled: threading.Event
    redact: Callable[[str], str]
    stack: Stack | None = None

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
    client = GoldRushClient(
        service_key=settings.service_key,
        base_url=settings.base_url,
        key_source=settings.key_source,
        cancelled=cancelled,
        pacer=Pacer(settings.requests_per_second * share, cancelled=cancelled),
        max_connections=_MAX_CONNECTIONS,
        retry_seconds=RETRY_SECONDS if retry_seconds is None else retry_seconds,
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
    return load_settings((stack.config if stack else {}).get, os.environ)

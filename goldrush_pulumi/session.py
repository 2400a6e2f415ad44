"""What one provider process works with: settings, one client for all threads, and the context of each verb."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.operations.errors import UserError
from goldrush_pulumi.operations.identity import Claims

if TYPE_CHECKING:
    from goldrush_pulumi.api import GoldRushClient
    from goldrush_pulumi.operations.call import CallContext
    from goldrush_pulumi.operations.context import OperationContext
    from goldrush_pulumi.operations.inventory import Inventory
    from goldrush_pulumi.operations.journal import CreateJournal
    from goldrush_pulumi.settings import Settings

Config = Callable[[str], "str | None"]
"""Answers a config value by its full key, such as "goldrush:baseUrl"."""


_shared: list[Session] = []
_shared_lock = threading.Lock()


def share_session(config: Config, cancelled: threading.Event, before_change: Callable[[], None]) -> Session:
    """Return the session of this process, made of what the first caller passes.

    State that two versions of Python wrote holds two pickles of the provider, and the process makes an instance of
    each. With a session each, a delete would not know which pipelines the other instance's resources have.
    """
    with _shared_lock:
        if not _shared:
            _shared.append(Session(config, cancelled, before_change))
        return _shared[0]


class Session:
    """Built once per provider process, and only when a verb first needs the network."""

    def __init__(self, config: Config, cancelled: threading.Event, before_change: Callable[[], None]) -> None:
        """Take what the front-end offers.

        Args:
            config: Returns a config value by its full key.
            cancelled: Set when the user presses Ctrl-C; every wait listens to it.
            before_change: Called right before every request that changes something; raises to stop it.
        """
        self._config = config
        self._cancelled = cancelled
        self._before_change = before_change
        self._lock = threading.Lock()
        self._client: GoldRushClient | None = None
        self._census: Inventory | None = None
        self.claims = Claims()
        """Which pipelines this process has to do with, shared by all its threads."""
        self.taken_over: set[str] = set()
        """Pipelines that a create of this process took over by their tag, shared by all its threads."""

    @functools.cached_property
    def settings(self) -> Settings:
        """The settings of this process.

        Raises:
            UserError: a setting is missing or out of range.
        """
        from goldrush_pulumi.settings import SettingsError, load_settings  # noqa: PLC0415 - see the class

        try:
            return load_settings(self._config, os.environ)
        except SettingsError as error:
            raise UserError(str(error)) from None

    @property
    def client(self) -> GoldRushClient:
        """The one client of this process, shared by all its threads."""
        with self._lock:
            if self._client is None:
                self._client = self._open()
            return self._client

    @property
    def inventory(self) -> Inventory:
        """What was there before this process created anything, shared by all its threads."""
        from goldrush_pulumi.operations.inventory import Inventory  # noqa: PLC0415 - see the class

        client = self.client
        with self._lock:
            if self._census is None:
                self._census = Inventory(client)
            return self._census

    @functools.cached_property
    def journal(self) -> CreateJournal:
        """What this machine has begun to create, in this process and in earlier ones."""
        from goldrush_pulumi.operations.journal import CreateJournal, default_folder  # noqa: PLC0415 - see the class

        journal = CreateJournal(default_folder(os.environ))
        journal.prune()
        return journal

    def _open(self) -> GoldRushClient:
        from goldrush_pulumi.api import GoldRushClient, GoldRushError, RateLimiter  # noqa: PLC0415 - see the class

        settings = self.settings
        try:
            return GoldRushClient(
                service_key=settings.service_key,
                base_url=settings.base_url,
                key_source=settings.key_source,
                cancelled=self._cancelled,
                before_change=self._before_change,
                rate_limiter=RateLimiter(settings.requests_per_second, cancelled=self._cancelled),
                max_connections=settings.parallel,
                retry_seconds=settings.retry_seconds,
            )
        except GoldRushError as error:
            raise UserError(str(error)) from None

    @contextlib.contextmanager
    def context(
        self, call: CallContext, *secret_sources: Mapping[str, Any], owner: str | None = None
    ) -> Iterator[OperationContext]:
        """Yield the context of one call of a verb. Errors of GoldRush that leave the block become one message.

        `secret_sources` are all sets of inputs whose secrets must not be shown. `owner` is the id that
        pipelines of the stack are tagged with, None where they carry no tag.
        """
        from goldrush_pulumi.api import GoldRushError  # noqa: PLC0415 - see the class

        context = self._context(call, secret_sources, owner)
        try:
            yield context
        except GoldRushError as error:
            raise UserError(str(error.redacted(context.redact))) from None

    def _context(
        self, call: CallContext, secret_sources: tuple[Mapping[str, Any], ...], owner: str | None
    ) -> OperationContext:
        from goldrush_pulumi.operations.context import (  # noqa: PLC0415
            DEFAULT_TIMEOUT_SECONDS,
            OperationContext,
            Policies,
            make_fingerprint,
        )
        from goldrush_pulumi.operations.identity import OwnershipTag  # noqa: PLC0415
        from goldrush_pulumi.operations.redaction import Redactor, known_secrets  # noqa: PLC0415
        from goldrush_pulumi.operations.wait import EventClock  # noqa: PLC0415

        settings = self.settings
        redact = Redactor({*known_secrets(*secret_sources), settings.service_key})
        return OperationContext(
            name=call.name or "of this resource",
            client=self.client,
            clock=EventClock(self._cancelled),
            redact=redact,
            fingerprint_of=make_fingerprint(settings.service_key, settings.base_url),
            inventory=self.inventory,
            claims=self.claims,
            journal=self.journal,
            urn=call.urn,
            tag=OwnershipTag.of(owner, call.urn) if owner and call.urn else None,
            status=lambda text: call.status(redact(text)),
            warn=lambda text: call.warn(redact(text)),
            policies=Policies(
                settings.failed_grace_seconds,
                settings.stabilization_seconds,
                settings.on_existing,
                settings.adopt_foreign,
                settings.recovery_seconds,
            ),
            timeout_seconds=call.timeout_seconds or DEFAULT_TIMEOUT_SECONDS,
        )

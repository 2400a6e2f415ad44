"""What one provider process works with: settings, one client for all threads, and the context of each verb."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi import engine
from goldrush_pulumi.client_factory import open_client, policies_of
from goldrush_pulumi.operations.identity import Claims

if TYPE_CHECKING:
    from goldrush_pulumi.api import GoldRushClient
    from goldrush_pulumi.operations.context import OperationContext
    from goldrush_pulumi.operations.inventory import Inventory
    from goldrush_pulumi.operations.journal import CreateJournal
    from goldrush_pulumi.settings import Settings

Config = Callable[[str], "str | None"]
"""Returns a config value by its full key, such as "goldrush:baseUrl"."""

_SAVED_AFTER_SECONDS: Final = 5.0
"""How long after a reply the state that holds it is taken to be saved, while the engine goes on."""

_shared: list[Session] = []
_shared_lock = threading.Lock()


def share_session(config: Config, keys: Iterable[str] = (), project: str = "") -> Session:
    """Return the session of this process; the first caller's config counts.

    `keys` are all keys of that config, and `project` is the name of the project that it belongs to.

    State that two versions of Python wrote holds two pickles of the provider, and the process makes an instance of
    each. With a session each, a delete would not know which pipelines the other instance's resources have.
    """
    with _shared_lock:
        if not _shared:
            _shared.append(Session(config, keys, project))
            # A process that ends in good order was told so by the engine, which has got every reply by then.
            atexit.register(_shared[0].note_delivered)
        return _shared[0]


class Session:
    """Built once per provider process, and only when a verb first needs the network."""

    def __init__(self, config: Config, keys: Iterable[str] = (), project: str = "") -> None:
        self._config = config
        self._keys = tuple(keys)
        self._project = project
        self._lock = threading.Lock()
        self._client: GoldRushClient | None = None
        self._inventory: Inventory | None = None
        self._journal: CreateJournal | None = None
        self.claims = Claims()
        """The pipelines that the resources of this process hold, shared by all its threads."""

    @functools.cached_property
    def settings(self) -> Settings:
        """The settings of this process.

        Raises:
            engine.UserError: a setting is missing, unknown or wrong.
        """
        from goldrush_pulumi.settings import SettingsError, load_settings  # noqa: PLC0415 - see the class

        try:
            return load_settings(self._config, os.environ, self._keys, self._project)
        except SettingsError as error:
            raise engine.UserError(str(error)) from None

    @property
    def client(self) -> GoldRushClient:
        """The one client of this process, shared by all its threads."""
        with self._lock:
            if self._client is None:
                self._client = self._open()
            return self._client

    @property
    def inventory(self) -> Inventory:
        """The pipelines that existed before this process created any, shared by all its threads."""
        from goldrush_pulumi.operations.inventory import Inventory  # noqa: PLC0415 - see the class

        client = self.client
        with self._lock:
            if self._inventory is None:
                self._inventory = Inventory(client)
            return self._inventory

    @property
    def journal(self) -> CreateJournal:
        """The creates that this machine has begun, in this process and in earlier ones."""
        from goldrush_pulumi.operations.journal import CreateJournal, default_folder  # noqa: PLC0415 - see the class

        with self._lock:
            if self._journal is None:
                self._journal = CreateJournal(default_folder(os.environ))
                self._journal.prune()
            return self._journal

    def note_delivered(self) -> None:
        """Note that the engine has got every pipeline that was created."""
        if self._journal is not None:
            self._journal.note_delivered()

    def note_saved(self) -> None:
        """Note that the engine, which is still there, has saved what was returned to it some seconds ago."""
        if self._journal is not None and not engine.saves_state_late():
            self._journal.note_delivered(_SAVED_AFTER_SECONDS)

    def _open(self) -> GoldRushClient:
        from goldrush_pulumi.api import GoldRushError  # noqa: PLC0415 - see the class

        try:
            return open_client(self.settings, cancelled=engine.cancelled, before_change=engine.require_engine)
        except GoldRushError as error:
            raise engine.UserError(str(error)) from None

    @contextlib.contextmanager
    def context(
        self,
        *secret_sources: Mapping[str, Any],
        owner: str | None = None,
        owners: frozenset[str] | None = frozenset(),
    ) -> Iterator[OperationContext]:
        """Make the context of the verb that is running. Errors of GoldRush leave the block as one message for the user.

        `secret_sources` are all sets of inputs with secrets that must not be shown. `owner` is the id of the stack's
        `Owner`, None where pipelines carry no ownership tag; `owners` are those that the record names, None where it
        cannot tell.
        """
        from goldrush_pulumi.api import GoldRushError  # noqa: PLC0415 - see the class

        context = self._context(secret_sources, owner, owners)
        try:
            yield context
        except GoldRushError as error:
            raise engine.UserError(str(error.redacted(context.redact))) from None

    def _context(
        self, secret_sources: tuple[Mapping[str, Any], ...], owner: str | None, owners: frozenset[str] | None
    ) -> OperationContext:
        from goldrush_pulumi.operations.context import (  # noqa: PLC0415
            DEFAULT_TIMEOUT_SECONDS,
            OperationContext,
            make_fingerprint,
        )
        from goldrush_pulumi.operations.identity import OwnershipTag  # noqa: PLC0415
        from goldrush_pulumi.operations.redaction import Redactor, known_secrets  # noqa: PLC0415
        from goldrush_pulumi.operations.wait import EventClock  # noqa: PLC0415

        request, settings = engine.current_request(), self.settings
        redact = Redactor({*known_secrets(*secret_sources), settings.service_key})
        timeout_seconds = request.timeout_seconds or DEFAULT_TIMEOUT_SECONDS
        clock = EventClock(engine.cancelled)
        ends_at = clock.now() + timeout_seconds
        return OperationContext(
            name=request.resource_name or "of this resource",
            # Every call of the verb takes its time out of the verb's.
            client=self.client.within(lambda: ends_at - clock.now()),
            clock=clock,
            redact=redact,
            fingerprint_of=make_fingerprint(settings.service_key, settings.base_url),
            inventory=self.inventory,
            claims=self.claims,
            journal=self.journal,
            urn=request.urn,
            tag=OwnershipTag.of(owner, request.urn) if owner and request.urn else None,
            owners=None if owners is None else owners | ({owner} if owner else set()),
            status=lambda text: engine.status(redact(text)),
            warn=lambda text: engine.warn(redact(text)),
            policies=policies_of(settings),
            timeout_seconds=timeout_seconds,
        )

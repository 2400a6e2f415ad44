"""What one provider process works with: settings, one client for all threads, and the context of each verb."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from goldrush_pulumi.client_factory import open_client, policies_of
from goldrush_pulumi.operations.call import DEFAULT_TIMEOUT_SECONDS, saves_state_late
from goldrush_pulumi.operations.errors import UserError
from goldrush_pulumi.operations.identity import Claims

if TYPE_CHECKING:
    from goldrush_pulumi.api import GoldRushClient
    from goldrush_pulumi.operations.author import Author
    from goldrush_pulumi.operations.call import CallContext
    from goldrush_pulumi.operations.context import OperationContext
    from goldrush_pulumi.operations.inventory import Inventory
    from goldrush_pulumi.operations.journal import CreateJournal
    from goldrush_pulumi.operations.known_stacks import KnownStacks
    from goldrush_pulumi.settings import Settings

Config = Callable[[str], "str | None"]
"""Returns a config value by its full key, such as "goldrush:baseUrl"."""

_SAVED_AFTER_SECONDS: Final = 2.5
"""How long after a reply the state that holds it is taken to be saved, while the engine goes on.

The engine kills a process five seconds after a signal that the process missed: the reply has to be noted before.
"""

_shared: list[Session] = []
_shared_lock = threading.Lock()


def share_session(
    config: Config,
    cancelled: threading.Event,
    before_change: Callable[[], None],
    keys: Iterable[str] = (),
    project: str = "",
) -> Session:
    """Return the session of this process, made of what the first caller passes; see `Session`.

    State that two versions of Python wrote holds two pickles of the provider, and the process makes an instance of
    each. With a session each, a delete would not know which pipelines the other instance's resources have.
    """
    with _shared_lock:
        if not _shared:
            _shared.append(Session(config, cancelled, before_change, keys, project))
            # A process that ends in good order was told so by the engine, which has got every reply by then.
            atexit.register(_shared[0].note_delivered)
        return _shared[0]


class Session:
    """What the resources of a provider process share: settings, claims, journal, and the way to GoldRush.

    Made when the provider is configured. What loads the network stack is imported only when a verb first needs it.
    """

    def __init__(
        self,
        config: Config,
        cancelled: threading.Event,
        before_change: Callable[[], None],
        keys: Iterable[str] = (),
        project: str = "",
    ) -> None:
        """Take what the front-end offers.

        Args:
            config: Returns a config value by its full key.
            cancelled: Set when the user presses Ctrl-C; every wait listens to it.
            before_change: Called right before every request that changes something; raises to stop it.
            keys: All keys of the config, so that unknown settings are found.
            project: The name of the project that the config belongs to.
        """
        self._config = config
        self._cancelled = cancelled
        self._before_change = before_change
        self._keys = tuple(keys)
        self._project = project
        self._lock = threading.Lock()
        self._client: GoldRushClient | None = None
        self._inventory: Inventory | None = None
        self._journal: CreateJournal | None = None
        self.claims = Claims()
        """The pipelines that the resources of this process hold, shared by all its threads."""
        self.taken_over: set[tuple[str, str]] = set()
        """The ids of pipelines that a create of this process took over, with its URN; shared by all threads."""

    @functools.cached_property
    def settings(self) -> Settings:
        """The settings of this process.

        Raises:
            UserError: a setting is missing, unknown or wrong.
        """
        from goldrush_pulumi.settings import SettingsError, load_settings  # noqa: PLC0415 - see the class

        try:
            return load_settings(self._config, os.environ, self._keys, self._project)
        except SettingsError as error:
            raise UserError(str(error)) from None

    @functools.cached_property
    def _author(self) -> Author:
        from goldrush_pulumi.operations.author import find_author  # noqa: PLC0415 - see the class

        return find_author(os.environ)

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

        with self._lock:
            if self._inventory is None:
                self._inventory = Inventory()
            return self._inventory

    @property
    def journal(self) -> CreateJournal:
        """The creates that this machine has begun, in this process and in earlier ones."""
        from goldrush_pulumi.operations.journal import CreateJournal  # noqa: PLC0415 - see the class
        from goldrush_pulumi.operations.notes import user_folder  # noqa: PLC0415 - as above

        with self._lock:
            if self._journal is None:
                self._journal = CreateJournal(user_folder(os.environ, "creates"))
                self._journal.prune()
            return self._journal

    @functools.cached_property
    def known_stacks(self) -> KnownStacks:
        """The names of the stacks that this machine has seen."""
        from goldrush_pulumi.operations.known_stacks import KnownStacks  # noqa: PLC0415 - see the class

        return KnownStacks.of_user()

    def note_stack(self, owner: object, urn: str) -> None:
        """Note what the stack with this owner is called: the stack of a resource that its program declares."""
        from goldrush_pulumi.operations.known_stacks import StackName  # noqa: PLC0415 - see the class

        self.known_stacks.note(owner, StackName.of(urn))

    def note_delivered(self) -> None:
        """Note that the engine has got every pipeline that was created."""
        if self._journal is not None:
            self._journal.note_delivered()

    def note_saved(self) -> None:
        """Note that the engine, which is still there, has saved what was returned to it some seconds ago."""
        if self._journal is not None and not saves_state_late():
            self._journal.note_delivered(_SAVED_AFTER_SECONDS)

    def _open(self) -> GoldRushClient:
        from goldrush_pulumi.api import GoldRushError  # noqa: PLC0415 - see the class

        try:
            return open_client(self.settings, cancelled=self._cancelled, before_change=self._before_change)
        except GoldRushError as error:
            raise UserError(str(error)) from None

    @contextlib.contextmanager
    def context(
        self,
        call: CallContext,
        *secret_sources: Mapping[str, Any],
        owner: str | None = None,
        owners: frozenset[str] | None = frozenset(),
    ) -> Iterator[OperationContext]:
        """Make the context of one call of a verb. Errors of GoldRush leave the block as one message for the user.

        `secret_sources` are all sets of inputs with secrets that must not be shown. `owner` is the id that
        pipelines of the stack are tagged with, None where they carry no ownership tag; `owners` are those that the
        record names, None where it cannot tell.
        """
        from goldrush_pulumi.api import GoldRushError  # noqa: PLC0415 - see the class

        context = self._context(call, secret_sources, owner, owners)
        try:
            yield context
        except GoldRushError as error:
            raise UserError(str(error.redacted(context.redact))) from None

    def _context(
        self,
        call: CallContext,
        secret_sources: tuple[Mapping[str, Any], ...],
        owner: str | None,
        owners: frozenset[str] | None,
    ) -> OperationContext:
        from goldrush_pulumi.operations.context import OperationContext, make_fingerprint  # noqa: PLC0415
        from goldrush_pulumi.operations.identity import OwnershipTag  # noqa: PLC0415
        from goldrush_pulumi.operations.redaction import Redactor, known_secrets  # noqa: PLC0415
        from goldrush_pulumi.operations.wait import EventClock  # noqa: PLC0415

        settings = self.settings
        redact = Redactor({*known_secrets(*secret_sources), settings.service_key})
        timeout_seconds = call.timeout_seconds or DEFAULT_TIMEOUT_SECONDS
        clock = EventClock(self._cancelled)
        ends_at = clock.now() + timeout_seconds
        return OperationContext(
            name=call.name or "of this resource",
            # Every call of the verb takes its time out of the verb's.
            client=self.client.within(lambda: ends_at - clock.now()),
            clock=clock,
            redact=redact,
            fingerprint_of=make_fingerprint(settings.service_key, settings.base_url),
            inventory=self.inventory,
            claims=self.claims,
            journal=self.journal,
            urn=call.urn,
            tag=OwnershipTag.of(owner, call.urn) if owner and call.urn else None,
            owners=None if owners is None else owners | ({owner} if owner else set()),
            status=lambda text: call.status(redact(text)),
            warn=lambda text: call.warn(redact(text)),
            policies=policies_of(settings),
            timeout_seconds=timeout_seconds,
            stack_in=self.known_stacks.find,
            author=self._author.as_record(redact),
        )

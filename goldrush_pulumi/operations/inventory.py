"""All pipelines of the account, listed once for all creates of a process, before the first of them is sent."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from goldrush_pulumi.api.errors import GoldRushError, Interrupted, PipelineNotFound
from goldrush_pulumi.operations.identity import OwnershipTag
from goldrush_pulumi.schema.wire import read_time

if TYPE_CHECKING:
    from goldrush_pulumi.api import GoldRushClient, Pipeline
    from goldrush_pulumi.operations.context import OperationContext
    from goldrush_pulumi.operations.wait import Clock

RECENT: Final = timedelta(hours=24)
"""How old a pipeline may be and still be taken for the leftover of a create that was cut off."""

_PATIENCE_SECONDS: Final = 20.0

_PAUSE_SECONDS: Final = 0.5

_MOST_PAGES: Final = 2_000


class ListUnstable(GoldRushError):  # noqa: N818 - the name says what happened
    """The list of pipelines changed each time while it was read."""


class ListEndless(GoldRushError):  # noqa: N818 - the name says what happened
    """The list of pipelines goes on and on."""


@dataclass(frozen=True)
class Listing:
    """The pipelines of the account at one moment of the server's own time."""

    pipelines: tuple[Pipeline, ...]
    server_time: datetime

    def is_recent(self, pipeline: Pipeline) -> bool:
        """Whether a pipeline is known to be young enough to be a leftover."""
        created = read_time(pipeline.created_at)
        return created is not None and self.server_time - created <= RECENT


class Inventory:
    """Taken once per process. Whoever asks first lists; the others wait for that listing, or for its failure."""

    def __init__(self, client: GoldRushClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._listing: Future[Listing] | None = None

    def listing(self, clock: Clock) -> Listing:
        """The pipelines that were there before this process created any.

        Raises:
            GoldRushError: they could not be listed; whoever asks next tries again.
        """
        with self._lock:
            leads = self._listing is None
            if self._listing is None:
                self._listing = Future()
            future = self._listing
        if leads:
            self._take(future, clock)
        return future.result()

    def _take(self, future: Future[Listing], clock: Clock) -> None:
        try:
            future.set_result(_completed(self._client, list_all(self._client, clock)))
        except BaseException as error:  # noqa: BLE001 - all who wait must be woken, whatever happened
            with self._lock:
                self._listing = None
            future.set_exception(error)


def list_all(client: GoldRushClient, clock: Clock) -> Listing:
    """Every pipeline that the key sees, from pages that agree with one another.

    Raises:
        ListUnstable: the list kept changing while it was read.
        ListEndless: it has no end.
        Interrupted: cancelled between two tries.
    """
    started = clock.now()
    while True:
        listing = list_once(client)
        if listing is not None:
            return listing
        if clock.now() - started >= _PATIENCE_SECONDS:
            raise ListUnstable(
                "list pipelines: the list changed each time while it was read, so none can be created safely;"
                " run `pulumi up` again when nothing else changes pipelines"
            )
        if clock.sleep(_PAUSE_SECONDS):
            raise Interrupted("list pipelines: cancelled while the list kept changing")


def list_once(client: GoldRushClient) -> Listing | None:
    """One pass over all pages; None when they do not fit together, because the list changed meanwhile.

    Raises:
        ListEndless: there is always one more page.
    """
    found: dict[str, Pipeline] = {}
    totals: set[int | None] = set()
    for number in range(1, _MOST_PAGES + 1):
        page = client.list_pipelines(number)
        before = len(found)
        found |= {item.id: item for item in page.items}
        totals.add(page.total_count)
        if len(found) - before < len(page.items) or (page.has_more and not page.items):
            return None
        if not page.has_more:
            agree = totals in ({None}, {len(found)})
            now = read_time(page.updated_at) or datetime.now(UTC)
            return Listing(tuple(found.values()), now) if agree else None
    raise ListEndless(
        f"list pipelines: after {_MOST_PAGES} pages the list still goes on, so none can be created safely;"
        " check goldrush:baseUrl"
    )


def _completed(client: GoldRushClient, listing: Listing) -> Listing:
    """The listing with the descriptions of all that may be leftovers: brief items come without them."""
    whole = (item if _tells_enough(item, listing) else _fetched(client, item) for item in listing.pipelines)
    return Listing(tuple(item for item in whole if item is not None), listing.server_time)


def _tells_enough(item: Pipeline, listing: Listing) -> bool:
    old = read_time(item.created_at) is not None and not listing.is_recent(item)
    return old or "description" in item.model_fields_set


def _fetched(client: GoldRushClient, item: Pipeline) -> Pipeline | None:
    try:
        return client.get_pipeline(item.id)
    except PipelineNotFound:
        return None


_SEARCH_PAUSE_SECONDS: Final = 2.0


def look_for_tag(context: OperationContext, tag: OwnershipTag, seconds: float) -> Pipeline | None:
    """Look again and again, for so many seconds; None when no pipeline with the mark appeared, or when cancelled."""
    started = context.clock.now()
    while True:
        found = _find_tagged(context, tag)
        if found is not None:
            return found
        if context.clock.now() - started >= seconds or context.clock.sleep(_SEARCH_PAUSE_SECONDS):
            return None


def _find_tagged(context: OperationContext, tag: OwnershipTag) -> Pipeline | None:
    """The one new pipeline that carries `tag`, as the server has it now."""
    try:
        listing = list_once(context.client)
        items = () if listing is None else listing.pipelines
        new = [item for item in items if not context.claims.has_seen(item.id)]
        whole = [context.client.get_pipeline(item.id) for item in new if _may_carry(item, tag)]
    except GoldRushError:
        # It is looked for again: whatever lost the answer may still be going on.
        return None
    ours = [item for item in whole if OwnershipTag.found_in(item.description) == tag]
    return ours[0] if len(ours) == 1 else None


def _may_carry(item: Pipeline, tag: OwnershipTag) -> bool:
    return "description" not in item.model_fields_set or OwnershipTag.found_in(item.description) == tag

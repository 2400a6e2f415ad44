"""Listing the pipelines of an account: once for all creates of a process, and again where one tag is looked for."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from goldrush_pulumi.api.errors import GoldRushError, Interrupted, OutOfTime, PipelineNotFound
from goldrush_pulumi.operations.identity import OwnershipTag
from goldrush_pulumi.schema.wire import read_time

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from goldrush_pulumi.api import GoldRushClient, Pipeline, PipelinePage
    from goldrush_pulumi.operations.context import OperationContext
    from goldrush_pulumi.operations.wait import Clock

RECENT: Final = timedelta(hours=24)
"""How old a pipeline may be and still be taken for the orphan of a create that was cut off."""

_PATIENCE_SECONDS: Final = 20.0
_PAUSE_SECONDS: Final = 0.5
_SEARCH_PAUSE_SECONDS: Final = 2.0
_GROUPS_KEPT_SECONDS: Final = 30.0
_MOST_PAGES: Final = 2_000
_PAGE_SHARES: Final = (1.0, 0.62, 0.79)
"""The size of the pages in readings that follow each other, as shares of the largest that the server returns.

A pipeline beside the border of two pages can slip through every reading that has the same borders.
"""


class ListUnstable(GoldRushError):  # noqa: N818 - the name says what happened
    """The list of pipelines changed so much while it was read that old pipelines kept turning up."""


class ListEndless(GoldRushError):  # noqa: N818 - the name says what happened
    """The list of pipelines goes on and on."""


@dataclass(frozen=True)
class Listing:
    """The pipelines of the account at one moment of the server's own time."""

    pipelines: tuple[Pipeline, ...]
    server_time: datetime

    def is_recent(self, pipeline: Pipeline) -> bool:
        """Whether a pipeline is known to be young enough to be an orphan."""
        created = read_time(pipeline.created_at)
        return created is not None and self.server_time - created <= RECENT


class Inventory:
    """The list as it was before this process created anything, and the groups that the key sees.

    Whoever asks for the listing first reads it; the others wait for that listing, or for its failure. Each asks with a
    client that is bound to its own time, so a list that does not come holds nobody longer than that.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listing: Future[Listing] | None = None
        self._groups_lock = threading.Lock()
        self._groups: tuple[float, frozenset[str]] = (0.0, frozenset())

    def listing(self, client: GoldRushClient, clock: Clock) -> Listing:
        """Return the pipelines that were there before this process created any.

        Raises:
            OutOfTime: the time of the caller is over.
            GoldRushError: they could not be listed; whoever asks next tries again.
        """
        while True:
            with self._lock:
                leads = self._listing is None
                if self._listing is None:
                    self._listing = Future()
                future = self._listing
            if leads:
                self._take(future, client, clock)
                return future.result()
            try:
                return future.result(client.seconds_left)
            except OutOfTime:
                # That was the time of another one, who read the list for all.
                continue
            except TimeoutError:
                raise _out_of_time() from None

    @staticmethod
    def require_list(client: GoldRushClient) -> None:
        """Return only if the list answers now: in an outage that returns 404 to everything, it does not.

        Raises:
            GoldRushError: the list was not answered.
        """
        client.list_pipelines(page_size=1)

    def shows_group(self, client: GoldRushClient, group: object, clock: Clock) -> bool:
        """Whether the key sees a pipeline of the group; that it does is believed for 30 s.

        Raises:
            GoldRushError: the list was not answered.
        """
        seconds_left = client.seconds_left
        if not self._groups_lock.acquire(timeout=-1 if seconds_left is None else seconds_left):
            raise _out_of_time()
        try:
            read_at, groups = self._groups
            if group not in groups or clock.now() - read_at > _GROUPS_KEPT_SECONDS:
                groups = frozenset(item.group_id for item in client.iterate_pipelines() if item.group_id)
                self._groups = (clock.now(), groups)
            return group in groups
        finally:
            self._groups_lock.release()

    def _take(self, future: Future[Listing], client: GoldRushClient, clock: Clock) -> None:
        try:
            future.set_result(_completed(client, list_all(client, clock)))
        except BaseException as error:  # noqa: BLE001 - all who wait must be woken, whatever happened
            with self._lock:
                self._listing = None
            future.set_exception(error)


def _out_of_time() -> OutOfTime:
    return OutOfTime("list pipelines", "there was no time left to wait for the list", advice="try again later")


def list_all(client: GoldRushClient, clock: Clock) -> Listing:
    """Return every pipeline that was there when the reading began.

    One page is one moment. Where there are more, another client may change the list between two requests: a pipeline
    then slips from one page to another, and pages that agree do not prove that none did, for one that was deleted and
    one that was created balance each other. So the same pages are read backwards as well, and all of them again with
    other borders, until a reading finds no old pipeline that the ones before did not find.

    Raises:
        ListUnstable: old pipelines kept turning up.
        ListEndless: the list has no end.
        Interrupted: cancelled between two readings.
    """
    started, sweeps = clock.now(), list[_Sweep]()
    while True:
        sweeps.append(_read_all(client, sweeps))
        if _is_complete(sweeps):
            found = {pipeline_id: item for sweep in sweeps for pipeline_id, item in sweep.pipelines.items()}
            return Listing(tuple(found.values()), sweeps[0].server_time)
        if clock.now() - started >= _PATIENCE_SECONDS:
            raise ListUnstable(
                "list pipelines: the list changed so fast while it was read that it is not known to be complete;"
                " try again when fewer pipelines are created and deleted at the same time"
            )
        if not sweeps[-1].agrees and clock.sleep(_PAUSE_SECONDS):
            raise Interrupted("list pipelines: cancelled while the list kept changing")


@dataclass
class _Sweep:
    """One reading of all pages. It `agrees` when no page repeats another and their number is the total.

    It `is_cut` when more pages were promised and nothing new came. `page_size` is what was asked for; None is the
    client's own.
    """

    page_size: int | None = None
    is_backwards: bool = False
    pipelines: dict[str, Pipeline] = field(default_factory=dict)
    totals: set[int | None] = field(default_factory=set)
    repeats: bool = False
    is_cut: bool = False
    pages: int = 0
    largest_page: int = 0
    server_time: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def agrees(self) -> bool:
        # Without a total, a reading from the back cannot tell whether more pages have come to be.
        totals = ({len(self.pipelines)},) if self.is_backwards else ({None}, {len(self.pipelines)})
        return not self.repeats and self.totals in totals

    def add(self, page: PipelinePage) -> None:
        before = len(self.pipelines)
        self.pipelines |= {item.id: item for item in page.items}
        fresh = len(self.pipelines) - before
        self.totals.add(page.total_count)
        self.is_cut = page.has_more and not fresh
        self.repeats |= fresh < len(page.items) or self.is_cut
        self.pages += 1
        self.largest_page = max(self.largest_page, len(page.items))
        self.server_time = read_time(page.updated_at) or self.server_time


def _read_all(client: GoldRushClient, sweeps: Sequence[_Sweep]) -> _Sweep:
    """Read all pages once more: forwards, then the same ones backwards, then forwards with other borders."""
    if len(sweeps) % 2:
        sweep = _Sweep(sweeps[-1].page_size, is_backwards=True)
        for number in range(sweeps[-1].pages, 0, -1):
            sweep.add(client.list_pipelines(number, sweep.page_size))
        return sweep
    page_size = None
    if sweeps and sweeps[0].pages > 1:
        page_size = max(1, int(sweeps[0].largest_page * _PAGE_SHARES[len(sweeps) // 2 % len(_PAGE_SHARES)]))
    sweep = _Sweep(page_size)
    for page in _pages(client, page_size):
        sweep.add(page)
    return sweep


def _is_complete(sweeps: Sequence[_Sweep]) -> bool:
    """Whether these readings are known to have found every pipeline that was there before the first."""
    last = sweeps[-1]
    if last.agrees and last.pages == 1:
        return True
    # Where all agree, one reading in each direction is enough; else it takes two.
    if len(sweeps) < (2 if all(sweep.agrees for sweep in sweeps) else 4):
        return False
    before = set[str]().union(*(sweep.pipelines for sweep in sweeps[:-1]))
    began = sweeps[0].server_time
    fresh = [item for pipeline_id, item in last.pipelines.items() if pipeline_id not in before]
    if any((read_time(item.created_at) or began) <= began for item in fresh):
        return False
    forwards = sweeps[-2] if last.is_backwards else last
    totals = [total for sweep in sweeps for total in sweep.totals if total is not None]
    return not forwards.is_cut and len(before | last.pipelines.keys()) >= min(totals, default=0)


def _pages(client: GoldRushClient, page_size: int | None = None) -> Iterator[PipelinePage]:
    """All pages from the first to the last. One that brings nothing new is the last, whatever it promises."""
    seen: set[str] = set()
    for number in range(1, _MOST_PAGES + 1):
        page = client.list_pipelines(number, page_size)
        yield page
        fresh = {item.id for item in page.items} - seen
        if not page.has_more or not fresh:
            return
        seen |= fresh
    raise ListEndless(
        f"list pipelines: after {_MOST_PAGES} pages the list still goes on, so it is never known to be complete;"
        " check goldrush:baseUrl"
    )


def _completed(client: GoldRushClient, listing: Listing) -> Listing:
    """The listing with the descriptions of all that may be orphans: brief items come without them."""
    whole = (item if _is_enough(item, listing) else _fetched(client, item) for item in listing.pipelines)
    return Listing(tuple(item for item in whole if item is not None), listing.server_time)


def _is_enough(item: Pipeline, listing: Listing) -> bool:
    old = read_time(item.created_at) is not None and not listing.is_recent(item)
    return old or "description" in item.model_fields_set


def _fetched(client: GoldRushClient, item: Pipeline) -> Pipeline | None:
    try:
        return client.get_pipeline(item.id)
    except PipelineNotFound:
        return None


def look_for_tag(
    context: OperationContext, tag: OwnershipTag, seconds: float, passed_over: Collection[str] = ()
) -> Pipeline | None:
    """Look for the new pipeline that carries `tag`, for so many seconds; None when none appeared.

    `passed_over` carried the tag before. Only a list that is read when the time is over, and that is known to be whole,
    shows that there is none.

    Raises:
        GoldRushError: the list could not be read when it mattered, or the search was cancelled.
    """
    started = context.clock.now()
    while True:
        is_last = context.clock.now() - started >= seconds
        try:
            items = list_all(context.client, context.clock).pipelines if is_last else _items(context.client)
            found = _find_tagged(context, tag, passed_over, items)
        except GoldRushError:
            # It is looked for again: whatever lost the response may still be going on.
            if is_last:
                raise
            found = None
        if found is not None or is_last:
            return found
        if context.clock.sleep(_SEARCH_PAUSE_SECONDS):
            raise Interrupted(f"create pipeline {context.name}: cancelled while it was looked for")


def _items(client: GoldRushClient) -> Iterator[Pipeline]:
    return (item for page in _pages(client) for item in page.items)


def _find_tagged(
    context: OperationContext, tag: OwnershipTag, passed_over: Collection[str], items: Iterable[Pipeline]
) -> Pipeline | None:
    """Return the one new pipeline of `items` that carries `tag`, as the server has it now."""
    ours: dict[str, Pipeline] = {}
    for item in items:
        is_new = item.id not in passed_over and not context.claims.has_seen(item.id)
        if is_new and _may_carry(item, tag):
            whole = _fetched(context.client, item)
            if whole is not None and OwnershipTag.found_in(whole.description) == tag:
                ours[whole.id] = whole
    return next(iter(ours.values())) if len(ours) == 1 else None


def _may_carry(item: Pipeline, tag: OwnershipTag) -> bool:
    return "description" not in item.model_fields_set or OwnershipTag.found_in(item.description) == tag

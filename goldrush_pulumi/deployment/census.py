"""All pipelines of the account, listed once for all creates of a process, before the first of them is sent."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

from goldrush_pulumi.api.errors import GoldRushError

if TYPE_CHECKING:
    from goldrush_pulumi.api import GoldRushClient, Pipeline

_TRIES: Final = 5
_MOST_PAGES: Final = 10_000


class ListUnstable(GoldRushError):  # noqa: N818 - the name says what happened
    """The list of pipelines changed each time while it was read."""


@dataclass(frozen=True)
class Listing:
    """The pipelines of the account at one moment of the server's own time."""

    pipelines: tuple[Pipeline, ...]
    server_time: datetime


class Census:
    """Taken once per process. Whoever asks first lists; the others wait for that listing, or for its failure."""

    def __init__(self, client: GoldRushClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._listing: Future[Listing] | None = None
        self._forgotten: set[str] = set()

    def listing(self) -> Listing:
        """The pipelines that were there before this process created any, without those it has deleted since.

        Raises:
            GoldRushError: they could not be listed; whoever asks next tries again.
        """
        with self._lock:
            leads = self._listing is None
            if self._listing is None:
                self._listing = Future()
            future = self._listing
        if leads:
            self._take(future)
        taken = future.result()
        with self._lock:
            kept = tuple(pipeline for pipeline in taken.pipelines if pipeline.id not in self._forgotten)
        return Listing(kept, taken.server_time)

    def forget(self, pipeline_id: str) -> None:
        """Leave a pipeline out that this process deletes: its replacement must not be taken for it."""
        with self._lock:
            self._forgotten.add(pipeline_id)

    def _take(self, future: Future[Listing]) -> None:
        try:
            future.set_result(list_all(self._client))
        except BaseException as error:  # noqa: BLE001 - all who wait must be woken, whatever happened
            with self._lock:
                self._listing = None
            future.set_exception(error)


def list_all(client: GoldRushClient) -> Listing:
    """Every pipeline that the key sees, from pages that agree with one another.

    Raises:
        ListUnstable: the list kept changing while it was read, or does not end.
    """
    for _ in range(_TRIES):
        listing = _list_once(client)
        if listing is not None:
            return listing
    raise ListUnstable(
        "list pipelines: the list changed each time while it was read, so none can be created safely;"
        " run `pulumi up` again when nothing else changes pipelines"
    )


def _list_once(client: GoldRushClient) -> Listing | None:
    """One pass over all pages; None when they do not fit together."""
    items: list[Pipeline] = []
    totals: set[int | None] = set()
    server_time = ""
    for number in range(1, _MOST_PAGES + 1):
        page = client.list_pipelines(number)
        items += page.items
        totals.add(page.total_count)
        server_time = page.updated_at or server_time
        if not page.has_more or not page.items:
            break
    agrees = len(totals) == 1 and totals <= {None, len(items)} and not page.has_more
    unique = len({pipeline.id for pipeline in items}) == len(items)
    return Listing(tuple(items), moment(server_time) or datetime.now(timezone.utc)) if agrees and unique else None


def moment(text: str) -> datetime | None:
    """A time of the API, which ends in `Z` or in an offset; None when it cannot be read."""
    try:
        time = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)

"""How many requests each verb sends for one pipeline, on a GoldRush that deploys at once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from bench.figures import Figure
from goldrush_pulumi import verbs
from goldrush_pulumi.emulator import Emulator, Lifecycle
from goldrush_pulumi.operations.call import CallContext
from goldrush_pulumi.operations.journal import CreateJournal
from goldrush_pulumi.schema.wire import unwrap_secrets
from goldrush_pulumi.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

BEFORE: Final = {
    "create": 3,
    "unchanged up": 0,
    "refresh": 2,
    "update": 3,
    "pause": 3,
    "update and resume": 3,
    "delete": 2,
}
"""What each sent while update and delete did not look whose pipeline it is."""

MORE: Final = {"update": 1, "pause": 1, "update and resume": 1, "delete": 1}
"""How many more requests the look may cost."""

_NAMES: Final = {
    f"{method} /platform/pipeline-api/{path}": f"{method} of the {name}"
    for path, name in (("", "list"), ("{id}/", "pipeline"), ("{id}/status/", "status"))
    for method in ("GET", "POST", "PATCH", "PUT", "DELETE")
} | {"POST /platform/pipeline-api/": "POST"}

_OWNER: Final = "0123456789abcdef" * 2
_URN: Final = "urn:pulumi:dev::bench::pulumi-python:dynamic/goldrush:Pipeline::swaps"
_DECLARED: Final[dict[str, Any]] = {
    "project": "bench",
    "topic": "base.mainnet.ref.block.swap.v3",
    "destination_type": "postgres",
    "destination_config": {"type": "postgres", "url": "postgresql://db:5432/a", "user": "u", "password": "p" * 12},
}


class _Life:
    """One pipeline from its create to its delete, and the requests of each verb."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        config = {"goldrush:serviceKey": emulator.service_key, "goldrush:baseUrl": emulator.base_url}
        self._session = Session({**config, "goldrush:requestsPerSecond": "1000"}.get, threading.Event(), lambda: None)
        # The machine's own notes are none of a measurement's business.
        self._session._journal = CreateJournal(None)  # noqa: SLF001 - no front-end does this
        self._inputs: dict[str, Any] = {}
        self._outputs: dict[str, Any] = {}
        self._id = ""
        self.sent: dict[str, tuple[str, ...]] = {}

    def up(self, called: str, **changes: Any) -> None:
        """Do what an `up` does."""
        call = self._call()
        checked = verbs.check(self._session, call, self._inputs, {**_DECLARED, "__owner": _OWNER, **changes})
        news = unwrap_secrets(checked.inputs)
        if not self._id:
            reply = verbs.create(self._session, call, news, _OWNER)
        elif verbs.diff(self._session, call, self._id, self._outputs, news):
            reply = verbs.update(self._session, call, self._id, self._outputs, news, _OWNER)
        else:
            reply = verbs.Reply(self._id, self._outputs)
        self._id, self._inputs, self._outputs = reply.id, news, unwrap_secrets(reply.outputs)
        self._note(called)

    def refresh(self) -> None:
        """Do what a `refresh` does."""
        verbs.read(self._session, self._call(), self._id, self._outputs)
        self._note("refresh")

    def destroy(self) -> None:
        """Do what a `destroy` does."""
        verbs.delete(self._session, self._call(), self._id, self._outputs)
        self._note("delete")

    def close(self) -> None:
        """Give the connections back."""
        self._session.client.close()

    def _call(self) -> CallContext:
        return CallContext(urn=_URN, name="swaps", recorded_inputs=self._inputs)

    def _note(self, called: str) -> None:
        self.sent[called] = tuple(request.kind for request in self._emulator.requests())
        self._emulator.clear_requests()


def requests_of_verbs() -> dict[str, tuple[str, ...]]:
    """Return the requests of each verb, in their order."""
    with Emulator(lifecycle=Lifecycle.by_time(deploy_seconds=0.0, stop_seconds=0.0)) as emulator:
        life = _Life(emulator)
        life.up("create")
        life.up("unchanged up")
        life.refresh()
        life.up("update", name="renamed")
        life.up("pause", name="renamed", status="paused")
        life.up("update and resume", description="changed")
        life.destroy()
        life.close()
        return life.sent


def requests() -> Iterator[Figure]:
    """What each verb sends, and what it sent before it looked whose pipeline it is."""
    for verb, kinds in requests_of_verbs().items():
        listed = ", ".join(_NAMES.get(kind, kind) for kind in kinds)
        most = BEFORE[verb] + MORE.get(verb, 0)
        yield Figure(verb, f"{len(kinds)}: {listed}" if kinds else "0", f"at most {most}")

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import httpx
import pytest

from goldrush_pulumi.emulator import Account, Emulator, EmulatorError, Lifecycle
from tests.support.caller import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.emulator.conftest import Lab


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.com", ""])
def test_only_loopback_addresses_are_served(host: str) -> None:
    """An address that others could reach is refused before anything listens."""
    with pytest.raises(EmulatorError, match="use a loopback address such as 127"):
        Emulator(host=host)


def test_a_busy_port_is_one_clear_line(lab: Lab) -> None:
    """A port in use is named, with what to do; the server that uses it is not disturbed."""
    port = lab.emulator.port
    with pytest.raises(EmulatorError) as caught:
        Emulator(port=port).start()
    assert str(caught.value) == (
        f"serve emulator on 127.0.0.1:{port}: address already in use, choose another port (0 takes a free one)"
    )
    assert lab.api.send("GET").status_code == 200


def test_a_stopped_emulator_can_start_again(lab: Lab) -> None:
    """While stopped, nothing responds; after a new start the same address has the same pipelines."""
    pipeline = lab.api.create()
    lab.emulator.stop()
    with pytest.raises(httpx.ConnectError):
        lab.api.send("GET")
    lab.emulator.start()
    assert lab.api.data("GET")["items"][0]["id"] == pipeline["id"]


def test_addresses_are_ready_to_use(lab: Lab) -> None:
    """Both addresses end in a slash and carry the port that was found."""
    assert lab.emulator.base_url == f"http://127.0.0.1:{lab.emulator.port}/platform/pipeline-api/"
    assert lab.emulator.admin_url == f"http://127.0.0.1:{lab.emulator.port}/_emulator/"


def test_responses_have_the_date(lab: Lab) -> None:
    """The server states its time, as any HTTP server does."""
    assert "GMT" in lab.api.send("GET").headers["date"]


def test_two_accounts_by_default_and_any_when_given() -> None:
    """The default accounts are main and other with keys of their own; given ones replace them."""
    default = Emulator()
    assert [account.name for account in default.accounts] == ["main", "other"]
    assert len({account.service_key for account in default.accounts}) == 2
    given = Emulator(accounts=[Account("team", service_key="team-key")])
    assert (given.service_key, [account.name for account in given.accounts]) == ("team-key", ["team"])


def test_keys_are_not_shown() -> None:
    """The text form of an account does not contain its key."""
    account = Account("team", service_key="planted-key")
    assert "planted-key" not in repr(account)


def test_a_key_for_an_unknown_account_is_refused(lab: Lab) -> None:
    """A misspelt account name is an error."""
    with pytest.raises(LookupError, match="find account nobody: there is no such account, use one of main, other"):
        lab.emulator.add_key("nobody")


def test_an_error_inside_is_a_response(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a bug in the emulator itself, the caller gets a 500 in the envelope that says so."""

    def explode(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("goldrush_pulumi.emulator.responses.status_object", explode)
    response = lab.api.send("GET", f"{lab.api.create()['id']}/status/")
    assert response.status_code == 500
    assert "The emulator itself failed" in response.json()["error_message"]
    assert "ZeroDivisionError" in response.json()["error_message"]


def test_other_methods_are_405_in_the_envelope(lab: Lab) -> None:
    """A method that a path does not know is refused in the envelope."""
    response = lab.api.send("PUT")
    assert (response.status_code, response.json()["error_code"]) == (405, "405")


@pytest.mark.untraced
def test_hundreds_at_once(start: Callable[..., Lab]) -> None:
    """A hundred callers create and poll 500 pipelines at once: none is lost or mixed up, and every call succeeds."""
    lab = start(lifecycle=Lifecycle.by_reads(1))
    with ExitStack() as stack, ThreadPoolExecutor(100) as callers:
        # A hundred threads on one client spend their time on the lock of its connections.
        clients = [stack.enter_context(Caller(lab.emulator.base_url, lab.emulator.service_key)) for _ in range(20)]
        apis = [clients[number % len(clients)] for number in range(500)]
        created = list(callers.map(lambda api, number: api.create(name=f"pipeline {number}")["id"], apis, range(500)))
        assert lab.emulator.peak_deploying == 500
        first, second = (list(callers.map(Caller.phase, apis, created)) for _ in range(2))
        page = list(callers.map(lambda number: apis[number].data("GET", params={"page_number": number}), range(1, 6)))
    assert (set(first), set(second)) == ({"DEPLOYING"}, {"RUNNING"})
    assert sorted(item["id"] for data in page for item in data["items"]) == sorted(created)
    assert [data["pagination"]["has_more"] for data in page] == [True] * 4 + [False]
    assert {request.status for request in lab.emulator.requests()} == {200, 201}


def test_admin_calls_from_other_threads_while_serving(start: Callable[..., Lab]) -> None:
    """Pipelines that test threads crash, edit and list while callers poll stay consistent."""
    lab = start()
    created = [lab.api.create(name=f"pipeline {number}")["id"] for number in range(40)]

    def disturb(pipeline_id: str) -> int:
        lab.emulator.fail(pipeline_id)
        lab.emulator.edit(pipeline_id, description="changed", redeploy=True)
        return len(lab.emulator.pipelines())

    with ThreadPoolExecutor(20) as callers:
        seen = list(callers.map(disturb, created))
        phases = list(callers.map(lab.api.phase, created))
    assert (set(seen), set(phases)) == ({40}, {"RUNNING"})
    assert {(item["description"], item["deployments"]) for item in lab.emulator.pipelines()} == {("changed", 2)}

"""What the log of requests says, and what it never says."""

from __future__ import annotations

import contextlib
import logging
import re
from typing import TYPE_CHECKING

import httpx
import pytest

from goldrush_pulumi.api import GoldRushError
from tests.unit.api.doubles import EVERY_CALL, KEY, PATH, Pauses, Server, client_of, failure, success

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldrush_pulumi.api import GoldRushClient

PLANTED = "hunter22-planted"
BODY = {"name": "swaps", "destination_config": {"password": PLANTED, "url": f"postgresql://u:{PLANTED}@h/d"}}
ECHO = success({"id": "pipe_1", "destination_config": {"password": PLANTED}, "pods": [{"logs": PLANTED}]})


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The lines of the request log so far."""
    caplog.set_level(logging.DEBUG, "goldrush_pulumi.api")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "goldrush_pulumi.api"]


@pytest.mark.parametrize("name", EVERY_CALL)
def test_one_line_for_each_call(name: str, lines: Callable[[], list[str]], pauses: Pauses) -> None:
    """A call is one line: method, path, status, tries and milliseconds."""
    EVERY_CALL[name](client_of(Server([failure(429), success({"id": "pipe_1"})]), cancelled=pauses))
    (line,) = lines()
    path = rf"{PATH}(pipe_1/((status|logs|metrics|destination-health)/)?)?"
    assert re.fullmatch(rf"(GET|POST|PATCH|PUT|DELETE) {path}: 200, tries: 2, \d+ ms", line)


@pytest.mark.parametrize(
    ("response", "words"), [(failure(404), "404"), (httpx.ReadTimeout("x"), "no response"), (failure(503), "503")]
)
def test_failed_calls_are_logged(
    response: httpx.Response | Exception, words: str, lines: Callable[[], list[str]]
) -> None:
    """A call that fails is logged like any other."""
    with pytest.raises(GoldRushError):
        client_of(Server([response]), retry_seconds=0).get_pipeline("pipe_1")
    assert [line.partition(": ")[2].partition(",")[0] for line in lines()] == [words]


CALLS: dict[str, Callable[[GoldRushClient], object]] = {
    **EVERY_CALL,
    "create": lambda client: client.create_pipeline(BODY),
    "update": lambda client: client.update_pipeline("pipe_1", BODY),
}


@pytest.mark.parametrize("response", [ECHO, failure(422, f"bad password {PLANTED}"), httpx.Response(502, text=PLANTED)])
@pytest.mark.parametrize("name", CALLS)
def test_no_secret_is_logged(name: str, response: httpx.Response, caplog: pytest.LogCaptureFixture) -> None:
    """No header, no query and no body is logged, by us or by a library below us."""
    caplog.set_level(logging.DEBUG)
    with contextlib.suppress(GoldRushError):
        CALLS[name](client_of(Server([response]), retry_seconds=0))
    text = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert "goldrush_pulumi.api" in text
    for secret in (PLANTED, KEY, "Bearer", "page_size"):
        assert secret not in text


def test_nothing_is_said_unasked(caplog: pytest.LogCaptureFixture) -> None:
    """At the usual level the log stays empty."""
    caplog.set_level(logging.INFO)
    client_of(Server([ECHO])).get_pipeline("pipe_1")
    assert caplog.records == []

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.emulator import Emulator
from tests.support.caller import Caller

if TYPE_CHECKING:
    from collections.abc import Iterator

_LIVE_BASE_URL = "https://api.covalenthq.com/platform/pipeline-api/"


@dataclass
class Service:
    """The server under test: the emulator, or the real service in live mode."""

    base_url: str
    service_key: str
    emulator: Emulator | None

    def require_emulator(self) -> Emulator:
        """Return the emulator; a test that changes anything is skipped in live mode."""
        if self.emulator is None:
            pytest.skip("changes pipelines, which the live mode never does")
        return self.emulator


@pytest.fixture(scope="session")
def live(pytestconfig: pytest.Config) -> Service | None:
    """The real service when asked for with --live. Session-wide, so it reads the environment before it is cleaned."""
    if not pytestconfig.getoption("--live"):
        return None
    key = os.environ.get("GOLDRUSH_SERVICE_KEY")
    if not key:
        pytest.fail("--live: GOLDRUSH_SERVICE_KEY is not set, set it to a ServiceKey", pytrace=False)
    return Service(os.environ.get("GOLDRUSH_BASE_URL", _LIVE_BASE_URL), key, None)


@pytest.fixture
def service(live: Service | None) -> Iterator[Service]:
    """The emulator, or the real service."""
    if live is not None:
        yield live
        return
    with Emulator() as emulator:
        yield Service(emulator.base_url, emulator.service_key, emulator)


@pytest.fixture
def api(service: Service) -> Iterator[Caller]:
    """A caller with a valid ServiceKey."""
    with Caller(service.base_url, service.service_key) as caller:
        yield caller


@pytest.fixture
def pipeline(service: Service, api: Caller) -> dict[str, Any]:
    """A pipeline to read: one made for the test, or any that the live account has."""
    if service.emulator is not None:
        created: dict[str, Any] = api.create()
        return created
    items = api.data("GET", "", params={"page_size": 1})["items"]
    if not items:
        pytest.skip("the live account has no pipeline to read")
    first: dict[str, Any] = items[0]
    return first

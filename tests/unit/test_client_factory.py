"""Every setting of an account reaches the client or the policies that are made from it."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from typing import TYPE_CHECKING

import pytest

from goldrush_pulumi.api import ConfigurationError, RateLimited, ServerError
from goldrush_pulumi.client_factory import open_client, policies_of
from goldrush_pulumi.settings import Settings

if TYPE_CHECKING:
    from goldrush_pulumi.emulator import Emulator


def settings_for(emulator: Emulator, retry_seconds: float = 60.0) -> Settings:
    return Settings(
        service_key=emulator.service_key,
        key_source="the test",
        base_url=emulator.base_url,
        retry_seconds=retry_seconds,
    )


@pytest.mark.parametrize(("given", "seconds"), [(None, 0.0), (0.0, 60.0)])
def test_retry_seconds_reach_the_client(emulator: Emulator, given: float | None, seconds: float) -> None:
    """How long a request is repeated is what the settings say, unless the caller knows better."""
    emulator.fault(status=503)
    client = open_client(settings_for(emulator, retry_seconds=seconds), retry_seconds=given)
    with contextlib.closing(client), pytest.raises(ServerError):
        client.list_pipelines()
    assert len(emulator.requests()) == 1


def test_a_pause_is_shared_by_all_calls_of_a_client(emulator: Emulator) -> None:
    """A client and its view within an operation keep the same pause."""
    emulator.fault(status=429, retry_after=300)
    client = open_client(settings_for(emulator))
    with contextlib.closing(client):
        for view in (client, client.within(lambda: 600.0)):
            with pytest.raises(RateLimited):
                view.list_pipelines()
    assert len(emulator.requests()) == 1


def test_changes_are_checked_first(emulator: Emulator) -> None:
    """What the provider checks before every change keeps the change from being sent."""

    def refuse() -> None:
        raise RuntimeError("the engine is gone")

    client = open_client(settings_for(emulator), cancelled=threading.Event(), before_change=refuse)
    with pytest.raises(RuntimeError, match="the engine is gone"):
        client.delete_pipeline("pipe_1")
    assert emulator.requests() == []


def test_unusable_endpoint() -> None:
    """An endpoint to which the key must not be sent is refused when the client is made."""
    with pytest.raises(ConfigurationError, match="write https"):
        open_client(Settings(service_key="k", key_source="the test", base_url="http://goldrush.example.com/"))


def test_policies() -> None:
    """Every policy is the setting of the same name."""
    settings = Settings(
        service_key="k",
        key_source="the test",
        base_url="https://goldrush.example.com/",
        failed_grace_seconds=1.0,
        stabilization_seconds=2.0,
        recovery_seconds=3.0,
        on_existing="create",
        adopt_foreign=True,
    )
    policies = dataclasses.asdict(policies_of(settings))
    assert policies == {name: getattr(settings, name) for name in policies}

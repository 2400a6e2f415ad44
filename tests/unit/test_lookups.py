"""Look-ups: what they refuse, and that every setting counts for them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pulumi
import pytest

import goldrush_pulumi as goldrush
from goldrush_pulumi import invokes
from tests.support.caller import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from goldrush_pulumi.emulator import Emulator

BY_ID: dict[str, Callable[[Any], Any]] = {
    "getPipeline": goldrush.get_pipeline,
    "getPipelineStatus": goldrush.get_pipeline_status,
    "getPipelineMetrics": goldrush.get_pipeline_metrics,
}

IDS: list[tuple[Any, str]] = [
    (None, "missing"),
    (7, "a value of type int"),
    ("", "an empty string"),
    (" ", "an empty string"),
    ("..", "an empty string"),
    (["pipe_1"], "a value of type list"),
]


@pytest.mark.parametrize("token", BY_ID)
@pytest.mark.parametrize(("pipeline_id", "what"), IDS)
def test_id_that_cannot_be_one(token: str, pipeline_id: Any, what: str) -> None:
    """An id that is missing, empty or not a string is one line, with what would be right."""
    with pytest.raises(pulumi.RunError) as refused:
        BY_ID[token](pipeline_id)
    assert str(refused.value) == (
        f'call {token}: pipeline_id is {what}, pass the id of a pipeline such as "pipe_3e8678c5"'
    )


@pytest.mark.parametrize("name", ["project", "topic", "name", "status"])
def test_value_that_is_not_a_string(name: str) -> None:
    """A value to search for that is not a string is one line."""
    find: Any = goldrush.get_pipelines
    with pytest.raises(pulumi.RunError) as refused:
        find(**{name: 7})
    assert str(refused.value) == f"call getPipelines: {name} is a value of type int, pass a string"


def settings_for(emulator: Emulator, **values: str) -> dict[str, str]:
    account = {"serviceKey": emulator.service_key, "baseUrl": emulator.base_url, **values}
    return {f"goldrush:{name}": value for name, value in account.items()}


def look_up(emulator: Emulator, **values: str) -> Any:
    with Caller(emulator.base_url, emulator.service_key) as caller:
        arguments = {"pipeline_id": caller.create()["id"]}
    emulator.fault(method="GET", status=503)
    settings = settings_for(emulator, **values)
    try:
        return invokes._fetch(invokes._fetch_pipeline, arguments, settings)
    finally:
        with contextlib.suppress(pulumi.RunError):
            invokes._client(frozenset(settings.items())).close()


def test_retry_seconds_count_for_look_ups(emulator: Emulator) -> None:
    """Without patience a look-up fails at the first trouble, as the stack's config says."""
    with pytest.raises(pulumi.RunError, match=r"GoldRush failed \(503\)"):
        look_up(emulator, retrySeconds="0")


def test_look_ups_have_patience(emulator: Emulator) -> None:
    """By default a look-up outlives a moment of trouble."""
    assert look_up(emulator).project == "analytics-prod"


def test_wrong_setting_ends_a_look_up(emulator: Emulator) -> None:
    """A setting out of its range is refused by name in look-ups too."""
    with pytest.raises(pulumi.RunError, match="goldrush:retrySeconds: is not a number from 0 to 600"):
        look_up(emulator, retrySeconds="9999")


def test_every_setting_reaches_a_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack's config is handed on whole."""
    given = {"goldrush:retrySeconds": "5", "goldrush:parallel": "7", "goldrush:onExisting": "create"}
    asked: list[dict[str, str]] = []

    def fetch(_fetch: object, _arguments: object, settings: dict[str, str]) -> str:
        asked.append(settings)
        return "found"

    monkeypatch.setattr(invokes, "_mocked", lambda *_: None)
    monkeypatch.setattr(invokes, "_fetch", fetch)
    pulumi.runtime.set_all_config(given, [])
    try:
        found: Any = goldrush.get_pipeline("pipe_1")
    finally:
        pulumi.runtime.set_all_config({}, [])
    assert (found, asked) == ("found", [given])

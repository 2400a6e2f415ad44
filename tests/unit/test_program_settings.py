"""What a program is told about the settings of its stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
import pytest

import goldrush_pulumi as goldrush
from tests.unit.programs import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLANTED = "cqt_planted_7Qz0xW9pLmT4"


@pytest.fixture
def configure() -> Iterator[Callable[..., None]]:
    """Sets the stack's config, as the language host does before a program starts."""

    def set_config(values: dict[str, str], secret: tuple[str, ...] = ()) -> None:
        pulumi.runtime.set_all_config(values, list(secret))

    yield set_config
    set_config({})


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The warnings of the program, as the user sees them."""
    found: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda text, *_, **__: found.append(text))
    return found


def declare() -> None:
    """A program of two pipelines and one that is only read."""
    for name in ("one", "two"):
        goldrush.Pipeline(
            name,
            project="analytics-prod",
            topic="base.mainnet.ref.block.swap.v3",
            destination_config=goldrush.WebhookDestinationArgs(url="https://hooks.example.com/"),
        )
    goldrush.Pipeline.get("three", "pipe_3")


def test_key_in_clear_is_warned_of_once(configure: Callable[..., None], warnings: list[str]) -> None:
    """A ServiceKey that was set without --secret is warned of once in every run, and the warning leaves it out."""
    configure({"goldrush:serviceKey": PLANTED})
    for _ in range(2):
        run(declare)

    assert len(warnings) == 2
    assert "goldrush:serviceKey is not encrypted" in warnings[0]
    assert "`pulumi config set --secret goldrush:serviceKey`" in warnings[0]
    assert PLANTED not in "".join(warnings)


@pytest.mark.parametrize(
    ("values", "secret"),
    [({"goldrush:serviceKey": PLANTED}, ("goldrush:serviceKey",)), ({}, ()), ({"goldrush:retrySeconds": "5"}, ())],
)
def test_nothing_to_warn_of(
    values: dict[str, str], secret: tuple[str, ...], configure: Callable[..., None], warnings: list[str]
) -> None:
    """An encrypted key, or none in the stack's config, is as it should be."""
    configure(values, secret)
    run(declare)
    assert warnings == []


def test_a_project_may_be_called_goldrush(configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A project that is called like our namespace may have any value of its own there."""
    configure({"goldrush:pipelines": "{}"})
    monkeypatch.setattr(pulumi, "get_project", lambda: "goldrush")
    assert run(declare).pipelines


PROGRAMS: dict[str, Callable[[], Any]] = {
    "a pipeline": declare,
    "a pipeline that is read": lambda: goldrush.Pipeline.get("three", "pipe_3"),
    "a look-up": goldrush.get_pipelines_output,
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_unknown_setting(program: Callable[[], Any], configure: Callable[..., None]) -> None:
    """A misspelt setting ends a preview at once, with the nearest name."""
    configure({"goldrush:requestPerSecond": "5", "shop:pipelines": "{}"})
    with pytest.raises(pulumi.RunError) as refused:
        run(program)
    assert str(refused.value) == (
        "goldrush:requestPerSecond: is not a setting, did you mean goldrush:requestsPerSecond?"
    )

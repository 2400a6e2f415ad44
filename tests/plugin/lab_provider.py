"""A tiny provider that does what its resources ask for, so that the engine bridge is tested by itself.

The input `does` names the behaviour, the same for every verb. The environment sets the pool's size (LAB_POOL_SIZE).
"""

from __future__ import annotations

import contextvars
import dataclasses
import os
import threading
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)

from goldrush_pulumi import engine
from goldrush_pulumi.operations.call import contains_unknown
from tests.plugin.gate import visit
from tests.plugin.wire import PROVIDER

if TYPE_CHECKING:
    from collections.abc import Callable

Properties = dict[str, Any]
PLANTED = "hunter2planted"


class LabProvider(ResourceProvider):
    serialize_as_secret_always = False

    def __reduce__(self) -> tuple[Callable[[], LabProvider], tuple[()]]:
        return (make_lab_provider, ())

    def configure(self, req: ConfigureRequest) -> None:  # noqa: ARG002 - the SDK's signature
        engine.install(int(os.environ.get("LAB_POOL_SIZE", "8")))

    @engine.verb
    def check(self, _olds: Properties, news: Properties) -> CheckResult:
        if news.get("does") == "find unknowns":
            found = [key for key, value in news.items() if contains_unknown(value, engine.is_unknown)]
            direct = [key for key, value in news.items() if engine.is_unknown(value)]
            return CheckResult(news, [CheckFailure("", ",".join(found)), CheckFailure("", ",".join(direct))])
        return CheckResult(_behave(news), [])

    @engine.verb
    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        _behave(_news)
        return DiffResult(changes=True)

    @engine.verb
    def create(self, props: Properties) -> CreateResult:
        return CreateResult("lab-1", _behave(props))

    @engine.verb
    def read(self, id_: str, props: Properties) -> ReadResult:
        return ReadResult(id_, _behave(props), {"does": props["does"]})

    @engine.verb
    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        return UpdateResult(_behave(_news))

    @engine.verb
    def delete(self, _id: str, _props: Properties) -> None:
        _behave(_props)


def make_lab_provider() -> LabProvider:
    return LabProvider()


def _behave(props: Properties) -> Properties:
    return _BEHAVIOURS[props["does"]](props)


def _tell_request(props: Properties) -> Properties:
    """Say what the bridge knows of the request; the thread with a copied context must know the same."""
    seen: list[engine.Request] = []
    context = contextvars.copy_context()
    helper = threading.Thread(target=lambda: seen.append(context.run(engine.current_request)))
    helper.start()
    helper.join()
    request = engine.current_request()
    assert seen == [request]
    return {**props, "request": dataclasses.asdict(request)}


def _say(props: Properties) -> Properties:
    engine.status("DEPLOYING, ready 0 of 1")
    engine.warn("this takes long")
    return props


def _fail_for_user(_: Properties) -> Properties:
    text = "pipeline base-swaps: the topic is gone\nchoose another one"
    raise engine.UserError(text)


def _fail_partly(props: Properties) -> Properties:
    # As every provider's own outputs do, these lack what the host adds.
    own = {name: value for name, value in props.items() if name != PROVIDER}
    outputs = {**own, "nested": {"token": engine.secret(PLANTED)}}
    raise engine.InitFailed("lab-1", outputs, ["is FAILED", "fix the cause"], props.get("new_inputs"))


def _fail_partly_at_length(props: Properties) -> Properties:
    own = {name: value for name, value in props.items() if name != PROVIDER}
    outputs = {**own, "abi": "x" * 17_000_000, "small": "kept"}
    raise engine.InitFailed("lab-1", outputs, ["is FAILED"], outputs)


def _fail_partly_with_a_bug(props: Properties) -> Properties:
    raise engine.InitFailed("lab-1", {**props, "broken": {"deep": [object()], "token": PLANTED}}, ["is FAILED"])


def _return_what_cannot_be_sent(props: Properties) -> Properties:
    return {**props, "broken": {"deep": [object()], "token": PLANTED}}


def _have_a_bug(props: Properties) -> Properties:
    try:
        return _BEHAVIOURS[PLANTED](props)
    except KeyError as error:
        raise ValueError(PLANTED) from error


def _exit(_: Properties) -> Properties:
    raise SystemExit(PLANTED)


def _interrupt(_: Properties) -> Properties:
    raise KeyboardInterrupt(PLANTED)


def _recurse(props: Properties) -> Properties:
    return _recurse(props)


def _hold(props: Properties) -> Properties:
    with visit(engine.current_request().resource_name) as gate:
        gate.wait()
    return props


def _wait_until_cancelled(props: Properties) -> Properties:
    with visit(engine.current_request().resource_name) as gate:
        engine.cancelled.wait()
        gate.say("cancelled")
    raise engine.InitFailed("lab-1", props, ["cancelled while it was deploying"])


def _require_engine_after_hold(props: Properties) -> Properties:
    with visit(engine.current_request().resource_name) as gate:
        gate.wait()
        try:
            engine.require_engine()
        except engine.EngineGone as error:
            gate.say(f"{engine.cancelled.is_set()} {error}")
            raise
        gate.say("sent")
    return props


_BEHAVIOURS: dict[str, Callable[[Properties], Properties]] = {
    "succeed": dict,
    "tell request": _tell_request,
    "say": _say,
    "fail for user": _fail_for_user,
    "fail partly": _fail_partly,
    "fail partly at length": _fail_partly_at_length,
    "fail partly with a bug": _fail_partly_with_a_bug,
    "return what cannot be sent": _return_what_cannot_be_sent,
    "have a bug": _have_a_bug,
    "exit": _exit,
    "interrupt": _interrupt,
    "recurse": _recurse,
    "hold": _hold,
    "wait until cancelled": _wait_until_cancelled,
    "require engine after hold": _require_engine_after_hold,
}

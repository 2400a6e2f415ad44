"""Runs a Pulumi program in this process, against an engine that only records."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pulumi
from pulumi.runtime import mocks, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# As the language host does: a program that ends early leaves tasks behind, and asyncio reports them one by one.
logging.getLogger("asyncio").setLevel(logging.CRITICAL)

OWNER_ID = "00000000000000000000000000000001"


@dataclass
class Engine(mocks.Mocks):
    """Answers each registration with its inputs, and remembers it."""

    registered: list[mocks.MockResourceArgs] = field(default_factory=list)
    requests: list[Any] = field(default_factory=list)
    """The registrations as they came, with their options."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        self.registered.append(args)
        name = "owner" if args.typ.endswith(":Owner") else args.name
        return OWNER_ID if name == "owner" else args.resource_id or f"id-of-{name}", dict(args.inputs)

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        del args
        return {}, None

    @property
    def pipelines(self) -> list[mocks.MockResourceArgs]:
        """The pipelines among what was registered."""
        return [args for args in self.registered if args.typ.endswith(":Pipeline")]


class _Monitor(mocks.MockMonitor):
    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the name of the call
        cast("Engine", self.mocks).requests.append(request)
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


def run(program: Callable[[], Any], *, preview: bool = False) -> Engine:
    """Run a program to its end, all its outputs resolved."""
    engine = Engine()
    with _event_loop():
        # A root of its own for each program: what is kept on it belongs to one event loop.
        settings.set_root_resource(cast("Any", None))
        mocks.set_mocks(engine, project="shop", stack="dev", preview=preview, monitor=_Monitor(engine))
        pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    return engine


@contextmanager
def _event_loop() -> Iterator[None]:
    """A loop for the program and one for the thread that answers it: the SDK would open both and close neither."""
    ours, theirs = asyncio.new_event_loop(), asyncio.new_event_loop()
    ours.set_default_executor(ThreadPoolExecutor(1, initializer=asyncio.set_event_loop, initargs=(theirs,)))
    asyncio.set_event_loop(ours)
    try:
        yield
    finally:
        ours.run_until_complete(ours.shutdown_default_executor())
        asyncio.set_event_loop(None)
        ours.close()
        theirs.close()


def inputs_of(program: Callable[[], Any], **options: Any) -> dict[str, Any]:
    """The inputs of the one pipeline of a program, without the pickled provider."""
    (pipeline,) = run(program, **options).pipelines
    return {name: value for name, value in pipeline.inputs.items() if name != "__provider"}

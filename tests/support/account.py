"""One account on an emulator, the machines and provider processes that work on it, and the context of their verbs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from goldrush_pulumi.api import GoldRushClient, RateLimiter
from goldrush_pulumi.operations.context import OperationContext, Policies
from goldrush_pulumi.operations.create import create
from goldrush_pulumi.operations.identity import Claims, OwnershipTag
from goldrush_pulumi.operations.inventory import Inventory
from goldrush_pulumi.operations.journal import CreateJournal
from tests.support.clock import FakeClock
from tests.support.pipelines import spec_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from goldrush_pulumi.emulator import Emulator
    from tests.support.client import ScriptedClient

OWNER, STRANGER = "a" * 32, "b" * 32
STACK = "urn:pulumi:dev::shop::"
KIND = "pulumi-python:dynamic/goldrush:Pipeline"
URN = f"{STACK}{KIND}::base-swaps"
TAG = OwnershipTag.of(OWNER, URN)


def urn_of(name: str, parents: str = "") -> str:
    """The URN of a pipeline of the stack; `parents` are the types of its components, each with a `$` at its end."""
    return f"{STACK}{parents}{KIND}::{name}"


def context_of(
    client: ScriptedClient | GoldRushClient,
    clock: FakeClock | None = None,
    redact: Callable[[str], str] = str,
    **options: Any,
) -> OperationContext:
    """The context of a verb that speaks to `client`, waits by a clock of its own, and has one key for all pipelines."""
    options.setdefault("policies", Policies(failed_grace_seconds=20.0, stabilization_seconds=5.0))
    options.setdefault("claims", Claims())
    options.setdefault("journal", CreateJournal(None))
    options.setdefault("inventory", Inventory())
    return OperationContext(
        name="base-swaps",
        client=cast("GoldRushClient", client),
        clock=clock or FakeClock(),
        redact=redact,
        fingerprint_of=lambda pipeline_id: f"fingerprint of {pipeline_id}",
        now=lambda: "2026-01-01T00:00:00.000Z",
        **options,
    )


@dataclass
class Process:
    """One provider process of the stack that `owner` names: it remembers nothing of those before."""

    client: GoldRushClient
    warnings: list[str]
    owner: str | None = OWNER
    policies: Policies = field(default_factory=Policies)
    journal: CreateJournal = field(default_factory=lambda: CreateJournal(None))

    def __post_init__(self) -> None:
        self.claims, self.inventory = Claims(), Inventory()

    def context(self, urn: str = URN, clock: FakeClock | None = None, **options: Any) -> OperationContext:
        """The context of a verb of the process. `owners` are those on record; the stack's own is added."""
        owners = options.pop("owners", frozenset())
        return context_of(
            self.client,
            clock or FakeClock(),
            inventory=self.inventory,
            claims=self.claims,
            journal=self.journal,
            urn=urn,
            tag=OwnershipTag.of(self.owner, urn) if self.owner else None,
            owners=None if owners is None else owners | ({self.owner} if self.owner else set()),
            warn=self.warnings.append,
            policies=self.policies,
            **options,
        )


class Account:
    """One account on a server of its own."""

    def __init__(self, server: Emulator) -> None:
        self.server = server
        self.warnings: list[str] = []
        self._clients: list[GoldRushClient] = []

    def process(self, owner: str | None = OWNER, folder: Path | None = None, **policies: Any) -> Process:
        """A new provider process; `folder` is where its machine keeps the create journal."""
        client = GoldRushClient(
            service_key=self.server.service_key,
            base_url=self.server.base_url,
            rate_limiter=RateLimiter(100_000),
            retry_seconds=0.0,
        )
        self._clients.append(client)
        return Process(client, self.warnings, owner, Policies(**policies), CreateJournal(folder))

    def leave(self, urn: str = URN, owner: str = OWNER, **changes: Any) -> str:
        """Let a create of `urn` be cut off right after its POST, and return the id of the orphan."""
        process = self.process(owner, on_existing="create")
        return create(process.context(urn), spec_of(wait_for="none", **changes)).pipeline_id

    @property
    def ids(self) -> list[str]:
        """The pipelines on the server."""
        return [pipeline["id"] for pipeline in self.server.pipelines()]

    def held(self, pipeline_id: str) -> dict[str, Any]:
        """One pipeline as the server has it, in clear."""
        (found,) = [pipeline for pipeline in self.server.pipelines() if pipeline["id"] == pipeline_id]
        return found

    def sent(self) -> list[str]:
        """The methods of the requests so far that change something."""
        return [request.method for request in self.server.requests() if request.method != "GET"]

    def posts(self) -> int:
        """How many creates were sent."""
        return self.sent().count("POST")

    def close(self) -> None:
        for client in self._clients:
            client.close()

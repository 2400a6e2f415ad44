"""`Owner`: the identity of a stack, one tiny resource that every pipeline of the stack is marked with.

Neither organization, project nor stack names identify a stack: stacks are renamed, removed and made again. A random id
kept in state does. It is saved before any pipeline is created, because every pipeline depends on it.

`goldrush_pulumi.owner.make_owner_provider` is written into state, like the provider of pipelines: never rename it.
"""

from __future__ import annotations

import uuid
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from goldrush_pulumi import engine

_NAME = "goldrush"
_ATTRIBUTE = "_goldrush_owner"


def make_owner_provider() -> OwnerProvider:
    """The provider, as state remembers it: by this function's name alone."""
    return OwnerProvider()


class OwnerProvider(ResourceProvider):
    """Makes one random id and keeps it."""

    serialize_as_secret_always = False

    def __reduce__(self) -> tuple[Any, ...]:
        return make_owner_provider, ()

    @engine.verb
    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Nothing about an owner ever changes."""
        return DiffResult(changes=False)

    @engine.verb
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Called once per stack.

        Raises:
            engine.UserError: the run saves state only at its end. Killed before that it would lose this id, and with it
                the way to every pipeline that carries it; from the second run on the id is known already.
        """
        if engine.saves_state_late():
            raise engine.UserError(
                f"create Owner {_NAME}: with PULUMI_SKIP_CHECKPOINTS a first run that is killed leaves pipelines that"
                f" no later run finds; run `pulumi up --target '{engine.current_request().urn}'` once without it"
            )
        return CreateResult(uuid.uuid4().hex, dict(props))

    @engine.verb
    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Called only to finish what an engine thinks unfinished; there is nothing to do."""
        return UpdateResult(dict(news))

    @engine.verb
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """The owner lives in state alone, so it is always as it was."""
        return ReadResult(id_, dict(props), dict(props))

    @engine.verb
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """There is nothing behind an owner."""


class Owner(Resource, module="goldrush", name="Owner"):
    """The identity of the stack. Made by the first pipeline of a program; nobody else needs to."""


def stack_owner() -> pulumi.Output[str] | None:
    """The id of the running stack's owner, which is made on first use; None where the marks are turned off."""
    enabled = pulumi.Config("goldrush").get_bool("ownershipMark")
    if enabled is False:
        return None
    # On the stack's own object, so that programs that run several stacks in one process get one owner each.
    root = pulumi.runtime.get_root_resource()
    owner = getattr(root, _ATTRIBUTE, None)
    if owner is None:
        owner = Owner(make_owner_provider(), _NAME, {})
        if root is not None:
            setattr(root, _ATTRIBUTE, owner)
    return owner.id

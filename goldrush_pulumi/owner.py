"""`Owner`: the identity of a stack, a small resource that the ownership tag of every pipeline refers to.

The names of organization, project and stack don't identify a stack: stacks are renamed, removed and created again. A
random id kept in state does. It is saved before any pipeline is created, because every pipeline depends on it. The
names are recorded beside it for people; nothing is decided by them.

State holds the path `goldrush_pulumi.owner.make_owner_provider`, like that of the provider of pipelines: never rename
it.
"""

from __future__ import annotations

import uuid
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from goldrush_pulumi import engine
from goldrush_pulumi.schema.wire import PROVIDER

_NAME = "goldrush"
_ATTRIBUTE = "_goldrush_owner"
_CHECKED = "_goldrush_checked"


def make_owner_provider() -> OwnerProvider:
    """Return the provider. State refers to it by the name of this function."""
    return OwnerProvider()


class OwnerProvider(ResourceProvider):
    """Creates one random id and keeps it."""

    serialize_as_secret_always = False

    def __reduce__(self) -> tuple[Any, ...]:
        return make_owner_provider, ()

    @engine.verb
    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        """Return no changes: nothing about an owner ever changes."""
        return DiffResult(changes=False)

    @engine.verb
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Create the id, once per stack.

        Raises:
            engine.UserError: the run saves state only at its end. If it were killed before, this id would be lost, and
                no later run would find the pipelines that carry it. From the second run on, the id is in state.
        """
        if engine.saves_state_late():
            raise engine.UserError(
                f"create Owner {_NAME}: with PULUMI_SKIP_CHECKPOINTS, a first run that is killed leaves pipelines that"
                f" no later run finds; run `pulumi up --target '{engine.current_request().urn}'` once without it"
            )
        return CreateResult(uuid.uuid4().hex, dict(props))

    @engine.verb
    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Return the new properties. The engine only calls this to finish a create that it thinks unfinished."""
        return UpdateResult(dict(news))

    @engine.verb
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Return what state has: the owner exists nowhere else."""
        return ReadResult(id_, dict(props), dict(props))

    @engine.verb
    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Do nothing: the owner exists in state alone."""


class Owner(Resource, module="goldrush", name="Owner"):
    """The identity of the stack. The first pipeline of a program declares it; programs need not."""


def stack_owner() -> pulumi.Output[str] | None:
    """Return the id of the running stack's owner, declared on first use; None where ownership tags are turned off."""
    enabled = pulumi.Config("goldrush").get_bool("ownershipMark")
    if enabled is False:
        return None
    # On the stack's own object, so that programs that run several stacks in one process get one owner each.
    root = pulumi.runtime.get_root_resource()
    owner = getattr(root, _ATTRIBUTE, None)
    if owner is None:
        # For people who read the state; what the names were when the owner was made stays in its outputs.
        names = {
            "organization": pulumi.get_organization(),
            "project": pulumi.get_project(),
            "stack": pulumi.get_stack().rpartition("/")[2],
        }
        owner = Owner(make_owner_provider(), _NAME, names)
        if root is not None:
            setattr(root, _ATTRIBUTE, owner)
    return owner.id


async def warn_of_untargeted_owner() -> None:
    """Warn, once, when the engine passed over the stack's owner: a targeted pipeline cannot do without it.

    Only the first run of a stack with `--target` is in this situation. A program can't see the option, but a resource
    that was passed over has no known properties, not even those that it was given.
    """
    owner = getattr(pulumi.runtime.get_root_resource(), _ATTRIBUTE, None)
    given = getattr(owner, PROVIDER, None)
    if owner is None or not isinstance(given, pulumi.Output) or hasattr(owner, _CHECKED):
        return
    setattr(owner, _CHECKED, True)
    if not await given.is_known():
        urn = await owner.urn.future()
        pulumi.log.warn(f"create Owner {_NAME}: it is not targeted, but pipelines need it; add --target '{urn}'")

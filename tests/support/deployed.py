"""A pipeline that is deployed, its record in state, and the updates that go over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from goldrush_pulumi.operations.context import OperationFailed
from goldrush_pulumi.operations.create import create
from goldrush_pulumi.operations.outputs import outputs_of
from goldrush_pulumi.operations.update import update
from tests.support.account import OWNER
from tests.support.pipelines import spec_of

if TYPE_CHECKING:
    from goldrush_pulumi.operations.context import OperationContext
    from tests.support.account import Account


class DeployedPipeline:
    """One pipeline as state has it, and the updates that go over it, each in a process of its own."""

    def __init__(self, account: Account) -> None:
        self.account = account
        context = account.process().context()
        spec = spec_of()
        done = create(context, spec)
        self.id = done.pipeline_id
        self.outputs = outputs_of(spec, done, "f", {}, owners={OWNER})
        account.server.clear_requests()

    @property
    def server_has(self) -> dict[str, Any]:
        """The pipeline on the server, in clear."""
        return self.account.held(self.id)

    def up(self, context: OperationContext | None = None, **changes: Any) -> None:
        """Update to the inputs with `changes`, and record what the engine would."""
        spec, context = spec_of(**changes), context or self.account.process().context()
        try:
            done = update(context, self.id, self.outputs, spec)
        except OperationFailed as failure:
            self.outputs = outputs_of(
                spec,
                failure.progress,
                "f",
                self.outputs,
                owners={OWNER},
                unapplied=failure.unapplied,
                unconfirmed=failure.unconfirmed,
            )
            raise
        self.outputs = outputs_of(spec, done, "f", self.outputs, owners={OWNER})

    def fails(self, context: OperationContext | None = None, **changes: Any) -> OperationFailed:
        """The failure of an update that is recorded."""
        with pytest.raises(OperationFailed) as failed:
            self.up(context, **changes)
        return failed.value

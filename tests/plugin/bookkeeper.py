"""The engine's bookkeeping for one resource: what it sends to each verb, and what it records of each answer.

Every answer is searched for planted secrets on the way, those of failures too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.engine import unwrap_secrets
from tests.plugin.pipelines import leaks
from tests.plugin.resource_plugin import ResourcePlugin
from tests.plugin.wire import VerbError

if TYPE_CHECKING:
    from tests.plugin.harness import Plugin
    from tests.plugin.wire import Partial, Pending, Properties, RawResponse


@dataclass
class Resource:
    """One pipeline in the state of a stack. `errors` are the `initErrors` of a resource that is not as declared."""

    plugin: Plugin
    name: str = "swaps"
    id: str = ""
    inputs: Properties = field(default_factory=dict)
    outputs: Properties = field(default_factory=dict)
    errors: tuple[str, ...] = ()

    @property
    def clear(self) -> Properties:
        """The recorded outputs without the marks of secrets."""
        return as_sent(self.outputs)

    def up(self, program: Properties, *, timeout_seconds: float = 0.0) -> str:
        """Do what `pulumi up` does, and answer the steps taken: create, update, same or replace.

        Raises VerbError, with what it says about the resource recorded.
        """
        step, checked = self._plan(program)
        if step == "same":
            self.inputs = checked
            return step
        if step == "replace":
            self.destroy()
        self._send(checked, timeout_seconds).end()
        return step

    def preview(self, program: Properties) -> str:
        """Do what `pulumi preview` does, and answer the step that an `up` would take.

        The engine asks the plugin for what it will create or update; the dynamic host is asked nothing more.
        """
        step, checked = self._plan(program)
        if isinstance(self.plugin, ResourcePlugin) and step == "update":
            self.plugin.preview_update(self.name, self.id, self.outputs, checked)
        elif isinstance(self.plugin, ResourcePlugin) and step != "same":
            self.plugin.preview_create(self.name, checked)
        return step

    def begin(self, program: Properties, *, timeout_seconds: float = 0.0) -> Change:
        """Do what `pulumi up` does up to the create or update, without waiting for the answer."""
        step, checked = self._plan(program)
        assert step in {"create", "update"}, step
        return self._send(checked, timeout_seconds)

    def _plan(self, program: Properties) -> tuple[str, Properties]:
        checked = self.check(program)
        if not self.id:
            return "create", checked
        change = self.diff(checked)
        if change.replaces:
            return "replace", checked
        return ("same" if change.changes == "DIFF_NONE" and not self.errors else "update"), checked

    def check(self, program: Properties) -> Properties:
        """Answer the checked inputs; there must be no problem with them."""
        reply = self.plugin.check(self.name, program, self._sent(self.inputs) if self.id else None)
        assert reply.failures == ()
        return searched(reply).inputs

    def diff(self, checked: Properties) -> RawResponse:
        """Compare checked inputs with the record."""
        return self.plugin.diff(
            self.name, self.id, self._sent(self.outputs), self._sent(checked), old_inputs=self._sent(self.inputs)
        )

    def refresh(self) -> None:
        """Do what `pulumi refresh` does: a failed look that names the resource is recorded, not raised."""
        try:
            reply = searched(self.plugin.read(self.name, self.id, self._sent(self.outputs), self._sent(self.inputs)))
        except VerbError as error:
            partial = self._searched_partial(error)
            assert partial.inputs is not None
            self.outputs, self.inputs, self.errors = partial.properties, partial.inputs, partial.reasons
        else:
            self.id, self.outputs, self.errors = reply.id, reply.properties, ()
            self.inputs = reply.inputs

    def destroy(self, *, timeout_seconds: float = 0.0) -> None:
        """Do what `pulumi destroy` does."""
        self.begin_destroy(timeout_seconds=timeout_seconds).result()
        self.id, self.inputs, self.outputs, self.errors = "", {}, {}, ()

    def begin_destroy(self, *, timeout_seconds: float = 0.0) -> Pending:
        """Send the delete of a `pulumi destroy` without waiting for the answer."""
        outputs, inputs = self._sent(self.outputs), self._sent(self.inputs)
        return self.plugin.delete_async(self.name, self.id, outputs, old_inputs=inputs, timeout_seconds=timeout_seconds)

    def _send(self, checked: Properties, timeout_seconds: float) -> Change:
        sent = self._sent(checked)
        if not self.id:
            pending = self.plugin.create_async(self.name, sent, timeout_seconds=timeout_seconds)
        else:
            outputs, old = self._sent(self.outputs), self._sent(self.inputs)
            pending = self.plugin.update_async(
                self.name, self.id, outputs, sent, old_inputs=old, timeout_seconds=timeout_seconds
            )
        return Change(self, checked, pending)

    def record(self, checked: Properties, reply: RawResponse) -> None:
        """Record a create or an update that succeeded."""
        self.id = searched(reply).id or self.id
        self.inputs, self.outputs, self.errors = checked, reply.properties, ()

    def record_failure(self, checked: Properties, error: VerbError) -> None:
        """Record what a failed create or update says of a pipeline that exists but is not as declared."""
        if error.partial is None:
            return
        partial = self._searched_partial(error)
        if not self.id:
            # After a failed update the engine keeps the old inputs.
            self.id, self.inputs = partial.id, checked
        self.outputs, self.errors = partial.properties, partial.reasons

    def _searched_partial(self, error: VerbError) -> Partial:
        if error.partial is None:
            raise error
        assert error.partial.has_provider is not self.plugin.accepts_secrets
        assert leaks([error.text, error.partial.reasons, error.partial.properties, error.partial.inputs]) == []
        return error.partial

    def _sent(self, properties: Properties) -> Properties:
        """Return recorded properties as the engine sends them: marks of secrets only where the plugin takes them."""
        return properties if self.plugin.accepts_secrets else as_sent(properties)


@dataclass(frozen=True)
class Change:
    """A create or an update on its way."""

    resource: Resource
    checked: Properties
    pending: Pending

    def end(self) -> None:
        """Wait for the answer, and record what it says. Raises VerbError."""
        try:
            self.resource.record(self.checked, self.pending.result())
        except VerbError as error:
            self.resource.record_failure(self.checked, error)
            raise


def searched(reply: RawResponse) -> RawResponse:
    """Return a reply in which no planted secret stands in clear."""
    assert leaks([reply.properties, reply.inputs, reply.failures]) == []
    return reply


def as_sent(properties: Properties) -> dict[str, Any]:
    """Return properties without the marks of secrets, as the engine sends them to a dynamic provider."""
    sent: dict[str, Any] = unwrap_secrets(properties)
    return sent

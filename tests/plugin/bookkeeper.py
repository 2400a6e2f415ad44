"""The engine's bookkeeping for one resource: what it sends to each verb, and what it records of each answer.

Every answer is searched for planted secrets on the way, those of failures too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.engine import unwrap_secrets
from tests.plugin.pipelines import leaks
from tests.plugin.wire import VerbError

if TYPE_CHECKING:
    from tests.plugin.harness import Plugin
    from tests.plugin.wire import Partial, Properties, RawResponse


@dataclass
class Resource:
    """One pipeline in the state of a stack. `errors` are the `initErrors` of a resource that is not as wished."""

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
        checked = self.check(program)
        if not self.id:
            self._create(checked, timeout_seconds)
            return "create"
        change = self.diff(checked)
        if change.replaces:
            self.destroy()
            self._create(checked, timeout_seconds)
            return "replace"
        if change.changes == "DIFF_NONE" and not self.errors:
            self.inputs = checked
            return "same"
        self._update(checked, timeout_seconds)
        return "update"

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

    def destroy(self) -> None:
        """Do what `pulumi destroy` does."""
        self.plugin.delete(self.name, self.id, self._sent(self.outputs), old_inputs=self._sent(self.inputs))
        self.id, self.inputs, self.outputs, self.errors = "", {}, {}, ()

    def _create(self, checked: Properties, timeout_seconds: float) -> None:
        try:
            reply = searched(self.plugin.create(self.name, self._sent(checked), timeout_seconds=timeout_seconds))
        except VerbError as error:
            if error.partial is not None:
                self.record_partial_create(checked, error)
            raise
        self.id, self.inputs, self.outputs, self.errors = reply.id, checked, reply.properties, ()

    def record_partial_create(self, checked: Properties, error: VerbError) -> None:
        """Record a pipeline that exists but is not as wished."""
        partial = self._searched_partial(error)
        self.id, self.inputs, self.outputs, self.errors = partial.id, checked, partial.properties, partial.reasons

    def _update(self, checked: Properties, timeout_seconds: float) -> None:
        old = self._sent(self.inputs)
        try:
            reply = self.plugin.update(
                self.name,
                self.id,
                self._sent(self.outputs),
                self._sent(checked),
                old_inputs=old,
                timeout_seconds=timeout_seconds,
            )
        except VerbError as error:
            if error.partial is not None:
                partial = self._searched_partial(error)
                # The engine keeps the old inputs.
                self.outputs, self.errors = partial.properties, partial.reasons
            raise
        self.inputs, self.outputs, self.errors = checked, searched(reply).properties, ()

    def _searched_partial(self, error: VerbError) -> Partial:
        if error.partial is None:
            raise error
        assert error.partial.has_provider is not self.plugin.accepts_secrets
        assert leaks([error.text, error.partial.reasons, error.partial.properties, error.partial.inputs]) == []
        return error.partial

    def _sent(self, properties: Properties) -> Properties:
        """Return recorded properties as the engine sends them: marks of secrets only where the plugin takes them."""
        return properties if self.plugin.accepts_secrets else as_sent(properties)


def searched(reply: RawResponse) -> RawResponse:
    """Return a reply in which no planted secret stands in clear."""
    assert leaks([reply.properties, reply.inputs, reply.failures]) == []
    return reply


def as_sent(properties: Properties) -> dict[str, Any]:
    """Return properties without the marks of secrets, as the engine sends them to a dynamic provider."""
    sent: dict[str, Any] = unwrap_secrets(properties)
    return sent

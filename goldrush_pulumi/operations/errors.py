"""The errors that a verb raises on purpose; each front-end turns them into the reply its host understands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class UserError(Exception):
    """An error that reaches the user exactly as written; several lines are fine."""


class InitFailed(Exception):  # noqa: N818 - the engine's own word for it is "init failed"
    """The resource exists but is not in the desired state: the engine records it and continues with the next `up`.

    Raised by create, update and read. `outputs` and `inputs` are plain values and may hold marked secrets (see
    `schema.wire.secret`). `reasons` are stored in the state in clear and shown to the user, one bullet each, so they
    must already be free of secrets. `inputs` matters to read only: the engine takes them as the resource's new inputs
    (None: keeps those it has).
    """

    def __init__(
        self,
        id: str,  # noqa: A002 - Pulumi's name for it
        outputs: Mapping[str, Any],
        reasons: Sequence[str],
        inputs: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__("\n".join(reasons))
        self.id = id
        self.outputs = outputs
        self.reasons = tuple(reasons)
        self.inputs = inputs

    def __repr__(self) -> str:
        return f"InitFailed(id={self.id!r}, reasons={len(self.reasons)})"

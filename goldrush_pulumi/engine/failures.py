"""The exceptions a verb raises on purpose; `verb` turns each into the reply the engine understands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class UserError(Exception):
    """An error whose text reaches the user exactly as written; several lines are fine."""


class EngineGone(UserError):  # noqa: N818 - a state of affairs, caught by name
    """The engine that asked for this verb no longer listens: nothing more may be changed on its behalf."""


class InitFailed(Exception):  # noqa: N818 - the engine's own word for it is "init failed"
    """The resource exists but is not in the wished state: the engine records it and continues with the next `up`.

    Raised by create, update or read. `outputs` and `inputs` are plain values and may hold raw secret dicts (see
    `secret`). `reasons` are stored in the state in clear and shown to the user, one bullet each, so they must already
    be free of secrets. `inputs` matters to read only: the engine takes them as the resource's new inputs (None: keeps
    those it has).
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

"""The settings of a provider: one row for each `goldrush:*` value of a stack's config.

The loader, the schema of the plugin's `Provider` and the table of the documentation read these rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting.

    Attributes:
        name: Its key in config, without `goldrush:`.
        shape: What its value looks like, once read from the text that config holds.
        description: What it is for, one sentence for people.
        default: The value where config says nothing; None where there is no fixed one.
        default_text: The default for people, where it is computed.
        minimum: Least number.
        maximum: Greatest number.
        choices: The values that a string may have; empty means any.
        secret: Whether it is a credential.
        variable: The environment variable that serves where config says nothing.
    """

    name: str
    shape: Literal["string", "number", "integer", "boolean"]
    description: str
    default: str | float | bool | None = None
    default_text: str = ""
    minimum: float = 0.0
    maximum: float = 600.0
    choices: tuple[str, ...] = ()
    secret: bool = False
    variable: str = ""

    @property
    def attribute(self) -> str:
        """Return its name in Python."""
        return re.sub(r"(?=[A-Z])", "_", self.name).lower()

    @property
    def is_number(self) -> bool:
        """Return whether its value lies between `minimum` and `maximum`."""
        return self.shape in {"number", "integer"}


SETTINGS: Final[Mapping[str, Setting]] = MappingProxyType(
    {
        row.name: row
        for row in (
            Setting(
                name="serviceKey",
                shape="string",
                description="ServiceKey of the account.",
                default_text="required",
                secret=True,
                variable="GOLDRUSH_SERVICE_KEY",
            ),
            Setting(
                name="baseUrl",
                shape="string",
                description="Address of the API.",
                default_text="GoldRush's own",
                variable="GOLDRUSH_BASE_URL",
            ),
            Setting(
                name="ownershipMark",
                shape="boolean",
                description="Whether new pipelines carry the ownership tag of their stack.",
                default=True,
            ),
            Setting(
                name="requestsPerSecond",
                shape="number",
                description="Upper bound of requests to the account, of all threads together.",
                default=20.0,
                minimum=0.1,
                maximum=1000.0,
            ),
            Setting(
                name="failedGraceSeconds",
                shape="number",
                description="How long FAILED must last before it ends a wait, in seconds.",
                default=20.0,
            ),
            Setting(
                name="stabilizationSeconds",
                shape="number",
                description="How long RUNNING must hold after a change that did not move the start time, in seconds.",
                default=5.0,
            ),
            Setting(
                name="retrySeconds",
                shape="number",
                description="How long a request is retried while GoldRush cannot be reached or is in trouble, in"
                " seconds.",
                default=60.0,
            ),
            Setting(
                name="recoverySeconds",
                shape="number",
                description="How long to look for a pipeline when its POST got no response, in seconds.",
                default=30.0,
            ),
            Setting(
                name="parallel",
                shape="integer",
                description="How many pipelines may be worked on at the same time.",
                default=256,
                minimum=1.0,
                maximum=1024.0,
            ),
            Setting(
                name="onExisting",
                shape="string",
                description="What create does when a pipeline of the same project and name exists that is not ours:"
                " `fail` or `create` another one.",
                default="fail",
                choices=("fail", "create"),
            ),
            Setting(
                name="adoptForeign",
                shape="boolean",
                description="Whether adoption may take over a pipeline of another stack.",
                default=False,
            ),
        )
    }
)
"""Every setting by its name."""

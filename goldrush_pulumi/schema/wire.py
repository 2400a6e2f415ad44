"""The constants that GoldRush, the Pulumi engine and state files agree on, and the one reader of times.

What stands here is written into users' state or sent over the wire: a value never changes, and a name that state files
hold is never reused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from typing_extensions import TypeIs

MASK: Final = "******"
"""What the API shows in place of a credential. Never written to state, never sent back."""

SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"
"""The key by which the engine recognizes a value with a special meaning. Source: the Pulumi SDK, `runtime/rpc.py`."""

SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a public marker of the wire protocol
"""What stands under `SIGNATURE_KEY` where the value is a secret."""

UNKNOWN_VALUE: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What stands in place of a string that is only known after other resources exist."""

PROVIDER: Final = "__provider"
"""Property in which the SDK keeps the pickled provider; no verb works on a resource that has lost it."""

OWNER: Final = "__owner"
"""Hidden input: the id of the stack's `Owner`. Without it a pipeline carries no ownership tag."""

SECRET_PATHS: Final = "__secrets"  # noqa: S105 - the name of a property
"""Hidden input: the paths, each a list of keys, of the values that the program itself marked as secret. The engine
strips such marks before a verb is called, so this is the only way a verb learns of them."""

KEY_FINGERPRINT: Final = "__key_fingerprint"
"""Hidden output: a fingerprint of the ServiceKey and the endpoint that a pipeline was last deployed with."""

TAG_OWNER: Final = "__tag_owner"
"""Hidden output: the owner that the pipeline's ownership tag named when it was last recorded."""

UNCONFIRMED: Final = "__unconfirmed"
"""Hidden output: the inputs that were sent without a sign that GoldRush took them; the next update sends them again."""

SIBLINGS: Final = "__siblings"
"""Hidden input beside `adopt_id`: the names of the other pipelines of the program."""

HIDDEN_INPUTS: Final = (OWNER, SECRET_PATHS, SIBLINGS)
"""The inputs that no user sees."""

HIDDEN: Final = frozenset({PROVIDER, *HIDDEN_INPUTS, KEY_FINGERPRINT, TAG_OWNER, UNCONFIRMED})
"""Every property that no user sees."""

DYNAMIC_PREFIX: Final = "pulumi-python:dynamic/"
PIPELINE_TYPE: Final = f"{DYNAMIC_PREFIX}goldrush:Pipeline"
"""Type of a pipeline of the dynamic provider in state."""
PLUGIN_PIPELINE_TYPE: Final = "goldrush:index:Pipeline"
"""Type of a pipeline of the plugin in state."""
PLUGIN_PROVIDER_TYPE: Final = "pulumi:providers:goldrush"
"""Type of the plugin's provider in state; its id is the owner of the stack's pipelines."""
OWNER_TYPE: Final = f"{DYNAMIC_PREFIX}goldrush:Owner"
"""Type of a stack's owner in state."""

OWNERSHIP_TAG: Final = re.compile(r"\s?\[pulumi:[^\]]*\]?\s*$")
"""The ownership tag at the end of a description, whole or with its end cut off by the server."""


def read_time(text: str) -> datetime | None:
    """Return a time of the API, which ends in `Z` or in an offset; None when it cannot be read.

    A time without either is UTC.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def secret(value: object) -> dict[str, Any]:
    """Mark `value` as secret in inputs or outputs, so that the engine encrypts it in the state.

    The mark is the wire protocol's own form, which the engine honors at any depth of what a verb returns. A value that
    is already marked is returned as it is.
    """
    return value if is_secret(value) else {SIGNATURE_KEY: SECRET_SIGNATURE, "value": value}


def is_secret(value: object) -> TypeIs[dict[str, Any]]:
    """Return whether `value` is marked as secret."""
    return isinstance(value, dict) and value.get(SIGNATURE_KEY) == SECRET_SIGNATURE


def unwrap_secrets(value: Any) -> Any:
    """Return `value` with every secret mark taken off, at any depth: the inverse of `secret`."""
    if is_secret(value):
        return unwrap_secrets(value.get("value"))
    if isinstance(value, Mapping):
        return {key: unwrap_secrets(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [unwrap_secrets(item) for item in value]
    return value

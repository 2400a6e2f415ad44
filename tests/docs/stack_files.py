"""Stack files as the tests of the documentation read them."""

from __future__ import annotations

from typing import Any


def decrypted(value: Any, made_up: str = "made up") -> Any:
    """A stack file's value with made-up texts in place of encrypted ones."""
    if isinstance(value, dict):
        return made_up if set(value) == {"secure"} else {key: decrypted(item, made_up) for key, item in value.items()}
    return [decrypted(item, made_up) for item in value] if isinstance(value, list) else value

"""The settings of the stack as a program sees them: read for look-ups, and checked once in every run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pulumi
from pulumi.runtime import config as runtime_config

from goldrush_pulumi.settings import NAMESPACE, SETTINGS, unknown_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

_CHECKED: Final = "_goldrush_settings_checked"


def stack_settings() -> dict[str, str]:
    """Return the `goldrush:*` values of the stack's config by their full keys.

    Raises:
        pulumi.RunError: config has an unknown setting.
    """
    check_stack_settings()
    config = pulumi.Config(NAMESPACE)
    values = {setting.key: config.get(setting.name) for setting in SETTINGS.values()}
    return {key: value for key, value in values.items() if value is not None}


def check_stack_settings() -> None:
    """Refuse unknown settings, and warn of a ServiceKey in clear; once per run of a stack.

    Raises:
        pulumi.RunError: config has an unknown setting.
    """
    # On the stack's own object, so that programs that run several stacks in one process have each checked.
    root = pulumi.runtime.get_root_resource()
    if getattr(root, _CHECKED, False):
        return
    problems = unknown_settings(_config_keys(), pulumi.get_project())
    if problems:
        raise pulumi.RunError("\n".join(problems))
    key = SETTINGS["service_key"].key
    if runtime_config.get_config(key) and not pulumi.runtime.is_config_secret(key):
        pulumi.log.warn(
            f"{key} is not encrypted: the stack file, the state and its history hold the ServiceKey in clear; run"
            f" `pulumi config set --secret {key}`, and make a new key"
        )
    if root is not None:
        setattr(root, _CHECKED, True)


def _config_keys() -> set[str]:
    """Return the keys of the stack's config, as far as the SDK shows them."""
    keys: set[str] = set()
    own = getattr(runtime_config, "CONFIG", None)
    values: tuple[Mapping[str, object] | None, ...] = (
        own.get() if own is not None else None,
        pulumi.runtime.get_config_env(),
    )
    for known in values:
        keys.update(known or {})
    return keys

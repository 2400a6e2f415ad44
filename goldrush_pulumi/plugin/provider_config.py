"""The settings of a provider as the engine sends them: those of the stack's config, or of an explicit provider."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from goldrush_pulumi.operations.call import is_unknown_value
from goldrush_pulumi.plugin.values import decode, encode
from goldrush_pulumi.schema.wire import secret, unwrap_secrets
from goldrush_pulumi.settings import SETTING_NAMES, SETTINGS, SettingsError, load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf import struct_pb2


def config_texts(config: struct_pb2.Struct) -> dict[str, str]:
    """Return settings by their full key, such as "goldrush:baseUrl", each as the text that config would hold.

    What is not known yet is left out.
    """
    values: Mapping[str, Any] = unwrap_secrets(decode(config))
    return {
        f"goldrush:{name}": _text(value)
        for name, value in values.items()
        if name in SETTING_NAMES and value is not None and not is_unknown_value(value)
    }


def config_with_secrets(config: struct_pb2.Struct) -> struct_pb2.Struct:
    """Return settings with every credential marked as secret."""
    values = decode(config)
    return encode({name: secret(item) if _is_secret(name, item) else item for name, item in values.items()})


def find_config_problems(config: struct_pb2.Struct, project: str) -> list[str]:
    """Return what is wrong with the settings that are given to a provider of `project`, one line each."""
    # The key may come from the environment of a later run, and a preview of functions needs none.
    texts = {"goldrush:serviceKey": "not needed yet", **config_texts(config)}
    # The engine's own two arrive among them.
    names = [name for name in config.fields if name not in {"version", "pluginDownloadURL"}]
    try:
        load_settings(texts.get, os.environ, [f"goldrush:{name}" for name in names], project)
    except SettingsError as error:
        return str(error).splitlines()
    return []


def _is_secret(name: str, value: Any) -> bool:
    return value is not None and any(row.name == name and row.is_secret for row in SETTINGS.values())


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)

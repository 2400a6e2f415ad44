"""Where the ServiceKey, the endpoint and the policies come from.

In Pulumi's usual order: the arguments of an explicit provider, then the stack's config, then the environment. The first
two reach the provider process as one set of `goldrush:*` values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from goldrush_pulumi.schema.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

KEY_VARIABLE: Final = SETTINGS["serviceKey"].variable
BASE_URL_VARIABLE: Final = SETTINGS["baseUrl"].variable


class SettingsError(Exception):
    """A setting is missing or cannot be used; the text names it and says what would be right, one line per problem."""


@dataclass(frozen=True)
class Settings:
    """What steers a provider process or a command.

    Attributes:
        service_key: The ServiceKey.
        key_source: Where it came from, for messages.
        base_url: The endpoint, with a trailing slash.
        requests_per_second: Upper bound of requests to the account, of all threads together.
        failed_grace_seconds: How long FAILED must last before it ends a wait.
        stabilization_seconds: How long RUNNING must hold after a change that did not move `start_time`.
        retry_seconds: How long one request is tried again while GoldRush cannot be reached or is in trouble.
        recovery_seconds: How long a pipeline is looked for whose POST got no answer.
        parallel: How many pipelines may be worked on at the same time.
        on_existing: "fail" or "create", when a pipeline of the same project and name is there that is not ours.
        adopt_foreign: Whether `adopt_id` may take over a pipeline of another stack.
    """

    service_key: str = field(repr=False)
    key_source: str
    base_url: str
    requests_per_second: float = 20.0
    failed_grace_seconds: float = 20.0
    stabilization_seconds: float = 5.0
    retry_seconds: float = 60.0
    recovery_seconds: float = 30.0
    parallel: int = 256
    on_existing: str = "fail"
    adopt_foreign: bool = False


def load_settings(config: Callable[[str], str | None], environment: Mapping[str, str]) -> Settings:
    """The settings from `goldrush:*` config values and the environment.

    `config` answers the value of a full key such as "goldrush:baseUrl", or None.

    Raises:
        SettingsError: the key is missing, or a value is out of range; all problems at once.
    """
    from goldrush_pulumi.api import DEFAULT_BASE_URL  # noqa: PLC0415 - the API client is loaded when it is needed

    problems: list[str] = []
    service_key, source = _first(config, environment, "goldrush:serviceKey", KEY_VARIABLE)
    if not service_key:
        problems.append(
            "goldrush:serviceKey: no ServiceKey is set; run `pulumi config set --secret goldrush:serviceKey`"
            f" or set {KEY_VARIABLE}"
        )
    base_url, _ = _first(config, environment, "goldrush:baseUrl", BASE_URL_VARIABLE)
    numbers = {row.attribute: _number(config, key, problems) for key, row in SETTINGS.items() if row.is_number}
    on_existing = _choice(config, "onExisting", SETTINGS["onExisting"].choices, problems)
    adopt_foreign = _choice(config, "adoptForeign", ("false", "true"), problems) == "true"
    if problems:
        raise SettingsError("\n".join(problems))
    return Settings(
        service_key=service_key,
        key_source=source,
        base_url=_with_slash(base_url or DEFAULT_BASE_URL),
        requests_per_second=numbers["requests_per_second"],
        failed_grace_seconds=numbers["failed_grace_seconds"],
        stabilization_seconds=numbers["stabilization_seconds"],
        retry_seconds=numbers["retry_seconds"],
        recovery_seconds=numbers["recovery_seconds"],
        parallel=int(numbers["parallel"]),
        on_existing=on_existing,
        adopt_foreign=adopt_foreign,
    )


def parallel_setting(config: Callable[[str], str | None]) -> int:
    """`goldrush:parallel` alone, or its default where it is missing or wrong: needed before anything can be refused."""
    return int(_number(config, "parallel", []))


def _first(
    config: Callable[[str], str | None], environment: Mapping[str, str], key: str, variable: str
) -> tuple[str, str]:
    value = (config(key) or "").strip()
    if value:
        return value, f"config {key}"
    return environment.get(variable, "").strip(), f"environment variable {variable}"


def _number(config: Callable[[str], str | None], key: str, problems: list[str]) -> float:
    row = SETTINGS[key]
    default = float(row.default or 0.0)
    text = config(f"goldrush:{key}")
    if text is None:
        return default
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not row.minimum <= number <= row.maximum:
        problems.append(
            f"goldrush:{key}: is not a number from {row.minimum:g} to {row.maximum:g}; the default is {default:g}"
        )
        return default
    return number


def _choice(config: Callable[[str], str | None], key: str, choices: tuple[str, ...], problems: list[str]) -> str:
    """One of `choices`, the first of which is the default."""
    text = config(f"goldrush:{key}")
    if text is None or text in choices:
        return text or choices[0]
    problems.append(f"goldrush:{key}: is none of {', '.join(choices)}; the default is {choices[0]}")
    return choices[0]


def _with_slash(url: str) -> str:
    return url if url.endswith("/") else f"{url}/"

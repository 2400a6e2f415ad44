"""`Provider`: a second GoldRush account in one program."""

from __future__ import annotations

from typing import Any

import pulumi

from goldrush_pulumi.settings import SETTINGS


class Provider(pulumi.ProviderResource):
    """A second account, for the pipelines that get it as `opts.provider`.

    Its settings come from its arguments and the environment alone, never from the stack's `goldrush:*` config. Passed
    to a component as `providers`, it serves all Python dynamic resources below it, including those of other packages:
    Pulumi knows one package for all of them.

    Args:
        resource_name: Name of the provider in the stack.
        opts: Options of the resource.
        service_key: ServiceKey of the account; keep it encrypted.
        base_url: URL of the API, when it is not GoldRush's own.
        requests_per_second: Most requests to the account per second, of all pipelines together.
        failed_grace_seconds: How long FAILED must last before it ends a wait, in seconds.
        stabilization_seconds: How long RUNNING must last after a change that did not move `start_time`, in seconds.
        retry_seconds: How long a request is repeated while GoldRush cannot be reached or fails, in seconds.
        recovery_seconds: How long to look for a pipeline after a create without a response, in seconds.
        parallel: How many pipelines may be worked on at the same time.
        on_existing: What to do when another pipeline of the same project and name exists.
        adopt_foreign: Whether a pipeline with another stack's ownership tag may be adopted, changed and deleted.
    """

    def __init__(
        self,
        resource_name: str,
        opts: pulumi.ResourceOptions | None = None,
        *,
        service_key: pulumi.Input[str],
        base_url: pulumi.Input[str] | None = None,
        requests_per_second: pulumi.Input[float] | None = None,
        failed_grace_seconds: pulumi.Input[float] | None = None,
        stabilization_seconds: pulumi.Input[float] | None = None,
        retry_seconds: pulumi.Input[float] | None = None,
        recovery_seconds: pulumi.Input[float] | None = None,
        parallel: pulumi.Input[int] | None = None,
        on_existing: pulumi.Input[str] | None = None,
        adopt_foreign: pulumi.Input[bool] | None = None,
    ) -> None:
        given = {
            "service_key": pulumi.Output.secret(service_key),
            "base_url": base_url,
            "requests_per_second": requests_per_second,
            "failed_grace_seconds": failed_grace_seconds,
            "stabilization_seconds": stabilization_seconds,
            "retry_seconds": retry_seconds,
            "recovery_seconds": recovery_seconds,
            "parallel": parallel,
            "on_existing": on_existing,
            "adopt_foreign": adopt_foreign,
        }
        self.settings: dict[str, pulumi.Output[str]] = {
            SETTINGS[name].key: pulumi.Output.from_input(value).apply(_as_config_string)
            for name, value in given.items()
            if value is not None
        }
        super().__init__("pulumi-python", resource_name, dict(self.settings), opts)


def _as_config_string(value: Any) -> str:
    """Write a setting as config stores it, which is always a string."""
    return str(value).lower() if isinstance(value, bool) else str(value)

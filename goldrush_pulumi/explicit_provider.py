"""`Provider`: a second GoldRush account in one program."""

from __future__ import annotations

from typing import Any

import pulumi


class Provider(pulumi.ProviderResource):
    """A second account, for the pipelines that get it as `opts.provider`.

    Its settings come from its arguments and the environment alone, never from the stack's `goldrush:*` config. Given to
    a component as `providers`, it serves all Python dynamic resources below it, also those of other packages: to
    Pulumi, all of them belong to one package.
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
        on_existing: pulumi.Input[str] | None = None,
        adopt_foreign: pulumi.Input[bool] | None = None,
    ) -> None:
        """Declare an account.

        Args:
            resource_name: Name of the provider in the stack.
            opts: Options of the resource.
            service_key: The account's ServiceKey; always kept as a secret.
            base_url: The account's endpoint (default: the public one).
            requests_per_second: Upper bound of requests to the account (default 20).
            failed_grace_seconds: How long FAILED must last to count (default 20).
            stabilization_seconds: How long RUNNING must hold after a change that moved nothing (default 5).
            on_existing: "fail" (default) or "create" when a pipeline of the same project and name is there.
            adopt_foreign: Whether `adopt_id` may take over a pipeline of another stack (default False).
        """
        settings: dict[str, Any] = {
            "serviceKey": pulumi.Output.secret(service_key),
            "baseUrl": base_url,
            "requestsPerSecond": requests_per_second,
            "failedGraceSeconds": failed_grace_seconds,
            "stabilizationSeconds": stabilization_seconds,
            "onExisting": on_existing,
            "adoptForeign": adopt_foreign,
        }
        self.settings: dict[str, pulumi.Output[str]] = {
            f"goldrush:{key}": pulumi.Output.from_input(value).apply(_as_config_text)
            for key, value in settings.items()
            if value is not None
        }
        super().__init__("pulumi-python", resource_name, dict(self.settings), opts)


def _as_config_text(value: Any) -> str:
    """Return a setting as stack config would hold it: config holds strings only."""
    return str(value).lower() if isinstance(value, bool) else str(value)

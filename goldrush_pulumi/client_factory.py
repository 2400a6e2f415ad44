"""From settings to what works by them: the one place where clients and policies are made.

The provider, look-ups and the command line all come here, so that a setting means the same to each of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from goldrush_pulumi.api import GoldRushClient
    from goldrush_pulumi.operations.context import Policies
    from goldrush_pulumi.settings import Settings


def open_client(
    settings: Settings,
    *,
    cancelled: threading.Event | None = None,
    before_change: Callable[[], None] | None = None,
    retry_seconds: float | None = None,
    share: float = 1.0,
    max_connections: int | None = None,
) -> GoldRushClient:
    """Make the client of an account; nothing is opened before its first call.

    Args:
        settings: The settings of the account.
        cancelled: Ends every wait of the client once it is set.
        before_change: Called right before every request that changes something.
        retry_seconds: How long to repeat a failed request, in seconds, instead of what the settings say.
        share: The part of the account's request rate to use.
        max_connections: How many connections to keep, instead of one for each pipeline that is worked on.

    Raises:
        api.ConfigurationError: the key or the base URL cannot be used.
    """
    from goldrush_pulumi.api import GoldRushClient, RateLimiter  # noqa: PLC0415 - loads the network stack

    return GoldRushClient(
        service_key=settings.service_key,
        base_url=settings.base_url,
        key_source=settings.key_source,
        cancelled=cancelled,
        before_change=before_change,
        rate_limiter=RateLimiter(settings.requests_per_second * share, cancelled=cancelled),
        max_connections=settings.parallel if max_connections is None else max_connections,
        retry_seconds=settings.retry_seconds if retry_seconds is None else retry_seconds,
    )


def policies_of(settings: Settings) -> Policies:
    """Return the choices that waits and look-ups follow."""
    from goldrush_pulumi.operations.context import Policies  # noqa: PLC0415 - only what changes pipelines pays for it

    return Policies(
        failed_grace_seconds=settings.failed_grace_seconds,
        stabilization_seconds=settings.stabilization_seconds,
        on_existing=settings.on_existing,
        adopt_foreign=settings.adopt_foreign,
        recovery_seconds=settings.recovery_seconds,
    )

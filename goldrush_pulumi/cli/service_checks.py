"""ServiceKey, endpoint and clock, by one cheap call."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

from goldrush_pulumi.api import APIError, ConnectionFailed, Forbidden, Unauthorized
from goldrush_pulumi.cli.findings import Finding, Level

if TYPE_CHECKING:
    from goldrush_pulumi.cli.account import Account

_SKEW_SECONDS: Final = 60.0


def check_service(account: Account) -> Iterator[Finding]:
    """Ask for one pipeline and judge the answer."""
    url = account.shown(account.settings.base_url)
    try:
        page = account.client.list_pipelines(page_size=1)
    except ConnectionFailed as error:
        advice = "check the network, goldrush:baseUrl, and HTTPS_PROXY where there is a proxy"
        yield Finding("endpoint", Level.WRONG, account.shown(error), advice)
        return
    except (Unauthorized, Forbidden) as error:
        yield Finding("endpoint", Level.OK, f"{url} answers")
        advice = "make a ServiceKey in the platform's account settings; an API key of another product does not work"
        yield Finding("ServiceKey", Level.WRONG, account.shown(error), advice)
        return
    except APIError as error:
        yield Finding("endpoint", Level.WRONG, account.shown(error), "check goldrush:baseUrl, or try again later")
        return
    yield Finding("endpoint", Level.OK, f"{url} answers")
    count = "" if page.total_count is None else f", pipelines that it sees: {page.total_count}"
    yield Finding("ServiceKey", Level.OK, f"accepted, from {account.settings.key_source}{count}")
    yield from _check_clock(page.updated_at)


def _check_clock(server_time: str) -> Iterator[Finding]:
    try:
        moment = datetime.fromisoformat(server_time.replace("Z", "+00:00"))
    except ValueError:
        return
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    seconds = (datetime.now(timezone.utc) - moment).total_seconds()
    if abs(seconds) > _SKEW_SECONDS:
        side = "ahead of" if seconds > 0 else "behind"
        text = f"this machine is {abs(seconds):,.0f} s {side} GoldRush"
        yield Finding("clock", Level.WARNING, text, "set the clock by NTP: certificates and run times depend on it")
    else:
        yield Finding("clock", Level.OK, f"within {_SKEW_SECONDS:.0f} s of GoldRush's")

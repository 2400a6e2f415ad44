"""Where requests may go: the base URL, and the URLs of pipelines below it."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

from goldrush_pulumi.api.errors import ConfigurationError, InvalidRequest

DEFAULT_BASE_URL: Final = "https://api.covalenthq.com/platform/pipeline-api/"
"""The Pipeline REST API. Source: page "Pipeline REST API", section Base URL."""


def usable_base_url(base_url: str) -> str:
    """Return the base URL with a trailing slash.

    Raises:
        ConfigurationError: it is not a plain http(s) URL, or would send the key unencrypted to another machine. The
            message leaves the URL out, since what is wrong may be a password in it.
    """
    parts = _parts(base_url)
    if not _is_plain(parts):
        raise ConfigurationError(
            "use base URL: it is not a plain http(s) URL without user, query and fragment,"
            f" write one such as {DEFAULT_BASE_URL}"
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ConfigurationError(
            f"use base URL: http would send the ServiceKey to {parts.hostname} unencrypted, write https"
        )
    return base_url if base_url.endswith("/") else f"{base_url}/"


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine: "localhost" or a loopback address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def pipeline_path(pipeline_id: str, view: str = "") -> str:
    """Return the path of a pipeline, or of one view of it, below the base URL; an id never leaves its own segment.

    Raises:
        InvalidRequest: the id is empty or made of dots, and would name the list or a folder above it.
    """
    if not pipeline_id.strip("."):
        reason = "the id is empty or made of dots"
        raise InvalidRequest("find pipeline", reason, advice="give one such as pipe_3e8678c5fc9e48a7bf9879ca729")
    segment = quote(pipeline_id, safe="", errors="replace")
    return f"{segment}/{view}/" if view else f"{segment}/"


def _parts(base_url: str) -> SplitResult:
    try:
        parts = urlsplit(base_url)
        # Reading the port is what checks it.
        return parts if parts.port != 0 else urlsplit("")
    except ValueError:
        return urlsplit("")


def _is_plain(parts: SplitResult) -> bool:
    is_http = parts.scheme in {"http", "https"} and bool(parts.hostname)
    text = parts.geturl()
    return is_http and "@" not in parts.netloc and "?" not in text and "#" not in text and _is_url_text(text)


def _is_url_text(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text and "\\" not in text

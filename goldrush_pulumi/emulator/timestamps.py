"""Times on the wire."""

from __future__ import annotations

from datetime import UTC, datetime


def iso_time(seconds: float) -> str:
    """Return an instant as ISO 8601 in UTC with microseconds and `Z`, as pipeline objects carry it."""
    return iso_time_with_offset(seconds).replace("+00:00", "Z")


def iso_time_with_offset(seconds: float) -> str:
    """Return an instant as ISO 8601 in UTC with microseconds and `+00:00`, as the list carries it."""
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="microseconds")

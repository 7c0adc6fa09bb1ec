"""Times as JSON has them: UTC in ISO 8601, to the millisecond."""

from __future__ import annotations

from datetime import UTC, datetime


def time_to_wire(ms: int | None) -> str | None:
    """Return milliseconds since the Unix epoch as UTC, e.g. ``2026-11-24T03:22:00.125Z``."""
    if ms is None:
        return None
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def time_from_wire(text: str | None) -> int | None:
    """Return milliseconds since the Unix epoch; the inverse of `time_to_wire`."""
    return None if text is None else round(datetime.fromisoformat(text).timestamp() * 1000)

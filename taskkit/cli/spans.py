"""Times and time spans as people type them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import typer

_SPAN = re.compile(r"(?P<count>\d+(?:\.\d+)?)\s*(?P<unit>s|m|min|h|d|w)?", re.IGNORECASE)
_SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}

LONGEST_S = 100 * 365 * 86_400.0


def seconds(text: str) -> float:
    """Return a time span in seconds: ``90``, ``90s``, ``10m``, ``2h``, ``3d``, ``1w``.

    >>> seconds("2h"), seconds("1.5 min")
    (7200.0, 90.0)

    Raises:
        typer.BadParameter: It is none.
    """
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise typer.BadParameter(f"{text!r} is no time span such as 90s, 10m, 2h or 3d")
    return min(LONGEST_S, float(match["count"]) * _SECONDS[(match["unit"] or "").lower()])


def since(text: str) -> datetime | timedelta:
    """Return a time, or how long ago it was; a time without a zone is the reader's own.

    Raises:
        typer.BadParameter: It is neither.
    """
    try:
        return timedelta(seconds=seconds(text))
    except typer.BadParameter:
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            told = f"{text!r} is neither a time span such as 2h nor a time such as 2026-11-24T03:22"
            raise typer.BadParameter(told) from None

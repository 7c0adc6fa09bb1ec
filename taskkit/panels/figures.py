"""Numbers as people read them."""

from __future__ import annotations

SPACE = "\N{NO-BREAK SPACE}"
"""Between a number and its unit, so that no line breaks there."""


def count(number: float) -> str:
    """Return an amount with at most three significant decimals, e.g. ``1,500`` or ``0.125``."""
    if float(number).is_integer() or abs(number) >= 1000:
        return f"{number:,.0f}"
    return f"{number:.3g}"


def amount(done: float, total: float | None) -> str:
    """Return how much is done of how much, e.g. ``3 of 5``; of an unknown total, ``3 done``."""
    return f"{count(done)}{SPACE}done" if total is None else f"{count(done)} of {count(total)}"


def percent(fraction: float) -> str:
    """Return a fraction in whole percent, rounded down: 100 % is said only when all is done."""
    return f"{int(fraction * 100 + 1e-9)}{SPACE}%"


def duration(ms: float) -> str:
    """Return a time that passed, in whole seconds or coarser, e.g. ``3 min 05 s``."""
    seconds = max(0, int(ms / 1000))
    if seconds < 60:
        return f"{seconds}{SPACE}s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes}{SPACE}min{SPACE}{seconds:02}{SPACE}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}{SPACE}h{SPACE}{minutes:02}{SPACE}min"
    days, hours = divmod(hours, 24)
    return f"{days}{SPACE}d{SPACE}{hours}{SPACE}h"


def total_duration(ms: float) -> str:
    """Return a time that is over, as `duration` but with a decimal where it is short."""
    if ms < 10_000:
        return f"{max(0.0, ms) / 1000:.1f}{SPACE}s"
    return duration(ms)


def since(started_at: int | None, finished_at: int | None, now_ms: int, *, is_good: bool) -> str:
    """Return how long something goes or went on, to follow the word of its state."""
    if started_at is None:
        return ""
    if finished_at is None:
        return f"for {duration(now_ms - started_at)}"
    return f"{'in' if is_good else 'after'} {total_duration(finished_at - started_at)}"


def time_left(ms: float) -> str:
    """Return an estimate no finer than it deserves, e.g. ``about 40 s left``."""
    seconds = max(0.0, ms / 1000)
    if seconds <= 10:
        return f"about{SPACE}{max(1, _up(seconds, 1))}{SPACE}s{SPACE}left"
    if seconds <= 60:
        text = duration(_up(seconds, 5) * 1000) if seconds <= 55 else f"1{SPACE}min"
    elif seconds <= 600:
        text = duration(_up(seconds, 10) * 1000)
    elif seconds <= 3600:
        text = f"{_up(seconds, 60) // 60}{SPACE}min"
    else:
        text = duration(_up(seconds, 300) * 1000)
    return f"about{SPACE}{text}{SPACE}left"


def _up(seconds: float, step: int) -> int:
    return -int(-seconds // step) * step


def rate(per_s: float, unit: str = "") -> str:
    """Return a speed: so many a second, or how long each takes where that is more than a second."""
    if per_s < 1:
        one = f"{SPACE}a{SPACE}{unit}" if unit else f"{SPACE}each"
        return f"{duration(1000 / per_s) if per_s < 0.1 else f'{1 / per_s:.1f}{SPACE}s'}{one}"
    number = f"{per_s:,.0f}" if per_s >= 100 else f"{per_s:.1f}"
    return f"{number}{SPACE}{unit}s/s" if unit else f"{number}/s"


def size(size_bytes: int) -> str:
    """Return a size in decimal units, e.g. ``1.2 MB``."""
    number = float(size_bytes)
    for unit in ("bytes", "kB", "MB"):
        if number < 1000:
            return f"{number:.3g}{SPACE}{unit}"
        number /= 1000
    return f"{number:,.1f}{SPACE}GB"

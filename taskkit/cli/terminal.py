"""How taskkit looks in a terminal: few colours, one glyph a meaning."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

console = Console(highlight=False, soft_wrap=True)

_COLOURS = {"redis": "magenta", "server": "cyan", "worker": "green"}
_WIDTH = 7


def good(name: str, text: str) -> None:
    """Print that something is as it should be."""
    console.print(Text.assemble(("  ✓ ", "green"), f"{name:<{_WIDTH - 1}} ", (text, "dim")))


def caution(text: str) -> None:
    """Print what the user should know before trusting it."""
    console.print(Text.assemble(("  ! ", "yellow"), text))


def note(text: str) -> None:
    """Print a quiet line."""
    console.print(Text(f"  {text}", style="dim"))


def log_line(part: str, line: str) -> None:
    """Print a line of a part's log behind the part's name."""
    colour = _COLOURS.get(part, "blue")
    console.print(Text.assemble((f"{part:<{_WIDTH}}│ ", colour), Text.from_ansi(line)))


def duration(seconds: float) -> str:
    """Return a time span as people say it: ``4 s``, ``12 min``, ``3 h 5 min``, ``2 d 3 h``."""
    whole = int(seconds)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86_400
    if minutes == 0:
        return f"{whole} s"
    if hours == 0:
        return f"{minutes} min"
    if days == 0:
        return f"{hours} h {minutes % 60} min"
    return f"{days} d {hours % 24} h"


def minute(ms: int) -> str:
    """Return a time, in ms since the Unix epoch, to the minute and in this machine's zone."""
    return datetime.fromtimestamp(ms / 1000).strftime("%Y-%m-%d %H:%M")


def short(path: Path) -> str:
    """Return a path with the home folder as ``~``."""
    try:
        return f"~/{path.relative_to(Path.home())}"
    except ValueError:
        return str(path)

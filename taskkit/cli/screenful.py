"""An overview as lines, as many as there is room for: a pure function."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.text import Text

from ..panels.figures import SPACE, duration
from ..protocol.workers import WorkerInfo
from . import listing
from .ids import short
from .lines import clean
from .overview import LISTED, Overview
from .waiting import running_line

MOST_WORKERS, MOST_FAILED, MOST_NEXT = 4, 5, 1_000
ENOUGH_RUNNING = 4
LEAST_WIDTH = 20


def screenful(
    seen: Overview,
    *,
    url: str,
    now_ms: int,
    width: int,
    height: int | None = None,
    trouble: str = "",
) -> list[Text]:
    """Return an overview in lines that fit `width`, `height` at most; None for all of them."""
    width = max(LEAST_WIDTH, width)
    head = [_title(url, now_ms, width), _counts(seen)]
    if trouble:
        head.insert(1, Text(f"  {trouble}", style="yellow"))
    for room in _rooms(len(seen.running) if height is None else min(len(seen.running), height)):
        sections = [
            head,
            _workers(seen.workers, room.workers),
            _running(seen, now_ms, width, room.running),
            _queued(seen, room.queued),
            _failed(seen, now_ms, room.failed),
        ]
        lines = [line for section in sections if section for line in (Text(), *section)][1:]
        if height is None or len(lines) <= height:
            break
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines if height is None else lines[:height]


class _Room(NamedTuple):
    """How many lines of each there may be; 0 for none of a section, its heading neither."""

    workers: int
    running: int
    queued: int
    failed: int


def _rooms(running: int) -> Iterator[_Room]:
    """Yield what may be shown, the most first: what runs is the last to go."""
    room = _Room(MOST_WORKERS, running, 1, MOST_FAILED)
    yield room
    for failed in reversed(range(1, MOST_FAILED)):
        yield (room := room._replace(failed=failed))
    for most in reversed(range(ENOUGH_RUNNING, running)):
        yield (room := room._replace(running=most))
    for less in ({"failed": 0}, {"workers": 1}, {"workers": 0}, {"queued": 0}):
        yield (room := room._replace(**less))
    for most in reversed(range(1, room.running)):
        yield room._replace(running=most)


def _title(url: str, now_ms: int, width: int) -> Text:
    clock = time.strftime("%H:%M:%S", time.localtime(now_ms / 1000))
    left = Text.assemble(("  taskkit", "bold"), (f"  {url}", "dim"))
    gap = max(2, width - left.cell_len - len(clock))
    return left.append(" " * gap).append(clock, style="dim")


def _counts(seen: Overview) -> Text:
    of = f" of the newest {LISTED}" if seen.is_more_queued else ""
    parts = [
        (_plural(seen.processes, "process", "es"), ""),
        (f"{len(seen.running)} running", "cyan" if seen.running else "dim"),
        (f"{len(seen.queued)} queued{of}", "" if seen.queued else "dim"),
    ]
    line = Text("  ")
    for place, (text, style) in enumerate(parts):
        line.append(" · " if place else "", style="dim").append(text, style=style)
    return line


def _workers(workers: Sequence[WorkerInfo], most: int) -> list[Text]:
    if not workers:
        return [Text("  no worker is there: `taskkit worker` starts one", style="yellow")]
    if not most:
        return []
    lines = [_heading("workers")]
    width = min(32, max(cell_len(clean(worker.name)) for worker in workers[:most]))
    for worker in workers[:most]:
        busy = min(worker.busy, worker.processes)
        shown = min(worker.processes, 16)
        filled = -(-busy * shown // worker.processes) if worker.processes else 0
        name = Text(clean(worker.name))
        name.truncate(width, overflow="ellipsis", pad=True)
        lines.append(
            Text.assemble(
                "  ",
                name,
                "  ",
                ("▪" * filled, "cyan"),
                ("▫" * (shown - filled), "dim"),
                (f"  Python {clean(worker.python, 12)}", "dim"),
            )
        )
    return _with_more(lines, len(workers) - most)


def _running(seen: Overview, now_ms: int, width: int, most: int) -> list[Text]:
    lines = [_heading("running")]
    if not seen.running:
        return [*lines, Text("  nothing", style="dim")]
    lines += [
        running_line(record, seen.paces.get(record.id), now_ms, width)
        for record in seen.running[:most]
    ]
    return _with_more(lines, len(seen.running) - most)


def _queued(seen: Overview, most: int) -> list[Text]:
    if not seen.queued or not most:
        return []
    names = [clean(record.title, 40) for record in seen.queued[:MOST_NEXT]]
    more = ", …" if len(names) < len(seen.queued) else ""
    return [_heading("next"), Text(f"  {_counted(names)}{more}")]


def _failed(seen: Overview, now_ms: int, most: int) -> list[Text]:
    if not seen.failed or not most:
        return []
    lines = [_heading("failed lately")]
    for record in seen.failed[:most]:
        ago = duration(now_ms - (record.finished_at or now_ms)).replace(SPACE, " ")
        name = Text(clean(record.title, 60))
        name.truncate(16, overflow="ellipsis", pad=True)
        lines.append(
            Text.assemble(
                (f"  {short(record.id)}  ", "dim"), name, (f"  {ago + ' ago':>15}  ", "dim")
            ).append_text(listing.note(record, now_ms))
        )
    return lines


def _heading(text: str) -> Text:
    return Text(f"  {text}", style="dim")


def _with_more(lines: list[Text], more: int) -> list[Text]:
    return [*lines, Text(f"  and {more} more", style="dim")] if more > 0 else lines


def _counted(names: Sequence[str]) -> str:
    """Return names in their order, those that follow one another once, with how many.

    >>> _counted(["fit", "fit", "plot"])
    'fit ×2, plot'
    """
    runs: list[tuple[str, int]] = []
    for name in names:
        if runs and runs[-1][0] == name:
            runs[-1] = (name, runs[-1][1] + 1)
        else:
            runs.append((name, 1))
    return ", ".join(name if count == 1 else f"{name} ×{count}" for name, count in runs)


def _plural(count: int, noun: str, end: str = "s") -> str:
    return f"{count} {noun}{end if count != 1 else ''}"

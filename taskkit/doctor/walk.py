"""Goes from hop to hop, and past those that cannot be reached."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from .chart import Chart
from .finding import Finding, Verdict, broken
from .redaction import without_secrets
from .route import Hop

LIMIT_S = 60.0
"""No check takes so long; what it waits for may hang all the same."""


def walk(
    route: Iterable[Hop],
    chart: Chart,
    *,
    on_begin: Callable[[str], object] = lambda _hop: None,
    limit_s: float = LIMIT_S,
) -> Iterator[Finding]:
    """Yield what is found at each hop; tell its name before it is looked at."""
    found: dict[str, Finding] = {}
    for hop in route:
        before = found.get(hop.needs)
        if before is not None and not before.lets_through and not hop.goes_alone(chart):
            finding = Finding(verdict=Verdict.UNREACHED, said=f"not reached: {_end(before)}")
        else:
            on_begin(hop.name)
            finding, chart = _within(hop, chart, limit_s)
        finding = replace(without_secrets(finding, chart.secrets()), hop=hop.name)
        found[hop.name] = finding
        yield finding


def _end(before: Finding) -> str:
    """Return at which hop the way ended."""
    return before.said.partition(": ")[2] if before.verdict is Verdict.UNREACHED else before.hop


def _within(hop: Hop, chart: Chart, limit_s: float) -> tuple[Finding, Chart]:
    """Check a hop in a thread of its own, which is given up when it takes too long."""
    done: queue.SimpleQueue[tuple[Finding, Chart]] = queue.SimpleQueue()

    def look() -> None:
        try:
            done.put(hop.check(chart))
        except Exception as error:  # noqa: BLE001  # the edge around a hop: the others can be seen
            cure = "Tell the authors of taskkit: the check itself made a mistake."
            done.put((broken(f"{type(error).__name__}: {error}", cure), chart))

    threading.Thread(target=look, name=f"taskkit-doctor-{hop.name}", daemon=True).start()
    try:
        return done.get(timeout=limit_s)
    except queue.Empty:
        cure = "Run `taskkit doctor` once more; what it asks there hangs."
        return broken(f"nothing is known after {limit_s:g} s", cure), chart

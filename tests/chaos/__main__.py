"""``make chaos``: all faults, one after the other; prints a table and ends with 0 if all held.

``python -m chaos [--short] [--seed N] [NUMBER ...]``. The facts of each run stay in build/chaos.
"""

from __future__ import annotations

import argparse
import math
import random
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from .control.run import FAULTS, figures
from .scenarios import SCENARIOS, Row, Scenario, judged

FOLDER = Path("build/chaos")

TABLE_CHARS = 120
"""The table's width where the output goes to a file."""


def main() -> int:
    """Run what was asked for; return the exit code."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("numbers", nargs="*", type=int, help="scenarios; all where none is named")
    parser.add_argument("--short", action="store_true", help="the profile of CI")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--no-control", action="store_true", help="without the stock build")
    asked = parser.parse_args()
    console = Console()
    console.width = max(console.width, TABLE_CHARS)
    console.print(
        f"seed {asked.seed}: `make chaos ARGS='--seed {asked.seed}'` throws the same dice"
    )
    shutil.rmtree(FOLDER, ignore_errors=True)
    rows, skipped = [], []
    for scenario in chosen(asked.numbers, is_short=asked.short):
        if why := scenario.why_not():
            skipped.append(f"{scenario.number} {scenario.name}: skipped, {why}")
            continue
        row = judged(scenario, FOLDER / scenario.label, asked.seed, is_short=asked.short)
        rows.append(row)
        console.print(f"{'✓' if row.is_good else '✗'} {scenario.name}, {row.took_s:.0f} s")
        for line in (*(one.seen for one in row.verdict.violations), *row.more)[:10]:
            console.print(f"    {line}", markup=False)
    console.print(drawn(rows))
    for line in skipped:
        console.print(line, markup=False)
    is_seen = True if asked.no_control else control(console, asked.seed)
    return 0 if is_seen and all(row.is_good for row in rows) else 1


def chosen(numbers: Iterable[int], *, is_short: bool) -> list[Scenario]:
    """Return the scenarios with these numbers, or all of a profile."""
    wanted = set(numbers)
    return [s for s in SCENARIOS if s.number in wanted or (not wanted and s.is_short >= is_short)]


def drawn(rows: list[Row]) -> Table:
    """Return the rows as a table."""
    table = Table(title="what was accepted, and what became of it", title_justify="left")
    table.add_column("fault")
    for name in (
        "jobs",
        "lost",
        "doubled",
        "gaps",
        "overlaps",
        "leaks",
        "told gone",
        "recovery, s",
    ):
        table.add_column(name, justify="right")
    for row in rows:
        seen = row.verdict
        table.add_row(
            f"{row.scenario.number} {row.scenario.name}",
            *(
                str(len(part))
                for part in (
                    seen.jobs,
                    seen.lost,
                    seen.doubled,
                    (*seen.gaps, *seen.log_faults),
                    seen.overlaps,
                    seen.leaks,
                    seen.forgotten,
                )
            ),
            _seconds(seen.worst_recovery_s),
        )
    return table


def control(console: Console, seed: int) -> bool:
    """Run the stock build through the faults that it must be caught losing in; say if it was."""
    table = Table(title="the same faults, plain Celery and Socket.IO", title_justify="left")
    table.add_column("fault")
    for name in ("jobs", "lost", "doubled", "gaps"):
        table.add_column(name, justify="right")
    is_seen = True
    for fault in FAULTS:
        jobs, lost, doubled, gaps = figures(fault, FOLDER / f"control-{fault}", seed)
        table.add_row(fault, *map(str, (jobs, lost, doubled, gaps)))
        is_seen = is_seen and (lost + gaps > 0) is (fault != "none")
    console.print(table)
    if not is_seen:
        console.print(
            "The stock build was not caught losing, or without a fault: the harness is off."
        )
    return is_seen


def _seconds(value: float | None) -> str:
    if value is None:
        return "–"
    return "never" if math.isinf(value) else f"{value:.1f}"


if __name__ == "__main__":
    sys.exit(main())

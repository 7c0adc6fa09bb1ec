"""``make cluster``: work on three hosts, judged; prints a table and ends with 0 if all held.

``python -m cluster [--short] [--seed N]``. Facts and logs stay in build/cluster.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table
from tls import why_no_tls

from .network import why_not
from .run import CABLES, LONG, SHORT, Outcome, run

FOLDER = Path("build/cluster")


def main() -> int:
    """Run it; return the exit code."""
    parser = argparse.ArgumentParser(prog="make cluster", description=__doc__)
    parser.add_argument("--short", action="store_true", help="the profile of the tests")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    asked = parser.parse_args()
    console = Console()
    console.width = max(console.width, 100)
    if why := why_not() or why_no_tls():
        console.print(f"three hosts: skipped, {why}", markup=False)
        return 0
    # What ends it from outside takes the way of Ctrl-C, on which the hosts are removed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    words = f"{'--short ' if asked.short else ''}--seed {asked.seed}"
    console.print(f"seed {asked.seed}: `make cluster ARGS='{words}'`")
    shutil.rmtree(FOLDER, ignore_errors=True)
    outcome = run(FOLDER.absolute(), SHORT if asked.short else LONG, asked.seed)
    console.print(drawn(outcome))
    for line in (*(one.seen for one in outcome.verdict.violations), *outcome.wrong):
        console.print(line, markup=False)
    return 0 if outcome.is_good else 1


def drawn(outcome: Outcome) -> Table:
    """Return the figures as a table."""
    seen = outcome.verdict
    table = Table(title="what was accepted on three hosts, and what became of it")
    table.add_column("figure")
    table.add_column("", justify="right")
    for name, part in (
        ("jobs", seen.jobs),
        ("lost", seen.lost),
        ("doubled", seen.doubled),
        ("untold gaps", (*seen.gaps, *seen.log_faults)),
        ("overlaps", seen.overlaps),
        ("told gone", seen.forgotten),
    ):
        table.add_row(name, str(len(part)))
    for (name, begun), cable in zip(outcome.begun.items(), CABLES, strict=True):
        trip = outcome.round_trips_ms.get(name)
        about = f"{trip:.1f} ms there and back" if trip is not None else "not reached"
        loss = f", {cable.loss:.0%} lost each way" if cable.is_bad else ""
        table.add_row(f"attempts begun by host {name[-2:]} ({about}{loss})", str(begun))
    table.add_row("begun by the others while one was cut off", str(outcome.elsewhere))
    if outcome.handed_back_s is not None:
        table.add_row("a worker's end by SIGTERM, s", f"{outcome.handed_back_s:.1f}")
    recovery = seen.worst_recovery_s
    table.add_row("worst recovery, s", "–" if recovery is None else f"{recovery:.1f}")
    table.add_row("the whole run, s", f"{outcome.took_s:.0f}")
    return table


if __name__ == "__main__":
    sys.exit(main())

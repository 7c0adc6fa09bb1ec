"""``python -m bench.turn``: one contestant's turn, in a process of its own.

Before the first result it imports as little as it can: that is what the start is measured by.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from . import work
from .contestants import contestant
from .contestants.contestant import Missing
from .memory import pss_mb
from .report import Report
from .sizes import SIZES


def main() -> None:
    """Start, measure, stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--began", type=float, required=True, help="time.monotonic() of the parent")
    parser.add_argument("--of", required=True)
    parser.add_argument("--scenarios", required=True)
    parser.add_argument("--sizes", required=True)
    parser.add_argument("--report", type=Path, required=True)
    args = parser.parse_args()
    report = Report(args.report)
    if args.scenarios in ("queue", "clients", "hops"):
        _alone(args, report)
    else:
        _side_by_side(args, report)


def _side_by_side(args: argparse.Namespace, report: Report) -> None:
    scenarios, sizes = args.scenarios.split(","), SIZES[args.sizes]
    try:
        before_mb = pss_mb(os.getpid())
    except Missing:
        before_mb = 0.0
    taking_part = contestant(args.of)
    taking_part.start()
    try:
        taking_part.call(work.nothing)
        if "start" in scenarios:
            report.figures("start", {"s": time.monotonic() - args.began})
        from . import scenarios as measured

        for scenario in scenarios:
            try:
                if scenario == "memory":
                    found = measured.memory(taking_part, sizes, before_mb)
                elif scenario != "start":
                    found = measured.SCENARIOS[scenario](taking_part, sizes)
                else:
                    continue
            except Missing as reason:
                report.missing(scenario, str(reason))
            except Exception as error:  # noqa: BLE001  # the edge around whoever takes part
                report.missing(scenario, f"{type(error).__name__}: {str(error)[:200]}")
            else:
                report.figures(scenario, found)
    finally:
        taking_part.stop()


def _alone(args: argparse.Namespace, report: Report) -> None:
    try:
        if args.scenarios == "hops":
            from .hops.profile import hops

            hops(args.of, SIZES[args.sizes], report)
        else:
            from . import growth

            measure = growth.queue if args.scenarios == "queue" else growth.clients
            measure(args.of, SIZES[args.sizes], report)
    except Missing as reason:
        report.missing(args.scenarios, str(reason))


if __name__ == "__main__":
    main()

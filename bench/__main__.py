"""``make bench``: the same work on taskkit and its neighbours, two worker processes each.

Prints the tables and leaves them in build/bench.md and, with every single run, versions and the
machine, in build/bench.json. ``make bench ARGS="--only noop,burst --with taskkit,celery"`` takes a
part, ``ARGS=--quick`` less of everything. How turns are taken is told in `bench.turns`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from .contestants import MODULES
from .figures import TITLES, figures
from .machine import machine, versions
from .results import Results
from .sizes import SIZES
from .tables import Drawn, tables
from .turns import planned, take

BUILD = Path("build")

WIDTH = 160
"""Of the tables in characters, where there is no terminal to say."""


def main() -> None:
    """Measure, print and save."""
    args = _arguments()
    sizes = "quick" if args.quick else "full"
    repeats = args.repeats or SIZES[sizes].repeats
    console, results, began = Console(), Results(), time.monotonic()
    if not console.is_terminal:
        console.width = WIDTH
    about = {"machine": machine(), "versions": versions(args.with_), "sizes": sizes}
    logs = BUILD / "bench-logs"
    logs.mkdir(parents=True, exist_ok=True)
    for old in logs.glob("*.log"):
        old.unlink()
    turns = list(planned(args.with_, args.only, repeats))
    for number, turn in enumerate(turns, start=1):
        turn_began = time.monotonic()
        take(turn, sizes, logs, results)
        what, took_s = ", ".join(turn.scenarios), time.monotonic() - turn_began
        said = f"{number} of {len(turns)}: {turn.of} ({what}), {took_s:.0f} s"
        console.print(said, style="dim", soft_wrap=True)
    drawn = list(tables(results, list(figures(SIZES[sizes])), args.with_, args.only))
    for table in drawn:
        console.print(_for_terminal(table))
    took_s = round(time.monotonic() - began)
    _save(about | {"repeats": repeats, "took_s": took_s}, results, drawn)
    console.print(f"{took_s} s; saved in {BUILD}/bench.json and {BUILD}/bench.md")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything, once")
    parser.add_argument("--only", type=_some(TITLES), default=list(TITLES), metavar="SCENARIOS")
    parser.add_argument("--with", dest="with_", type=_some(MODULES), default=list(MODULES))
    parser.add_argument("--repeats", type=int, help="how many turns each contestant has")
    return parser.parse_args()


class _some:  # noqa: N801  # argparse shows its name
    """Reads names separated by commas."""

    def __init__(self, known: Sequence[str] | dict[str, str]) -> None:
        self._known = list(known)

    def __call__(self, text: str) -> list[str]:
        names = text.split(",")
        unknown = [name for name in names if name not in self._known]
        if unknown:
            choice = ", ".join(self._known)
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: choose from {choice}")
        return [name for name in self._known if name in names]


def _for_terminal(drawn: Drawn) -> Table:
    table = Table(title=drawn.title, title_justify="left", caption_justify="left")
    table.caption = "\n".join(drawn.notes)
    for place, name in enumerate(drawn.head):
        table.add_column(name, justify="right" if place else "left", no_wrap=place > 0)
    for row in drawn.rows:
        table.add_row(*row)
    return table


def _save(about: dict[str, object], results: Results, drawn: Sequence[Drawn]) -> None:
    whole = about | {"runs": results.runs, "missing": results.reasons}
    (BUILD / "bench.json").write_text(json.dumps(whole, indent=1), encoding="utf-8")
    facts = about["machine"], about["versions"]
    told = [f"- {name}: {value}" for part in facts for name, value in dict(part).items()]  # type: ignore[call-overload]
    text = "\n".join(["# taskkit beside its neighbours", "", *told, ""])
    parts = [text, *(table.markdown() for table in drawn)]
    (BUILD / "bench.md").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()

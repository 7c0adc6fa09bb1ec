"""``make bench``: prints a table, and leaves it as JSON in build/bench.json."""

from __future__ import annotations

import json
import time
from contextlib import AbstractContextManager
from pathlib import Path

from rich.console import Console
from rich.table import Table

import taskkit

from . import alone
from .contestants import plain_celery, process_pool, this_taskkit
from .figures import MEASUREMENTS, PROCESSES, Contestant

REPEATS = 3
"""Each figure is the median of so many runs, the contestants taking turns."""


def main() -> None:
    """Measure everything; some minutes."""
    console = Console()
    began = time.perf_counter()
    with taskkit.LocalStack(workers=PROCESSES) as stack:
        client = stack.client()
        client.submit(pow, 2, 2).result(60)
        own = {"start to first result, s": time.perf_counter() - began}
        client.close()
        own |= alone.memory(stack)
        table = compared([this_taskkit(stack), plain_celery(stack), process_pool()])
        own |= alone.progress_cost(stack)
    own |= alone.import_time()
    for title, figures in {
        "beside its neighbours": table,
        "taskkit alone": {"taskkit": own},
    }.items():
        console.print(drawn(title, figures))
    target = Path("build/bench.json")
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps({"compared": table, "alone": own}, indent=1))


def compared(
    entered: list[AbstractContextManager[Contestant]],
) -> dict[str, dict[str, float]]:
    """Return each contestant's figures; one runs at a time, the others idle."""
    runs: dict[str, dict[str, list[float]]] = {}
    contestants = [context.__enter__() for context in entered]
    try:
        for _ in range(REPEATS):
            for contestant in contestants:
                for measure in MEASUREMENTS:
                    for figure, value in measure(contestant).items():
                        runs.setdefault(contestant.name, {}).setdefault(figure, []).append(value)
    finally:
        for context in entered:
            context.__exit__(None, None, None)
    return {
        name: {figure: sorted(values)[len(values) // 2] for figure, values in figures.items()}
        for name, figures in runs.items()
    }


def drawn(title: str, figures: dict[str, dict[str, float]]) -> Table:
    """Return figures as a table, a row a figure."""
    table = Table(title=title, title_justify="left")
    table.add_column("figure")
    for name in figures:
        table.add_column(name, justify="right")
    for figure in next(iter(figures.values())):
        table.add_row(figure, *(f"{values[figure]:,.3g}" for values in figures.values()))
    return table


if __name__ == "__main__":
    main()

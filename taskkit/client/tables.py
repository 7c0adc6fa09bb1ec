"""Lists that show themselves as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Generic, TypeVar

from ..protocol.workers import TaskInfo, WorkerInfo

T = TypeVar("T")


class Table(Sequence[T], Generic[T]):
    """A read-only list whose rows are told by named columns."""

    def __init__(self, rows: Iterable[T], columns: dict[str, Callable[[T], str]]) -> None:
        self._rows = tuple(rows)
        self._columns = columns

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        return self._rows[index]

    def __repr__(self) -> str:
        cells = [list(self._columns), *self._cells()]
        widths = [max(len(row[n]) for row in cells) for n in range(len(self._columns))]
        lines = [
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
            for row in cells
        ]
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        left = ' style="text-align:left"'
        head = "".join(f"<th{left}>{escape(name)}</th>" for name in self._columns)
        body = "".join(
            "<tr>" + "".join(f"<td{left}>{escape(text)}</td>" for text in row) + "</tr>"
            for row in self._cells()
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def _cells(self) -> list[list[str]]:
        return [[cell(row) for cell in self._columns.values()] for row in self._rows]


def task_table(tasks: Iterable[TaskInfo]) -> Table[TaskInfo]:
    """Return the catalogue as a table."""
    return Table(
        tasks,
        {
            "task": lambda task: task.name + task.signature,
            "what it does": lambda task: task.summary,
        },
    )


def worker_table(workers: Iterable[WorkerInfo]) -> Table[WorkerInfo]:
    """Return workers as a table."""
    return Table(
        workers,
        {
            "worker": lambda worker: worker.name,
            "processes": lambda worker: str(worker.processes),
            "running": lambda worker: str(len(worker.jobs)),
            "Python": lambda worker: worker.python,
            "cores": lambda worker: "" if worker.cores is None else str(worker.cores),
            "MiB": lambda worker: "" if worker.memory_mib is None else f"{worker.memory_mib:,}",
            "tags": lambda worker: ", ".join(worker.tags),
        },
    )

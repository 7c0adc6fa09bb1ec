"""Lists that show themselves as tables."""

from __future__ import annotations

from dataclasses import replace

from taskkit.client.tables import Table, task_table, worker_table
from taskkit.protocol.workers import TaskInfo, WorkerInfo

DEMO = TaskInfo(name="demo", summary="Do nothing.", signature="(name: str = 'Hello') -> str")
FIT = TaskInfo(name="fit", summary="Fit <b>bold</b> & fast.", signature="() -> None")
WORKER = WorkerInfo(
    name="lab-7-1f", host="lab", pid=7, processes=12, python="3.11.7", jobs=("a", "b")
)


def test_a_table_is_a_list_to_programs() -> None:
    """Its rows are the things themselves."""
    table = task_table([DEMO, FIT])
    assert (len(table), table[1], table[:1], list(table)) == (2, FIT, (DEMO,), [DEMO, FIT])
    assert FIT in table


def test_tasks_read_as_they_are_called() -> None:
    """The columns are aligned, no line ends in blanks."""
    assert repr(task_table([DEMO, FIT])).split("\n") == [
        "task                              what it does",
        "demo(name: str = 'Hello') -> str  Do nothing.",
        "fit() -> None                     Fit <b>bold</b> & fast.",
    ]


def test_workers_say_what_they_run() -> None:
    """Their processes, how many of the asker's jobs, and what they have."""
    has = replace(WORKER, cores=12, memory_mib=64_000, tags=("gpu", "lab"))
    assert repr(worker_table([WORKER, has])).split("\n") == [
        "worker    processes  running  Python  cores  MiB     tags",
        "lab-7-1f  12         2        3.11.7",
        "lab-7-1f  12         2        3.11.7  12     64,000  gpu, lab",
    ]


def test_an_empty_table_is_its_head() -> None:
    """A reader sees what would be there."""
    empty: Table[TaskInfo] = task_table([])
    assert repr(empty) == "task  what it does"
    assert "<tbody></tbody>" in empty._repr_html_()


def test_what_others_wrote_is_shown_as_text() -> None:
    """A docstring is no HTML in the notebook of who lists it."""
    html = task_table([FIT])._repr_html_()
    assert "<b>" not in html
    assert "Fit &lt;b&gt;bold&lt;/b&gt; &amp; fast." in html

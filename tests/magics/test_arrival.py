"""Names are bound once, and the value appears where its cell is, whenever the job ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from taskkit.client.job import Job
from taskkit.magics.arrival import Arrival
from taskkit.protocol.errors import RemoteTraceback
from taskkit.protocol.jobs import JobRecord
from taskkit.travel.cells import CellResult
from taskkit.travel.pickling import dumps


class Service:
    """What a job asks of its client: here, to call callbacks at once."""

    def call_back(self, call: Callable[[], object]) -> None:
        call()

    def settle(self, job: Job[Any], record: JobRecord) -> None:
        raise NotImplementedError

    def refresh(self, job_id: str) -> None:
        raise NotImplementedError

    def cancel_job(self, job_id: str, *, dependents: bool) -> JobRecord:
        raise NotImplementedError

    def connection(self) -> str:
        return ""


class Odd:
    """Cannot be loaded."""

    def __reduce__(self) -> Any:
        return int, ("x",)


class Cell:
    """A cell with its job; keeps what is shown in its output."""

    def __init__(self, *, is_shown: bool = True, is_home: bool = True) -> None:
        self.shown: list[tuple[str, Any]] = []
        self.names: dict[str, Any] = {"x": "old", "__name__": "__main__"}
        self.over: list[Arrival] = []
        self.job: Job[CellResult] = Job(Service(), "run_cell")
        self.arrival = Arrival(
            self.job,
            self.names,
            is_home=is_home,
            is_shown=is_shown,
            handle=self,
            over=self.over.append,
        )
        self.arrival.begin()

    def display(self, obj: Any, **kwargs: Any) -> None:
        self.shown.append(("display", obj))

    def update(self, obj: Any, **kwargs: Any) -> None:
        self.shown.append(("update", obj))

    def succeed(self, names: dict[str, Any], value: Any = None) -> None:
        """End the job."""
        self.job.conclude(value=CellResult(dumps((names, value))))


def test_a_value_that_comes_later_takes_its_place() -> None:
    """Which is kept for it below the panel."""
    cell = Cell()
    cell.arrival.place()
    assert cell.shown == [("display", {"text/plain": "", "text/html": ""})]
    cell.succeed({"x": 1}, 42)
    assert cell.shown[1:] == [("update", 42)]
    assert (cell.names["x"], cell.over) == (1, [cell.arrival])


def test_a_value_that_is_there_at_once_waits_for_the_panel() -> None:
    """It is below it all the same."""
    cell = Cell()
    cell.succeed({"x": 1}, 42)
    assert (cell.shown, cell.names["x"]) == ([], 1)
    cell.arrival.place()
    assert cell.shown == [("display", 42)]


def test_a_cell_without_a_value_shows_nothing() -> None:
    """Nor does a value that is None."""
    silent = Cell(is_shown=False)
    silent.arrival.place()
    silent.succeed({}, 42)
    assert silent.shown == []
    none = Cell()
    none.succeed({}, None)
    none.arrival.place()
    assert none.shown == [("display", {"text/plain": "", "text/html": ""})]


def test_a_job_that_fails_binds_nothing_and_shows_nothing() -> None:
    """Its panel says why. Nobody waits for it any more."""
    cell = Cell()
    cell.job.conclude(error=ZeroDivisionError())
    assert (cell.names["x"], cell.shown, cell.over) == ("old", [], [cell.arrival])


def test_a_job_that_is_cancelled_does_neither() -> None:
    """As one that fails."""
    cell = Cell()
    cell.job.withdraw()
    assert (cell.names["x"], cell.shown, cell.over) == ("old", [], [cell.arrival])


@pytest.mark.parametrize("is_shown", [True, False])
def test_what_cannot_be_loaded_is_told(is_shown: bool) -> None:
    """Where the value would be; nothing else is bound."""
    cell = Cell(is_shown=is_shown)
    cell.arrival.place()
    cell.succeed({"x": 1, "odd": Odd()}, 42)
    how, told = cell.shown[-1]
    assert how == ("update" if is_shown else "display")
    assert told["text/plain"].startswith("run_cell: its names could not be bound (ValueError: ")
    assert cell.names["x"] == "old"


def test_who_waits_for_what_cannot_be_loaded_gets_the_error() -> None:
    """As of any result."""
    cell = Cell(is_shown=False)
    cell.succeed({"odd": Odd()})
    with pytest.raises(ValueError, match="invalid literal"):
        cell.arrival.wait()


def test_names_are_bound_once() -> None:
    """Who asks for the result again finds what has been assigned since as it is."""
    cell = Cell(is_shown=False)
    cell.succeed({"x": 1}, 42)
    assert (cell.arrival.wait(), cell.names["x"]) == (42, 1)
    cell.names["x"] = 2
    assert cell.job.result().names == {"x": 1}
    assert cell.names["x"] == 2


def test_ipython_shows_the_worker_s_traceback_of_an_error() -> None:
    """And no other error otherwise than it does."""
    cell = Cell(is_shown=False)
    error = ZeroDivisionError("no")
    error.__cause__ = RemoteTraceback("Traceback\n  line 3\nZeroDivisionError: no")
    cell.job.conclude(error=error)
    with pytest.raises(ZeroDivisionError) as raised:
        cell.arrival.wait()
    shown = raised.value._render_traceback_()  # type: ignore[attr-defined]
    assert shown == ["Traceback", "  line 3", "ZeroDivisionError: no"]
    plain = Cell(is_shown=False)
    plain.job.conclude(error=KeyError("x"))
    with pytest.raises(KeyError) as other:
        plain.arrival.wait()
    assert not hasattr(other.value, "_render_traceback_")

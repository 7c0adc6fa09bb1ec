"""What happens in the notebook when a cell's job has ended."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from ..client import Job
from ..protocol.errors import RemoteTraceback
from ..travel.cells import CellResult


class Handle(Protocol):
    """A place in a cell's output."""

    def display(self, obj: Any, **kwargs: Any) -> None:
        """Show something there for the first time."""

    def update(self, obj: Any, **kwargs: Any) -> None:
        """Show something else there."""


_NOTHING = {"text/plain": "", "text/html": ""}


class Arrival:
    """Binds the names that a job brings back, and shows its value below its panel."""

    def __init__(
        self,
        job: Job[CellResult],
        namespace: dict[str, Any],
        *,
        is_home: bool,
        is_shown: bool,
        handle: Handle,
        over: Callable[[Arrival], None],
    ) -> None:
        self._job = job
        self._namespace = namespace
        self._is_home = is_home
        #: Whether functions see the notebook's names: not where they need some that are not bound.
        self._is_shown = is_shown
        #: Whether the value is shown when it comes.
        self._over = over
        self._binding = threading.Lock()
        self._is_bound = False
        self._trouble: Exception | None = None
        self._showing = threading.Lock()
        self._handle = handle
        self._is_placed = False
        self._early: Callable[[], None] | None = None
        #: Shows what came before there was a place for it.

    def begin(self) -> None:
        """Bind the names when the job has ended, whatever becomes of the cell."""
        self._job.takers.append(self._take)
        self._job.add_done_callback(self._arrive)

    def wait(self) -> Any:
        """Wait for the job, bind its names, and return its value.

        Raises:
            KeyboardInterrupt: Somebody interrupts the wait. The names are bound later.
            BaseException: What the cell raised, or what loading its names did.
        """
        try:
            value = self._job.result().value
        except Exception as error:
            _show_worker_s_traceback(error)
            raise
        if self._trouble is not None:
            raise self._trouble
        return value

    def place(self) -> None:
        """Have the value shown here, when it comes: it belongs to the cell that runs now."""
        with self._showing:
            self._is_placed = True
            if self._early is not None:
                self._early()
            elif self._is_shown:
                self._handle.display(_NOTHING, raw=True)

    def _arrive(self, job: Any) -> None:
        try:
            if job.cancelled() or job.exception() is not None:
                return  # the panel says so
            value = job.result().value
            if self._trouble is not None:
                raise self._trouble
            if self._is_shown and value is not None:
                self._show(value)
        except Exception as error:  # noqa: BLE001  # the edge around what loading runs
            text = f"{job.title}: its names could not be bound ({type(error).__name__}: {error})"
            self._show({"text/plain": text}, raw=True)
        finally:
            self._over(self)

    def _take(self, result: CellResult) -> None:
        """Bind the names, once: whoever has asked for the result sees them."""
        with self._binding:
            if self._is_bound:
                return
            self._is_bound = True
            try:
                names = result.names_for(self._namespace if self._is_home else None)
                self._namespace.update(names)
            except Exception as error:  # noqa: BLE001  # the edge around what loading runs
                self._trouble = error

    def _show(self, thing: Any, **how: Any) -> None:
        with self._showing:
            if not self._is_placed:
                self._early = partial(self._handle.display, thing, **how)
            elif self._is_shown:
                self._handle.update(thing, **how)
            else:
                self._handle.display(thing, **how)


def _show_worker_s_traceback(error: Exception) -> None:
    """Have IPython show where the cell went wrong, and not where somebody waited for it.

    Source: IPython, ``InteractiveShell.showtraceback``.
    """
    if isinstance(error.__cause__, RemoteTraceback):
        lines = error.__cause__.text.splitlines()
        with suppress(AttributeError):  # its class may have no room for it
            error._render_traceback_ = partial(list, lines)  # type: ignore[attr-defined]

"""The thread that redraws panels."""

from __future__ import annotations

import math
import subprocess
import sys
import threading
import time

import pytest

from taskkit.panels.flush import PANELS_A_FLUSH, Flusher

LIMIT_S = 10.0


class Drawn:
    """Counts its redraws; final after so many."""

    def __init__(self, *, last: int, again_s: float = math.inf, error: Exception | None = None):
        self.draws = 0
        self.threads: set[str] = set()
        self.troubles: list[Exception] = []
        self.is_final = threading.Event()
        self.was_drawn = threading.Semaphore(0)
        self._last = last
        self._again_s = again_s
        self._error = error

    def draw(self) -> float | None:
        """Count; raise if so told."""
        self.draws += 1
        self.threads.add(threading.current_thread().name)
        self.was_drawn.release()
        if self._error is not None:
            raise self._error
        if self.draws >= self._last:
            self.is_final.set()
            return None
        return self._again_s

    def show_trouble(self, error: Exception) -> None:
        """Note the error."""
        self.troubles.append(error)


def test_many_marks_become_few_redraws() -> None:
    """Ten thousand changes within a second are drawn about ten times, the last one always."""
    flusher = Flusher()
    drawn = Drawn(last=10**6)
    flusher.add(drawn)
    began = time.monotonic()
    marks = 0
    while marks < 10_000 or time.monotonic() < began + 1.0:
        flusher.mark(drawn)
        marks += 1
    seen = drawn.draws
    took_s = time.monotonic() - began
    assert 3 <= seen <= 10 * took_s + 2
    assert drawn.was_drawn.acquire(timeout=LIMIT_S)
    assert drawn.threads == {"taskkit-panels"}


def test_what_ticks_is_redrawn_without_marks_and_what_does_not_is_left_alone() -> None:
    """A running job's elapsed time goes on; a queued job's panel sleeps."""
    flusher = Flusher(gap_s=0.001)
    still, ticking = Drawn(last=10), Drawn(last=5, again_s=0.01)
    flusher.add(still)
    flusher.add(ticking)
    assert ticking.is_final.wait(LIMIT_S)
    assert still.draws == 1


def test_a_final_panel_is_drawn_no_more() -> None:
    """The final picture is sent exactly once, whatever is marked later."""
    flusher = Flusher(gap_s=0.001)
    drawn, other = Drawn(last=1), Drawn(last=3, again_s=0.01)
    flusher.add(drawn)
    assert drawn.is_final.wait(LIMIT_S)
    flusher.mark(drawn)
    flusher.add(other)
    assert other.is_final.wait(LIMIT_S)
    flusher.catch_up()
    assert drawn.draws == 1


def test_a_panel_that_fails_shows_it_and_stops_no_other() -> None:
    """The error is given to the panel; the next one is drawn as ever."""
    flusher = Flusher(gap_s=0.001)
    bad, good = Drawn(last=1, error=ValueError("broken")), Drawn(last=3, again_s=0.01)
    flusher.add(bad)
    flusher.add(good)
    assert good.is_final.wait(LIMIT_S)
    assert [str(error) for error in bad.troubles] == ["broken"]
    assert not flusher.is_idle()


def test_the_end_of_a_cell_draws_what_is_due_at_once() -> None:
    """For the kernel may be stopped right after it; the thread's pause does not count."""
    flusher = Flusher(gap_s=1000)
    drawn = Drawn(last=2)
    flusher.add(drawn)
    assert drawn.was_drawn.acquire(timeout=LIMIT_S)
    flusher.mark(drawn)
    flusher.catch_up()
    assert drawn.is_final.is_set()
    assert flusher.is_idle()


@pytest.mark.parametrize("panels", [PANELS_A_FLUSH, 4 * PANELS_A_FLUSH])
def test_all_of_many_panels_are_drawn_in_turn(panels: int) -> None:
    """More than a flush takes wait for the next; none starves though all are always due."""
    flusher = Flusher(gap_s=0.001)
    many = [Drawn(last=3, again_s=0.0) for _ in range(panels)]
    for drawn in many:
        flusher.add(drawn)
    assert all(drawn.is_final.wait(LIMIT_S) for drawn in many)
    assert {drawn.draws for drawn in many} == {3}


def test_importing_panels_loads_no_notebook_library() -> None:
    """A script that never shows anything pays for none of it."""
    code = (
        "import sys, taskkit.panels;"
        "print({'ipywidgets', 'IPython', 'traitlets', 'asyncio'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_what_a_cell_s_end_has_drawn_goes_on_ticking() -> None:
    """The thread, which had nothing to do, is told that there is."""
    flusher = Flusher()
    drawn = Drawn(last=4, again_s=math.inf)
    flusher.add(drawn)
    assert drawn.was_drawn.acquire(timeout=LIMIT_S)
    time.sleep(0.3)  # the thread waits for a mark now
    drawn._again_s = 0.05
    with flusher._changed:
        flusher._due[drawn] = time.monotonic()
    flusher.catch_up()
    assert drawn.is_final.wait(LIMIT_S)

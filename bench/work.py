"""What the jobs of the benchmark do, for every contestant the same; imports are the job's own."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

REPORTING_S = 5.0
"""A job stops to report after so long: a million updates may be more than a contestant can do."""

LINGER_S = 0.5
"""How long a job goes on after its last update, so that its end does not bring that along."""


def nothing() -> None:
    """Do nothing."""


def successor(item: int) -> int:
    """Return the next number: about as trivial as an item can be."""
    return item + 1


def rest(seconds: float) -> None:
    """Sleep."""
    time.sleep(seconds)


def raised(array: np.ndarray) -> np.ndarray:
    """Return `array` with one added: of the same size, and nothing that anybody has yet."""
    return array + 1


def end(array: np.ndarray) -> float:
    """Return an array's last element: to have the array is all the work."""
    return float(array[-1])


def reporting(send: Callable[[int], Any], updates: int) -> tuple[float, int, float]:
    """Report 1, 2, 3 … by `send`, `updates` times or as often as there is time for, then once more.

    Return the cost of one in µs, the last one, and when that was made (`time.monotonic`, in s).
    """
    made = 0
    began = time.perf_counter()
    while made < updates and time.perf_counter() - began < REPORTING_S:
        for number in range(made + 1, min(updates, made + 100) + 1):
            send(number)
        made = min(updates, made + 100)
    took_s = time.perf_counter() - began
    last_at = time.monotonic()
    send(made + 1)
    time.sleep(LINGER_S)
    return 1e6 * took_s / made, made + 1, last_at


FUNCTIONS: tuple[Callable[..., Any], ...] = (nothing, successor, rest, raised, end)
"""Those that a contestant may want to know before it starts."""

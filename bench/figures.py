"""The measurements, written once for every contestant."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any, Protocol

ROUND_TRIPS = 300
BURST = 1000
SLEEPS, SLEEP_S, PROCESSES = 64, 0.05, 2


class Contestant(Protocol):
    """Something that runs functions elsewhere."""

    name: str

    def submit(self, task: str, *args: Any) -> Future[Any]:
        """Have the function called `task` run, and return its future."""


def nothing() -> None:
    """Do nothing."""


def rest(seconds: float) -> None:
    """Sleep."""
    time.sleep(seconds)


FUNCTIONS: dict[str, Callable[..., None]] = {"nothing": nothing, "rest": rest}


def round_trip(contestant: Contestant) -> dict[str, float]:
    """Return the median and the 95th percentile of a no-op's way there and back, in ms."""
    _warm(contestant)
    times = []
    for _ in range(ROUND_TRIPS):
        began = time.perf_counter()
        contestant.submit("nothing").result(30)
        times.append(1000 * (time.perf_counter() - began))
    return {
        "no-op round trip, p50 ms": statistics.median(times),
        "no-op round trip, p95 ms": statistics.quantiles(times, n=20)[-1],
    }


def burst(contestant: Contestant) -> dict[str, float]:
    """Return how many single submissions a second come back as results."""
    _warm(contestant)
    began = time.perf_counter()
    _collect(contestant.submit("nothing") for _ in range(BURST))
    return {f"{BURST} single submits, results per s": BURST / (time.perf_counter() - began)}


def efficiency(contestant: Contestant) -> dict[str, float]:
    """Return the share of two processes' time that 64 sleeps of 50 ms get."""
    _warm(contestant)
    began = time.perf_counter()
    _collect(contestant.submit("rest", SLEEP_S) for _ in range(SLEEPS))
    ideal_s = SLEEPS * SLEEP_S / PROCESSES
    return {"efficiency on 64 jobs of 50 ms": ideal_s / (time.perf_counter() - began)}


def _warm(contestant: Contestant) -> None:
    _collect(contestant.submit("nothing") for _ in range(20))


def _collect(futures: Iterable[Future[Any]]) -> None:
    for future in list(futures):
        future.result(120)


MEASUREMENTS = (round_trip, burst, efficiency)

"""What is measured of every contestant, written once; each returns figures by their keys' ends."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from . import work
from .contestants.contestant import PROCESSES, Contestant, Missing
from .memory import stack_mb
from .sizes import Sizes

Figures = dict[str, float]
SETTLE_S = 1.0
LONG_MAP_S = 2.0
"""A map that takes longer is not done again: what is new at its first time does not count."""


def memory(contestant: Contestant, sizes: Sizes, own_before_mb: float) -> Figures:
    """Return what the stack takes after a few jobs, with nothing to do."""
    warm(contestant, sizes)
    time.sleep(SETTLE_S)
    return {"mb": stack_mb(own_before_mb)}


def noop(contestant: Contestant, sizes: Sizes) -> Figures:
    """Return the way there and back of a job that does nothing."""
    warm(contestant, sizes)
    times_ms = round_trips(contestant, sizes.round_trips)
    return {"p50": statistics.median(times_ms), "p95": statistics.quantiles(times_ms, n=20)[-1]}


def burst(contestant: Contestant, sizes: Sizes) -> Figures:
    """Return the rate of jobs submitted one by one, without waiting in between."""
    warm(contestant, sizes)
    took_s = seconds(lambda: contestant.calls(work.nothing, [()] * sizes.singles))
    return {"rate": sizes.singles / took_s}


def map_items(contestant: Contestant, sizes: Sizes) -> Figures:
    """Return the rates of trivial items, with nothing said about chunks."""
    return _mapped(contestant.map, sizes)


def chunked_items(contestant: Contestant, sizes: Sizes) -> Figures:
    """Return them, in chunks of the same size for everybody."""
    return _mapped(contestant.map_in_chunks, sizes)


def _mapped(map_all: Callable[..., Any], sizes: Sizes) -> Figures:
    """Return the rate of a first map of many items, after one of few, and of the next ones."""
    map_all(work.successor, range(64))
    rates = []
    for _ in range(1 + sizes.maps):
        values: list[int] = []
        took_s = seconds(lambda: values.extend(map_all(work.successor, range(sizes.items))))  # noqa: B023
        if values != list(range(1, sizes.items + 1)):
            raise Missing("the results were wrong")
        rates.append(sizes.items / took_s)
        if took_s > LONG_MAP_S:
            break
    return {"rate": rates[0], "again": statistics.median(rates[1:] or rates)}


def sleeps(contestant: Contestant, sizes: Sizes) -> Figures:
    """Return the share of two processes' time that jobs of 50 ms got."""
    warm(contestant, sizes)
    took_s = seconds(lambda: contestant.calls(work.rest, [(sizes.rest_s,)] * sizes.rests))
    return {"efficiency": sizes.rests * sizes.rest_s / PROCESSES / took_s}


def array(contestant: Contestant, sizes: Sizes) -> Figures:
    """Return the rate of an array that goes there and comes back changed, both ways counted.

    Each one is new, and a value of every page of the answer is read.
    """
    import numpy as np

    rates = []
    for number in range(sizes.arrays + 1):
        sent = np.random.default_rng(number).random(sizes.array_bytes // 8)
        began = time.perf_counter()
        back = contestant.call(work.raised, sent)
        read = back[::512].sum()
        took_s = time.perf_counter() - began
        if not np.isclose(read, (sent[::512] + 1).sum()):
            raise Missing("the results were wrong")
        rates.append(2 * sent.nbytes / 1e6 / took_s)
    return {"rate": statistics.median(rates[1:])}


def shared(contestant: Contestant, sizes: Sizes) -> Figures:
    """Return how long many jobs with one large array take, after a job with another such array."""
    import numpy as np

    random = np.random.default_rng(time.time_ns())
    first, second = (random.random(sizes.shared_bytes // 8) for _ in range(2))
    contestant.shared(work.end, first, 1)
    took_s = seconds(lambda: contestant.shared(work.end, second, sizes.shared_jobs))
    return {"s": took_s}


def progress(contestant: Contestant, sizes: Sizes) -> Figures:
    """Return what updates cost the job, and what the client has of them."""
    found: Figures = {}
    for updates in sizes.updates:
        run = contestant.progress(updates)
        found |= {f"{updates}.cost": run.cost_us, f"{updates}.seen": run.seen}
        found[f"{updates}.made"] = run.made
        if run.last_after_s is not None:
            found[f"{updates}.last"] = 1000 * run.last_after_s
    return found


def warm(contestant: Contestant, sizes: Sizes) -> None:
    """Have both processes do something."""
    contestant.calls(work.nothing, [()] * sizes.warm_calls)


def round_trips(contestant: Contestant, count: int) -> list[float]:
    """Return the times of `count` jobs one after another, in ms."""
    return [1000 * seconds(lambda: contestant.call(work.nothing)) for _ in range(count)]


def seconds(call: Callable[[], object]) -> float:
    """Return how long a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


SCENARIOS: dict[str, Callable[[Contestant, Sizes], Figures]] = {
    "noop": noop,
    "burst": burst,
    "map": map_items,
    "chunks": chunked_items,
    "sleeps": sleeps,
    "array": array,
    "shared": shared,
    "progress": progress,
}
"""But for the two that the turn itself measures: the start, and the memory before all else."""

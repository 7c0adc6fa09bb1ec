"""A pool that grows while wake-ups wait for a process, and shrinks when some were idle for a while.

Celery's autoscaler, which counts the messages that its main process holds: as many as the pool may
have processes. It looks when one comes, and every `shrink_after_s`.
"""

from __future__ import annotations

import logging
from typing import Any

import psutil
from celery.worker.autoscale import Autoscaler

from taskkit.machine import available_mib, memory_mib

logger = logging.getLogger(__name__)

LEAST_FREE = 0.1
"""How much of the memory that this worker may use is left free: with less, it does not grow."""


class Growth(Autoscaler):  # type: ignore[misc]
    """Celery's, bounded by memory."""

    _is_told = False

    def _grow(self, n: int) -> None:
        most = affordable(memory_mib(), available_mib(), _process_mib())
        if most < n and not self._is_told:
            logger.warning("the worker grows no further: memory is short")
            self._is_told = True
        if min(n, most) > 0:
            super()._grow(min(n, most))
            logger.info("the worker has %d processes", self.processes)

    def _shrink(self, n: int) -> None:
        before: Any = self.processes
        super()._shrink(n)
        if self.processes < before:
            logger.info("the worker has %d processes", self.processes)


def bounds(autoscale: str | None, concurrency: int | None) -> tuple[int | None, int | None]:
    """Return how many processes there are at least and at most, as the arguments say.

    >>> bounds("1,4", None), bounds(None, 2), bounds(None, None)
    ((1, 4), (2, None), (None, None))

    Raises:
        ValueError: They cannot be.
    """
    if autoscale is None:
        return concurrency, None
    if concurrency is not None:
        raise ValueError("--autoscale says --concurrency, too")
    least, _, most = autoscale.partition(",")
    if not (least.isdecimal() and most.isdecimal() and 1 <= int(least) <= int(most)):
        raise ValueError(f"--autoscale is MIN,MAX, such as 1,4; this is {autoscale!r}")
    return int(least), int(most)


def affordable(all_mib: int | None, free_mib: int | None, each_mib: float) -> int:
    """Return how many more processes there may be.

    >>> affordable(1000, 500, 100), affordable(1000, 90, 10), affordable(None, None, 1)
    (4, 0, 1000)
    """
    if all_mib is None or free_mib is None:
        return 1000
    return max(0, int((free_mib - LEAST_FREE * all_mib) / max(1.0, each_mib)))


def _process_mib() -> float:
    """Return what a process takes of its own, about: what the largest of this worker's does."""
    found = [psutil.Process(), *psutil.Process().children()]
    sizes = []
    for one in found:
        try:
            info: Any = one.memory_info()
        except psutil.Error:
            continue
        sizes.append(max(0, info.rss - getattr(info, "shared", 0)) / 2**20)
    return max(sizes, default=1.0)

"""What an attempt takes of its machine: its process and the children of that."""

from __future__ import annotations

import os
import time
from contextlib import suppress

import psutil

from taskkit.protocol.jobs import Usage

from .tree import descendants, has_children

SHORTEST_S = 0.5
"""CPU time is counted in hundredths of a second: over less than this its share says little."""


class UsageMeter:
    """Of one process and its children, this one unless it is told; one attempt after another."""

    def __init__(self, pid: int | None = None) -> None:
        self._process = psutil.Process(pid)
        self._is_own = pid is None
        self._peak_bytes = 0
        self._cpu_s = 0.0
        self._cores = 0.0
        self._at = 0.0

    def begin(self) -> None:
        """Measure from now on."""
        self._peak_bytes, self._cores = 0, 0.0
        # Most jobs find no child here and end before they are measured: no more is looked at.
        self._cpu_s = _own_cpu_s() if self._is_own and not has_children() else self._taken()[0]
        self._at = time.monotonic()

    def measure(self) -> Usage:
        """Return what is taken now, the CPU time since this was asked last."""
        cpu_s, memory_bytes = self._taken()
        self._peak_bytes = max(self._peak_bytes, memory_bytes)
        passed_s = time.monotonic() - self._at
        if passed_s >= SHORTEST_S:
            # Less than before where a child went whose time nobody has waited for.
            self._cores = round(max(0.0, cpu_s - self._cpu_s) / passed_s, 2)
            self._cpu_s, self._at = cpu_s, self._at + passed_s
        return Usage(memory_bytes=memory_bytes, peak_bytes=self._peak_bytes, cores=self._cores)

    def _taken(self) -> tuple[float, int]:
        """Return CPU time and memory."""
        cpu_s, memory_bytes = 0.0, 0
        with suppress(psutil.Error):
            memory_bytes = self._process.memory_info().rss
            cpu_s = _own_cpu_s() if self._is_own else sum(self._process.cpu_times()[:4])
            for child in descendants(self._process):
                with suppress(psutil.Error):  # it has ended meanwhile
                    times = child.cpu_times()
                    # Another's child has waited for what is in nobody else's time.
                    cpu_s += sum(times[: 2 if self._is_own else 4])
                    memory_bytes += child.memory_info().rss
        return cpu_s, memory_bytes


def _own_cpu_s() -> float:
    """Return this process's CPU time with that of children that were waited for."""
    return sum(os.times()[:4])

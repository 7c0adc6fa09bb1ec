"""Time and memory that a job's options allow its process."""

from __future__ import annotations

import math
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from taskkit.protocol.errors import JobTimedOut
from taskkit.protocol.options import JobOptions

MIB = 2**20

CPU_GRACE_S = 5
"""How much more CPU time a job may take that does not notice that it has had its own."""


@contextmanager
def limited(options: JobOptions, cpu_s: float | None = None) -> Iterator[None]:
    """Run the block within a job's limits; for the main thread of a pool process.

    cpu_s: how much CPU time the process may take for it.

    Raises:
        JobTimedOut: It takes longer than `timeout_s`, or more CPU time. C code that does not return
            to Python does not see it; the ledger has such an attempt ended from outside, and the
            kernel ends one that takes `CPU_GRACE_S` more CPU time.
        MemoryError: The process wants more memory than `memory_mib` on top of what it had.
    """
    with _time(options.timeout_s), _cpu(cpu_s), _memory(options.memory_mib):
        yield


@contextmanager
def _time(timeout_s: float | None) -> Iterator[None]:
    if timeout_s is None:
        yield
        return

    def on_alarm(_number: int, _frame: FrameType | None) -> None:
        raise JobTimedOut(f"it ran longer than its timeout of {timeout_s:g} s")

    before = signal.signal(signal.SIGALRM, on_alarm)
    try:
        signal.setitimer(signal.ITIMER_REAL, timeout_s)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _cpu(cpu_s: float | None) -> Iterator[None]:
    if cpu_s is None:
        yield
        return
    import resource

    def on_limit(_number: int, _frame: FrameType | None) -> None:
        raise JobTimedOut(f"it took more than {cpu_s:g} s of CPU time, which this worker allows")

    before = signal.signal(signal.SIGXCPU, on_limit)
    soft = math.ceil(time.process_time() + cpu_s)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    last = soft + CPU_GRACE_S if hard < 0 else min(soft + CPU_GRACE_S, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (min(soft, last), last))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, (last, last))
        signal.signal(signal.SIGXCPU, before)


_granted_mib: float | None = None
"""What the job that runs here may take."""


def has_memory_limit() -> bool:
    """Return whether the job that runs here may take only so much memory."""
    return _granted_mib is not None


def limit_as_well(pid: int) -> None:
    """Have a process that the job has started take as much as the job, on top of what it has.

    What it has inherited was reckoned from what this process had, which may be far more.
    """
    if _granted_mib is None or (taken := _taken_bytes(pid)) is None:
        return
    _set_limit(pid, taken + int(_granted_mib * MIB))


@contextmanager
def _memory(memory_mib: float | None) -> Iterator[None]:
    taken = _taken_bytes() if memory_mib is not None else None
    if memory_mib is None or taken is None:
        yield
        return
    import resource

    global _granted_mib
    _granted_mib = memory_mib
    before = resource.getrlimit(resource.RLIMIT_DATA)
    _set_limit(os.getpid(), taken + int(memory_mib * MIB))
    try:
        yield
    except MemoryError as error:
        error.add_note(f"The job may take {memory_mib:g} MiB (memory_mib).")
        raise
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)
        _granted_mib = None


def _set_limit(pid: int, most_bytes: int) -> None:
    import resource

    _, hard = resource.prlimit(pid, resource.RLIMIT_DATA)
    soft = most_bytes if hard < 0 else min(most_bytes, hard)
    resource.prlimit(pid, resource.RLIMIT_DATA, (soft, hard))


def _taken_bytes(pid: int | str = "self") -> int | None:
    """Return what counts towards RLIMIT_DATA now; None where the system does not say.

    Source: getrlimit(2): since Linux 4.7 the limit is on private writable mappings too, which
    /proc/PID/status shows as VmData. macOS does not enforce it.
    """
    if sys.platform != "linux":
        return None
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return 1024 * int(line.split()[1])
    return None

"""Reads what was spent: CPU by role, Redis' commands and bytes, memory."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from .plant import Plant
from .reading import Reading


def read(plant: Plant) -> Reading:
    """Return the counters as they are now."""
    info = plant.redis.info("everything")
    return Reading(
        time.monotonic(),
        {role: sum(map(_cpu_s, processes)) for role, processes in plant.roles().items()},
        {
            "cpu_s": info["used_cpu_user_main_thread"] + info["used_cpu_sys_main_thread"],
            # Those within scripts are counted as well; calls from outside have no name for that.
            "commands": info["total_commands_processed"],
            "in": info["total_net_input_bytes"],
            "out": info["total_net_output_bytes"],
            "aof": info["aof_current_size"],
        },
        plant.pace.rounds,
        plant.pace.cpu_s,
        {
            name.removeprefix("cmdstat_"): stats["usec"]
            for name, stats in info.items()
            if name.startswith("cmdstat_")
        },
    )


def memory(plant: Plant) -> dict[str, float]:
    """Return the memory of each role in bytes, in PSS, and what Redis says that it uses."""
    found = {role: float(sum(map(_pss, found))) for role, found in plant.roles().items()}
    info = plant.redis.info("memory")
    clients = plant.redis.info("clients")["connected_clients"]
    return found | {
        "used": float(info["used_memory"]),
        "used by clients": float(info["mem_clients_normal"]),
        "clients": float(clients),
        "threads": float(_threads(plant)),
    }


def held_by_worker(plant: Plant) -> tuple[int, float]:
    """Return how many connections to Redis its main process has, and each of its others."""
    port = plant.redis.connection_pool.connection_kwargs["port"]
    main, *others = (
        sum(one.raddr != () and one.raddr.port == port for one in process.net_connections())
        for process in plant.roles()["worker"]
    )
    return main, sum(others) / len(others)


def _threads(plant: Plant) -> int:
    return sum(one.num_threads() for one in plant.roles()["server"])


def _cpu_s(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)
    return 0.0


def _pss(process: psutil.Process) -> int:
    with suppress(OSError):
        text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
        return 1024 * int(next(x for x in text.splitlines() if x.startswith("Pss:")).split()[1])
    return 0


def own_cpu_s(pids: list[int]) -> float:
    """Return the CPU time of some processes, and of this one."""
    return sum(_cpu_s(psutil.Process(pid)) for pid in (*pids, os.getpid()))


def during(plant: Plant, work: Callable[[], object]) -> Reading:
    """Do it; return what it took."""
    before = read(plant)
    work()
    return read(plant).since(before)

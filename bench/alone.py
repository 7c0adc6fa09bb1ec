"""Figures that only taskkit has."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil

import taskkit

UPDATES = 100_000


def import_time() -> dict[str, float]:
    """Return how long a new interpreter takes to import taskkit, over one that imports nothing."""
    took = {}
    for code in ("pass", "import taskkit", "import taskkit; taskkit.Client"):
        times = []
        for _ in range(5):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True)
            times.append(time.perf_counter() - began)
        took[code] = min(times)
    base = took.pop("pass")
    return {f"{code}, s": value - base for code, value in took.items()}


def progress_cost(stack: taskkit.LocalStack) -> dict[str, float]:
    """Return the cost of one `taskkit.progress` in a job, and whether the last value arrived."""

    def report(updates: int) -> float:
        import time

        import taskkit

        began = time.perf_counter()
        for n in range(updates):
            taskkit.progress(n + 1, updates)
        return (time.perf_counter() - began) / updates

    client = stack.client()
    seen: list[float] = []
    job = client.submit(report, UPDATES)
    job.on_progress(lambda progress: seen.append(progress.done))
    per_update_s = job.result(60)
    client.close()
    return {
        "progress, µs an update in the job": 1e6 * per_update_s,
        f"of {UPDATES} updates, seen": len(seen),
        "the last one arrived (1 = yes)": float(seen[-1:] == [UPDATES]),
    }


def memory(stack: taskkit.LocalStack) -> dict[str, float]:
    """Return the proportional memory of an idle stack, all its processes together, in MB."""
    root = psutil.Process(stack.pids()["supervisor"])
    family = [root, *root.children(recursive=True)]
    return {"idle memory of the stack, MB": sum(p.memory_full_info().pss for p in family) / 1e6}

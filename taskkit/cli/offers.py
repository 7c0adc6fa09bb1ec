"""`taskkit workers` and `taskkit queues`: who works for this server, and what waits."""

from __future__ import annotations

import json
import time

import typer

from ..protocol.workers import WorkerInfo
from .jobs import AsJson
from .service import service
from .terminal import duration, note


def workers(as_json: AsJson = False) -> None:
    """List the workers and what they run now."""
    from ..protocol import wire

    found = service().get("/workers")["workers"]
    if as_json:
        for obj in found:
            typer.echo(json.dumps(obj, ensure_ascii=False))
        return
    if not found:
        note("no worker is there: `taskkit worker` starts one")
        return
    from .ids import short
    from .lines import Column, clean, show_grid

    columns = (
        Column(heading="worker", least=16),
        Column(heading="host", is_spare=True),
        Column(heading="busy", is_right=True),
        Column(heading="queues"),
        Column(heading="has"),
        Column(heading="python", is_right=True),
        Column(heading="here for", is_right=True),
        Column(heading="runs of yours", least=8),
    )
    known = [wire.worker_from_wire(obj) for obj in found]
    now_s = time.time()
    rows = [
        (
            clean(worker.name, 80),
            clean(worker.host, 80),
            f"{worker.busy} of {worker.processes}",
            clean(",".join(worker.queues), 80),
            clean(_has(worker), 120),
            clean(worker.python, 20),
            duration(max(0.0, now_s - worker.joined_at / 1000)),
            " ".join(map(short, worker.jobs)),
        )
        for worker in known
    ]
    show_grid(columns, rows)


def _has(worker: WorkerInfo) -> str:
    """Return what a worker says of its machine, and its tags."""
    cores = "" if worker.cores is None else f"{worker.cores} core{'s' if worker.cores != 1 else ''}"
    memory = "" if worker.memory_mib is None else f"{worker.memory_mib / 1024:.1f} GiB"
    return " ".join(filter(None, (cores, memory, ",".join(worker.tags))))


def queues(as_json: AsJson = False) -> None:
    """List the queues: how many jobs wait and run, yours and everybody's, and who serves them."""
    found = service().get("/queues")["queues"]
    if as_json:
        for obj in found:
            typer.echo(json.dumps(obj, ensure_ascii=False))
        return
    from .lines import Column, clean, show_grid

    columns = (
        Column(heading="queue", least=12, is_spare=True),
        *(Column(heading=heading, is_right=True) for heading in _COUNTS),
    )
    show_grid(
        columns,
        [
            (clean(queue["name"], 50), *(f"{queue[name]:,}" for name in _COUNTS.values()))
            for queue in found
        ],
    )
    for queue in found:
        if queue["queued_all"] and not queue["workers"]:
            note(f"no worker serves {queue['name']}: `taskkit worker --queues {queue['name']}`")


_COUNTS = {
    "queued": "queued_all",
    "running": "running_all",
    "yours queued": "queued",
    "yours running": "running",
    "processes": "processes",
    "workers": "workers",
}

"""A storm: jobs submitted all the while something is broken; then calm, and what the ledger has."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from taskkit.client import Job
from taskkit.ledger.redis import RedisLedger
from taskkit.protocol.cursor import Cursor
from taskkit.protocol.events import Event
from taskkit.protocol.spec import LOCAL_OWNER

from .facts import Kept, Logged, Trimmed
from .holdings import note_after, note_before
from .until import until
from .witness import Witness
from .world import World


def step(facts: str, steps: int, pause_s: float) -> str:
    """Be a job: note that it runs, report progress, note that it ends. Returns its attempt."""
    import json
    import os
    import time

    import taskkit

    job, attempt = os.environ["TASKKIT_JOB_ID"], os.environ["TASKKIT_ATTEMPT"]

    def note(which: str) -> None:
        # As `Recorder` writes it, which is not here.
        fact = {"job": job, "attempt": int(attempt), "pid": os.getpid(), "step": which}
        line = {"t": round(time.monotonic(), 6), "who": "job", "fact": "Ran", **fact}
        os.write(file, json.dumps(line).encode() + b"\n")

    file = os.open(facts, os.O_WRONLY | os.O_APPEND)
    try:
        note("begin")
        for n in taskkit.track(range(steps)):
            print(n)
            time.sleep(pause_s)
        note("end")
    finally:
        os.close(file)
    return attempt


def poison(facts: str, kind: str) -> None:
    """Be a job that ends its own process, or takes more memory than it may: note that it runs,
    and go."""
    import ctypes
    import json
    import os
    import time

    job, attempt = os.environ["TASKKIT_JOB_ID"], os.environ["TASKKIT_ATTEMPT"]
    fact = {"job": job, "attempt": int(attempt), "pid": os.getpid(), "step": "begin"}
    line = {"t": round(time.monotonic(), 6), "who": "job", "fact": "Ran", **fact}
    with open(facts, "ab", buffering=0) as file:  # noqa: PTH123
        file.write(json.dumps(line).encode() + b"\n")
    if kind == "segfault":
        ctypes.string_at(0)
    if kind == "exit":
        os._exit(3)
    if kind == "memory":
        print(len([bytearray(2**20) for _ in range(10_000)]))
    os.kill(os.getpid(), 9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is submitted while a fault goes on."""

    jobs: int = 200
    clients: int = 2
    over_s: float = 15.0
    #: How long the submissions take.
    steps: int = 4
    pause_s: float = 0.02


def storm(
    world: World, rng: random.Random, load: Load, nemesis: Callable[[], None], limit_s: float
) -> None:
    """Submit the load while `nemesis` works; wait until all is final; note what the ledger has.

    What the processes hold is noted before, when some jobs have warmed them up, and after.

    Raises:
        AssertionError: Something was not final, or not read, `limit_s` after the last of both.
    """
    warm_up(world, load)
    before = note_before(world)
    rush(world, rng, load, nemesis)
    settle(world, limit_s)
    world.dismiss()
    note_after(world, before)


def warm_up(world: World, load: Load) -> None:
    """Have a tenth of the load run, and its clients go."""
    rush(world, random.Random(0), replace(load, jobs=max(20, load.jobs // 10), over_s=0.0))
    until(lambda: not unfinished(world), 120.0, what="the warm-up")
    world.dismiss()


def rush(
    world: World, rng: random.Random, load: Load, nemesis: Callable[[], None] = lambda: None
) -> None:
    """Submit the load from clients of its own while `nemesis` works."""
    witnesses = [world.witness() for _ in range(load.clients)]
    threads = [
        threading.Thread(target=_submit, args=(world, witness, _moments(rng, load), load))
        for witness in witnesses
    ]
    for thread in threads:
        thread.start()
    try:
        nemesis()
    finally:
        for thread in threads:
            thread.join()


def _moments(rng: random.Random, load: Load) -> list[float]:
    return sorted(rng.uniform(0, load.over_s) for _ in range(load.jobs // load.clients))


def _submit(world: World, witness: Witness, moments: list[float], load: Load) -> None:
    began = time.monotonic()
    for n, moment in enumerate(moments):
        time.sleep(max(0.0, began + moment - time.monotonic()))
        key = f"{witness.name}-{n}"
        witness.submit(key, step, str(world.facts), load.steps, load.pause_s)


def unfinished(world: World) -> list[Job[Any]]:
    """Return the jobs that are not final for the clients that are there."""
    return [job for witness in world.witnesses for job in witness.unfinished()]


def settle(world: World, limit_s: float) -> None:
    """Wait until all jobs are final for their clients and all is read; then note the ledger."""
    deadline = time.monotonic() + limit_s

    def left() -> float:
        return max(1.0, deadline - time.monotonic())

    try:
        until(lambda: not unfinished(world), left(), what="all jobs to be final")
        ledger = RedisLedger(world.redis_url)
        for witness in world.witnesses:
            witness.catch_up(ledger, left())
    finally:
        note_ledger(world)


def note_ledger(world: World) -> None:
    """Note the log and the records of the user."""
    ledger = RedisLedger(world.redis_url)
    note = world.recorder.note
    cursor, is_first = Cursor(), True
    while True:
        page = ledger.read(LOCAL_OWNER, cursor, limit=1000)
        if is_first and page.events and page.events[0].seq > 1:
            first = page.events[0].seq
            note("ledger", Trimmed(owner=LOCAL_OWNER, epoch=page.epoch, first_seq=first))
        is_first = False
        for event in page.events:
            note("ledger", _logged(page.epoch, event))
        if not page.events:
            break
        cursor = Cursor(page.epoch, page.events[-1].seq)
    for record in ledger.jobs(LOCAL_OWNER, limit=1_000_000):
        kept = Kept(
            owner=LOCAL_OWNER, job=record.id, state=str(record.state), attempt=record.attempt
        )
        note("ledger", kept)


def _logged(epoch: str, event: Event) -> Logged:
    return Logged(
        owner=LOCAL_OWNER,
        epoch=epoch,
        seq=event.seq,
        type=event.type,
        job=event.job,
        attempt=getattr(event, "attempt", 0),
    )

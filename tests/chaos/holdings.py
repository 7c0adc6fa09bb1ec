"""What the processes of a stack hold: memory and file descriptors, before faults and after."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Literal

import psutil

from .facts import Held
from .invariants.leaks import FILES
from .world import World

LET_GO_S = 60.0
"""How long a process may take to close what nobody uses any more: a dead peer's sockets close when
its silence is noticed."""


def holdings(world: World, when: Literal["before", "after"]) -> Iterator[Held]:
    """Yield what each process of each part holds now."""
    for part, pid in world.stack.pids().items():
        with suppress(psutil.NoSuchProcess):
            main = psutil.Process(pid)
            children = [] if part == "supervisor" else main.children(recursive=True)
            for process in (main, *children):
                with suppress(psutil.NoSuchProcess):
                    yield Held(
                        part=part,
                        pid=process.pid,
                        when=when,
                        rss_bytes=process.memory_info().rss,
                        files=process.num_fds(),
                    )


def note_before(world: World) -> list[Held]:
    """Note what is held before anything is broken; return it."""
    return _noted(world, list(holdings(world, "before")))


def note_after(world: World, before: list[Held]) -> list[Held]:
    """Note what is held when all is calm: as soon as files are let go, or after `LET_GO_S`."""
    allowed = {held.pid: held.files + FILES for held in before}
    deadline = time.monotonic() + LET_GO_S
    while True:
        now = list(holdings(world, "after"))
        if time.monotonic() > deadline or all(
            held.files <= allowed.get(held.pid, held.files) for held in now
        ):
            return _noted(world, now)
        time.sleep(0.5)


def _noted(world: World, seen: list[Held]) -> list[Held]:
    for held in seen:
        world.recorder.note("stack", held)
    return seen

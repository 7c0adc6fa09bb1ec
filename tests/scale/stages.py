"""What is done to a plant, one stage after the other, and what each of them took."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from waiting import wait_until

from taskkit.protocol.jobs import JobState

from .fleet import READERS, Fleet
from .meters import during, memory
from .plant import Plant
from .profiles import Size
from .reading import Reading

LIMIT_S = 600.0

GATES = "local"
"""Who submits the jobs that hold the processes: the stack's own user, whom no notebook is of."""


@dataclass
class Trial:
    """One size: what it took in each stage, and the memory between them."""

    size: Size
    readers: int
    batch: int
    idle: Reading
    submitted: Reading
    ran: Reading
    memory: dict[str, dict[str, float]]
    #: ``connected``, ``gated``, ``queued`` and ``finished``.


class Stages:
    """Does them. Its worker is there from the first to the last."""

    def __init__(self, plant: Plant, fleet: Fleet, users: list[str]) -> None:
        self.plant = plant
        self.fleet = fleet
        self._users = users

    def warm(self) -> None:
        """Have each part do once what it does later, so that what it imports and keeps is there."""
        self.fleet.join(8)
        self.submit(40, 10)
        self.finish()
        self.fleet.join(0)

    def idle(self, for_s: float) -> Reading:
        """Let nothing happen for so long, when all has settled."""
        time.sleep(self.plant.profile.settle_s)
        return during(self.plant, lambda: time.sleep(for_s))

    def crowd(self, notebooks: int, for_s: float) -> Reading:
        """Have so many connected that do nothing for so long."""
        self.fleet.join(notebooks)
        found = self.idle(for_s)
        self.fleet.join(0)
        return found

    def trial(self, size: Size, batch: int, idle_s: float, readers: int = READERS) -> Trial:
        """Have so many notebooks connected, idle, submit, and hear of all that comes of it."""
        self.fleet.join(0)
        self.fleet.join(size.notebooks, readers)
        found = {"connected": memory(self.plant)}
        idle = self.idle(idle_s)
        with self.gate() as opened:
            found["gated"] = memory(self.plant)
            submitted = during(self.plant, lambda: self.submit(size.jobs, batch))
            found["queued"] = memory(self.plant)
            ran = during(self.plant, lambda: (opened(), self.finish()))
        found["finished"] = memory(self.plant)
        return Trial(size, readers, batch, idle, submitted, ran, found)

    @contextmanager
    def gate(self) -> Iterator[object]:
        """Hold all processes of the worker; give what lets them go."""
        slots = sum(worker.processes for worker in self.plant.ledger.workers(""))
        with tempfile.TemporaryDirectory(prefix="scale-gate-") as folder:
            path = Path(folder) / "open"
            self._hold(slots, path)
            yield path.touch
            path.touch()
            wait_until(lambda: not self._running(), LIMIT_S)

    def _hold(self, slots: int, path: Path) -> None:
        server, _ = self.plant.servers[self.plant.ports[0]]
        gate = {"task": "scale_gate", "arguments": {"path": str(path)}}
        body = json.dumps({"jobs": [gate] * slots}).encode()
        assert server.ask("POST", "/jobs", body, Content_Type="application/json").status == 200
        wait_until(lambda: self._running() == slots, LIMIT_S)

    def _running(self) -> int:
        return self.plant.ledger.tally(GATES)[JobState.RUNNING]

    def submit(
        self, jobs: int, batch: int, task: str = "scale_nothing", **arguments: object
    ) -> None:
        """Have so many accepted, and all notebooks have heard of it."""
        assert self.fleet.submit(jobs, batch, task, **arguments) == jobs
        self.hear()

    def hear(self) -> None:
        """Wait until each notebook has read its user's log to the end."""
        heads = {user: self.plant.ledger.head(user).seq for user in self._users}
        wait_until(lambda: self.fleet.behind(heads) == 0, LIMIT_S, look_every_s=0.2)

    def finish(self) -> None:
        """Wait until nothing is queued or runs, and all have heard of it."""
        wait_until(lambda: not any(self.active().values()), LIMIT_S, look_every_s=0.2)
        self.hear()

    def count(self) -> None:
        """Wait until the servers have counted all that has happened."""
        wait_until(lambda: not self.plant.redis.scard("tk:figures:uncounted"), LIMIT_S)

    def active(self) -> dict[str, int]:
        """Return how many jobs are queued and running, of all users."""
        found = {"queued": 0, "running": 0}
        for name, n in self.plant.redis.hgetall("tk:counts").items():
            found[name.decode().rpartition(" ")[2]] += int(n)
        return found

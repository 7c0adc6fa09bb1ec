"""A process whose worker has no room, and a keeper that tells what its worker has."""

from __future__ import annotations

import queue
import secrets
from typing import Any

import pytest
from waiting import wait_until

from taskkit.ledger import FULL, Claim, Full, JobRef, Lease
from taskkit.ledger.memory import MemoryLedger
from taskkit.protocol.spec import JobSpec
from taskkit.protocol.workers import WorkerInfo
from taskkit_worker import shift as shift_module
from taskkit_worker.handover import Handover
from taskkit_worker.keeper import Keeper
from taskkit_worker.possessions import digest_of
from taskkit_worker.pulse import Pulse
from taskkit_worker.shift import Shift

WORKER = WorkerInfo(name="w1", host="lab", pid=1, processes=1, python="3.11.7", cores=2)


class Crowded:
    """Has no room the first few times that it is asked; notes how it was asked."""

    def __init__(self, times: int, last: Claim | None = None) -> None:
        self.times = times
        self.last = last
        self.asked: list[bool] = []
        self.ran: list[Claim] = []

    def begin(self, queue: str, *, has_waited: bool = False) -> Claim | Full | None:
        self.asked.append(has_waited)
        if len(self.asked) <= self.times:
            return FULL
        last, self.last = self.last, None
        return last

    def rise(self, woken: object) -> None:
        return None

    def run(self, claim: Claim, wants_another: Any) -> None:
        self.ran.append(claim)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shift_module, "LINGER_S", 0.01)
    monkeypatch.setattr(shift_module, "ROOM_S", 0.01)


class Quiet(MemoryLedger):
    """Notes in which queues a process waits."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[tuple[str, ...]] = []

    def take(self, timeout_s: float, queues: Any = (), **process: Any) -> Any:
        self.taken.append(tuple(queues))
        return super().take(timeout_s, queues, **process)


def test_a_process_without_room_waits_and_takes_no_message() -> None:
    """Which another worker may have a use for; when there is room it runs what it finds."""
    claim = Claim(lease=Lease(JobRef("ada", "1" * 32), 1), spec=JobSpec(task="demo"))
    crowded, ledger = Crowded(3, claim), Quiet()
    Shift(ledger, crowded, lambda: False, worker="w1").work("default")
    assert crowded.asked[:4] == [False, True, True, True]
    assert crowded.ran == [claim]
    assert ledger.taken[:3] == [(), (), ()]
    assert ledger.taken[-1] == ("@w1", "default")


def test_one_whose_worker_stops_waits_no_more() -> None:
    """It goes back to Celery, and ends."""
    crowded = Crowded(10**9)
    Shift(Quiet(), crowded, lambda: len(crowded.asked) > 3, worker="w1").work("default")
    assert len(crowded.asked) == 4


def keeper(ledger: MemoryLedger, packages: dict[str, str], processes: list[int]) -> Keeper:
    """A keeper whose worker has these packages, and so many processes as the list says."""
    return Keeper(
        ledger,
        WORKER,
        queue.SimpleQueue(),
        Handover(),
        agree=lambda: None,
        beat_s=0.02,
        interrupt_s=1,
        finish_s=1,
        pulse=Pulse(None, 1),
        packages=lambda: packages,
        processes=lambda: processes[0],
    )


def test_a_keeper_tells_what_its_worker_has_and_how_it_grows() -> None:
    """Once when it joins, and anew when the pool has another size; nobody joins twice for that."""
    ledger, processes, packages = MemoryLedger(), [1], {"numpy": "2.0"}
    kept = keeper(ledger, packages, processes)
    kept.start()
    wait_until(lambda: bool(ledger.workers("")))
    [info] = ledger.workers("")
    assert info.environment == digest_of(packages)
    assert ledger.packages(info.environment) == packages
    processes[0] = 4
    wait_until(lambda: ledger.workers("")[0].processes == 4)
    assert ledger.head("@workers").seq == 1
    kept.stop("stopped")
    assert ledger.packages(info.environment) is None


def test_a_keeper_seeks_what_its_worker_may_run() -> None:
    """With every beat: a lane that came while nobody told it of one."""
    sought: list[str] = []

    class Sought(MemoryLedger):
        def seek(self, worker: str) -> None:
            sought.append(worker)

    kept = keeper(Sought(), {}, [1])
    kept.start()
    wait_until(lambda: len(sought) > 2)
    kept.stop(secrets.token_hex(4))
    assert set(sought) == {"w1"}

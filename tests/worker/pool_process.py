"""A pool process on the ledger in memory: what it claims, and what it then runs."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

from taskkit.ledger import Claim, JobRef, Lease, Ran, StoredResult, Write
from taskkit.ledger.memory import MemoryLedger
from taskkit.protocol.broker import wake_up
from taskkit.protocol.errors import Unavailable
from taskkit.protocol.events import JobFailed, JobSucceeded
from taskkit.protocol.jobs import JobRecord, ResultInfo
from taskkit.protocol.spec import JobSpec
from taskkit.protocol.workers import WorkerInfo
from taskkit_worker.attempt import Attempts
from taskkit_worker.handover import Handover
from taskkit_worker.performance import Performed
from taskkit_worker.series import Series

WORKER = WorkerInfo(name="w1", host="lab", pid=1, processes=2, python="3.11.7")
DONE = JobSucceeded(result=ResultInfo(media_type="application/json", size_bytes=2))


class Unheard(MemoryLedger):
    """A ledger that cannot be reached at times."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        #: How often for more.
        self.fails: dict[str, list[str]] = {}
        #: By verb, what becomes of each call: it fails "before" it takes effect or "after", or goes
        #: "well". Then all go well.

    def _at(self, verb: str, moment: str) -> None:
        if self.fails.get(verb, [])[:1] == [moment]:
            self.fails[verb].pop(0)
            raise Unavailable(f"no route {moment} {verb} (test)")
        if moment == "after" and self.fails.get(verb, [])[:1] == ["well"]:
            self.fails[verb].pop(0)

    def finish(
        self,
        lease: Lease,
        outcome: JobSucceeded | JobFailed,
        result: StoredResult | None,
        *,
        is_retryable: bool = False,
        ran: Ran | None = None,
    ) -> Write:
        self._at("finish", "before")
        write = super().finish(lease, outcome, result, is_retryable=is_retryable, ran=ran)
        self._at("finish", "after")
        return write

    def finish_and_claim(self, *call: Any, **options: Any) -> Any:
        self._at("finish_and_claim", "before")
        answer = super().finish_and_claim(*call, **options)
        self._at("finish_and_claim", "after")
        return answer

    def claim_more(self, *call: Any, **options: Any) -> list[Claim]:
        self.asked += 1
        self._at("claim_more", "before")
        claims = super().claim_more(*call, **options)
        self._at("claim_more", "after")
        return claims

    def hand_back(self, worker: str, leases: Sequence[Lease], cause: str) -> int:
        self._at("hand_back", "before")
        return super().hand_back(worker, leases, cause)


class Performer:
    """Notes what it performs; `meets` has something happen then."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.meets: dict[int, Callable[[Claim], object]] = {}
        self.takes_s = 0.0

    def perform(self, claim: Claim) -> Performed:
        """Take that long, and meet what is to happen in the run of that number."""
        self.ran.append(claim.lease.ref.id)
        time.sleep(self.takes_s)
        self.meets.get(len(self.ran), lambda _: None)(claim)
        return Performed(DONE, StoredResult(media_type="application/json", body=b"42"), False)


class Process:
    """A pool process, and the jobs that wait for it."""

    def __init__(self) -> None:
        self.ledger, self.performer, self.series = Unheard(), Performer(), Series()
        self.ledger.join(WORKER)
        self.handover = Handover()
        self.attempts = Attempts(
            self.ledger, self.performer, "w1", handover=self.handover, series=self.series
        )
        self.refs: list[JobRef] = []

    def submit(self, number: int) -> None:
        """Queue so many jobs that are alike."""
        for _ in range(number):
            request = (secrets.token_hex(8), JobSpec(task="fit"))
            [made] = self.ledger.submit("ada", [request], message=wake_up)
            self.refs.append(JobRef("ada", made.record.id))

    def work(self) -> None:
        """Run what waits, as a shift does, until nothing is left."""
        claim = self.attempts.begin("default")
        while True:
            while isinstance(claim, Claim):
                claim = self.attempts.run(claim, lambda: True)
            claim = self.attempts.rise(None) or self.attempts.begin("default")
            if claim is None:
                return

    def records(self) -> list[JobRecord]:
        """Return what became of the jobs."""
        return [record for ref in self.refs if (record := self.ledger.job(ref)) is not None]


def others_at(process: Process, number: int) -> list[str]:
    """Have the run of that number note which leases its process holds besides."""
    found: list[str] = []

    def note(claim: Claim) -> None:
        leases = [lease for lease, _ in process.ledger.held("w1")]
        found.extend(lease.ref.id for lease in leases if lease != claim.lease)

    process.performer.meets[number] = note
    return found

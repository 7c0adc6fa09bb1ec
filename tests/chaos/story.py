"""`Story`: histories in which everything went as promised, for tests of the checker."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from taskkit.protocol.events import (
    AttemptLost,
    AttemptStarted,
    JobSubmitted,
    ProgressReported,
    WorkerJoined,
)

from .facts import (
    Accepted,
    Began,
    CaughtUp,
    Entry,
    Fact,
    FaultBegan,
    FaultEnded,
    Finished,
    GapTold,
    Kept,
    Logged,
    Ran,
    Received,
    Step,
    Trimmed,
)
from .history import FINAL_STATES

WORKERS = "@workers"


@dataclass
class _Job:
    owner: str
    client: str
    state: str = "queued"
    attempt: int = 0
    is_concluded: bool = False


class Story:
    """Told step by step; each fact takes a second. `end` returns all of them.

    A client reads its owner's log and that of the workers. While it is away it reads nothing; when
    it is back it resumes, or is told of a gap.
    """

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._logs: dict[str, list[Logged]] = {}
        self._jobs: dict[str, _Job] = {}
        self._owners: dict[str, str] = {}
        self._read: dict[tuple[str, str], int] = {}
        #: Client and log -> the seq up to which it has read.
        self._away: set[str] = set()

    @property
    def clients(self) -> list[str]:
        """The clients that came."""
        return list(self._owners)

    def jobs(self, state: str) -> list[str]:
        """Return the jobs in a state."""
        return [id for id, job in self._jobs.items() if job.state == state]

    def client(self, name: str, owner: str) -> None:
        """A client comes; it reads from now on."""
        self._owners[name] = owner
        for log in (owner, WORKERS):
            head = len(self._logs.get(log, ()))
            self._read[name, log] = head
            if head:
                self._note(name, Began(epoch=epoch(log), seq=head))

    def submit(self, job: str, client: str) -> None:
        """A client has a job accepted."""
        self._jobs[job] = _Job(self._owners[client], client)
        self._note(client, Accepted(key=f"key of {job}", job=job))
        self._log(job, JobSubmitted.type)

    def start(self, job: str) -> None:
        """A worker claims a job."""
        self._jobs[job].attempt += 1
        self._jobs[job].state = "running"
        self._log(job, AttemptStarted.type, self._jobs[job].attempt)
        self._run(job, "begin")

    def progress(self, job: str) -> None:
        """The attempt reports."""
        self._log(job, ProgressReported.type)

    def lose(self, job: str) -> None:
        """The attempt dies."""
        self._jobs[job].state = "queued"
        self._log(job, AttemptLost.type, self._jobs[job].attempt)

    def finish(self, job: str, kind: str = "job_succeeded") -> None:
        """The job becomes final, by an event of this kind."""
        if kind == "job_succeeded":
            self._run(job, "end")
        self._jobs[job].state = FINAL_STATES[kind]
        self._log(job, kind)

    def worker(self) -> None:
        """A worker joins."""
        self._append(WORKERS, WorkerJoined.type)

    def away(self, client: str) -> None:
        """A client hears nothing until it is `back`."""
        self._away.add(client)

    def back(self, client: str, *, is_gap: bool = False) -> None:
        """It resumes where it was, or is told that what it missed is gone."""
        self._away.discard(client)
        for log in (self._owners[client], WORKERS):
            head = len(self._logs.get(log, ()))
            if is_gap and head > self._read[client, log]:
                self._read[client, log] = head
                self._note(client, GapTold(epoch=epoch(log), seq=head))
                self._conclude(client, list(self._jobs))
            self._deliver(client, log)

    def fault(self, name: str, *, is_over: bool) -> None:
        """A fault begins or ends."""
        self._note("fault", FaultEnded(name=name) if is_over else FaultBegan(name=name))

    def end(self, *, trim: int = 0) -> list[Entry]:
        """Everybody comes back, and the ledger is read, without the first `trim` of each log."""
        for client, owner in self._owners.items():
            self.back(client)
            for log in (owner, WORKERS):
                self._note(client, CaughtUp(epoch=epoch(log) if log in self._logs else ""))
        for log, events in self._logs.items():
            if trim:
                first = min(trim, len(events)) + 1
                self._note("ledger", Trimmed(owner=log, epoch=epoch(log), first_seq=first))
            for event in events[trim:]:
                self._note("ledger", event)
        for id, job in self._jobs.items():
            kept = Kept(owner=job.owner, job=id, state=job.state, attempt=job.attempt)
            self._note("ledger", kept)
        return self._entries

    def _run(self, job: str, step: Step) -> None:
        self._note("job", Ran(job=job, attempt=self._jobs[job].attempt, pid=7, step=step))

    def _log(self, job: str, kind: str, attempt: int = 0) -> None:
        self._append(self._jobs[job].owner, kind, job, attempt)

    def _append(self, log: str, kind: str, job: str = "", attempt: int = 0) -> None:
        events = self._logs.setdefault(log, [])
        place = {"owner": log, "epoch": epoch(log)}
        events.append(
            Logged(**place, seq=len(events) + 1, type=kind, job=job, attempt=attempt),
        )
        for client, owner in self._owners.items():
            if log in (owner, WORKERS) and client not in self._away:
                self._deliver(client, log)

    def _deliver(self, client: str, log: str) -> None:
        for event in self._logs.get(log, [])[self._read[client, log] :]:
            self._read[client, log] = event.seq
            place = {"epoch": event.epoch, "type": event.type, "job": event.job}
            self._note(client, Received(**place, seq=event.seq))
            if event.type in FINAL_STATES:
                self._conclude(client, [event.job])

    def _conclude(self, client: str, jobs: Iterable[str]) -> None:
        for id in jobs:
            job = self._jobs[id]
            is_final = job.state in FINAL_STATES.values()
            if job.client == client and is_final and not job.is_concluded:
                job.is_concluded = True
                self._note(client, Finished(job=id, state=job.state))

    def _note(self, who: str, fact: Fact) -> None:
        self._entries.append(Entry(float(len(self._entries)), who, fact))


def epoch(log: str) -> str:
    """Return the epoch of a log in a story."""
    return f"epoch of {log}"

"""The ledger in memory: what `base.Ledger` promises, as a program to read and to test with."""

from __future__ import annotations

import secrets
import sys
import time
import uuid
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from threading import Condition
from typing import TypeVar

from ..protocol.broker import is_wake_up
from ..protocol.cursor import Cursor
from ..protocol.errors import FunctionNotFound
from ..protocol.events import (
    SAID,
    AttemptFailed,
    AttemptLost,
    AttemptReturned,
    AttemptStarted,
    Event,
    JobCancelled,
    JobFailed,
    JobSubmitted,
    JobSucceeded,
    WorkerJoined,
    WorkerLeft,
)
from ..protocol.fit import fits
from ..protocol.identity import Identity
from ..protocol.jobs import AttemptEnd, JobRecord, JobState
from ..protocol.lifecycle import TRANSITIONS, apply, submitted
from ..protocol.limits import RETENTION_S
from ..protocol.needs import Advert, Needs, needs_of, slots_of
from ..protocol.options import DEFAULT_QUEUE, FIRST_RETRY_S, KILL_GRACE_S
from ..protocol.spec import BY_KEY, MAX_ATTEMPTS, WORKERS_LOG, JobSpec
from ..protocol.workers import TaskInfo, WorkerInfo
from . import calls, terms
from .failures import (
    causes_of_death,
    full,
    needed,
    no_place,
    retry_wait_s,
    reused,
    timed_out,
    unknown,
)
from .finisher import AtOnce, Finisher
from .terms import (
    EVERYTHING,
    FULL,
    MOST_CALLS,
    MOST_LOOKED_AT,
    NOT_SAID,
    SAVING_S,
    UNLIMITED,
    WATCHED_S,
    Claim,
    Due,
    Full,
    JobFilter,
    JobPage,
    JobRef,
    Lease,
    Limits,
    Load,
    LogPage,
    Made,
    Ran,
    StoredResult,
    Submission,
    WakeUp,
    Write,
    blobs_of,
    loads_of,
)

_E = TypeVar("_E", bound=Event)

_LOOK_AGAIN = ""
"""What ends a wait in `take` that has brought nothing."""


def now_ms() -> int:
    """Return this machine's time, in milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class _Job:
    """A record and what only the ledger knows of the job."""

    key: str
    digest: str
    #: Of the spec as it was submitted.
    spec: JobSpec
    record: JobRecord
    number: int
    #: Its place among its owner's submissions; a list goes on below one.
    due_at: int
    #: When its next wake-up is due, while it is queued.
    times_published: int = 0
    published_at: int | None = None
    pid: int = 0
    writes: int = 0
    #: The number of the current attempt's last write.
    lease_ends_at: int = 0
    finished_by: int | None = None
    #: The token that wrote the last outcome.
    deadline: int | None = None
    #: When the current attempt is ended from outside.
    result: StoredResult | None = None
    ran: Ran | None = None
    #: What the worker of the last attempt that had an outcome said.
    expires_at: int | None = None
    waits: set[str] = field(default_factory=set)
    #: The jobs that it is after and that are not final.
    message: str | None = None
    #: Its wake-up, until it is sent.
    is_in_line: bool = False
    #: Whether it may begin now, when it is queued.
    found_needs: Needs | None = None
    #: See `base.Ledger.give_back`.

    def be_due(self, at: int) -> None:
        """Have its next wake-up sent at a time; the attempts before count no more."""
        self.due_at = at
        self.times_published, self.published_at = 0, None
        self.is_in_line = False

    @property
    def queue(self) -> str:
        """The queue that it belongs to."""
        return self.spec.options.queue

    @property
    def work(self) -> JobSpec:
        """What is to be run."""
        return replace(self.spec, identity=None)

    @property
    def lane(self) -> str:
        """The part of the queue for those who need the same."""
        return self.needs.lane

    @property
    def is_needy(self) -> bool:
        """Whether not every worker of the queue may run it."""
        return not self.needs.is_plain

    @property
    def needs(self) -> Needs:
        """What it says that it needs, or what a worker that did not fit has found."""
        return self.found_needs or needs_of(self.spec.options)


@dataclass(slots=True)
class _Worker:
    info: WorkerInfo
    seen_at: int
    packages: Mapping[str, str] | None = None

    @property
    def advert(self) -> Advert:
        """What it has."""
        return self.info.advert(self.packages)


class _Log:
    """The newest events of one log, numbered from 1 without holes."""

    def __init__(self, size: int) -> None:
        self.epoch = ""
        self.seq = 0
        self._events: deque[Event] = deque(maxlen=size)

    def append(self, event: Event) -> None:
        self.epoch = self.epoch or secrets.token_hex(8)
        self.seq = event.seq
        self._events.append(event)

    def page(self, after: Cursor, limit: int) -> LogPage:
        if after.at and after.epoch == self.epoch and self._is_another(after):
            self.epoch = secrets.token_hex(8)
            self._events.clear()
        trimmed = self.seq - len(self._events)
        skip = max(0, after.seq - trimmed)
        is_here = after.epoch in ("", self.epoch) and trimmed <= after.seq <= self.seq
        return LogPage(
            epoch=self.epoch,
            events=tuple(islice(self._events, skip, skip + limit)),
            head=self.seq,
            is_gap=not is_here,
        )

    def _is_another(self, after: Cursor) -> bool:
        place = after.seq - 1 - (self.seq - len(self._events))
        is_kept = 0 <= place < len(self._events)
        return after.seq > self.seq or (is_kept and self._events[place].at != after.at)


class MemoryLedger:
    """See `base.Ledger`; it lives and dies with its process, and threads share it.

    A record changes by `lifecycle.apply` alone. `clock` decides what is late, so a test can let a
    lease end at once; `follow` and `wait_wake` wait in real time.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], int] = now_ms,
        lease_s: float = terms.LEASE_S,
        worker_silent_s: float = terms.WORKER_SILENT_S,
        retention_s: float = RETENTION_S,
        publish_grace_s: float = terms.PUBLISH_GRACE_S,
        republish_after_s: float = terms.REPUBLISH_AFTER_S,
        log_events: int = terms.LOG_EVENTS,
        first_retry_s: float = FIRST_RETRY_S,
        kill_grace_s: float = KILL_GRACE_S,
    ) -> None:
        self._clock = clock
        self._lease_ms = _ms(lease_s)
        self._silent_ms = _ms(worker_silent_s)
        self._retention_ms = _ms(retention_s)
        self._grace_ms = _ms(publish_grace_s)
        self._republish_ms = _ms(republish_after_s)
        self._first_retry_s = first_retry_s
        self._kill_grace_ms = _ms(kill_grace_s)
        self._changed = Condition()
        self._jobs: dict[JobRef, _Job] = {}
        self._keys: dict[tuple[str, str], JobRef] = {}
        self._calls: dict[tuple[str, str], JobRef] = {}
        #: By owner and name, those asked for longest ago first.
        self._topics: dict[tuple[str, str], JobRef] = {}
        self._forgotten: Counter[tuple[str, str]] = Counter()
        self._functions: dict[tuple[str, str], tuple[bytes, int]] = {}
        self._sheets: dict[tuple[str, str], tuple[str, int]] = {}
        self._blobs: dict[tuple[str, str], int] = {}
        #: Until when jobs need them.
        self._workers: dict[str, _Worker] = {}
        self._last_offered: tuple[TaskInfo, ...] = ()
        self._held: defaultdict[str, dict[Lease, int]] = defaultdict(dict)
        self._wakes: Counter[str] = Counter()
        self._logs: defaultdict[str, _Log] = defaultdict(lambda: _Log(log_events))
        self._limits = UNLIMITED
        self._served: dict[tuple[str, str], int] = {}
        #: By queue and owner, how many jobs were begun when the owner's last one was.
        self._begun: Counter[str] = Counter()
        #: By queue.
        self._waiting: dict[tuple[str, int], tuple[int, tuple[str, ...]]] = {}
        #: Who waits, the longest first: until when, and in which queues.
        self._handed: dict[tuple[str, int], Claim] = {}
        #: What they have not taken yet.
        self._savers: dict[str, tuple[str, int]] = {}
        #: By lane, which worker keeps its room for the next job, and until when.
        self._parked: set[tuple[str, int]] = set()
        #: Who waits for room.
        self._nudged: set[tuple[str, int]] = set()
        #: Who of them is to look again.
        self._wake_up: WakeUp | None = None
        self._rung: set[str] = set()
        #: The queues of which it is known how a wake-up reads.
        self._watched_until: Counter[str] = Counter()
        #: By worker, when it is called anew to look after what its processes have claimed.
        self.messages: defaultdict[str, deque[str]] = defaultdict(deque)
        #: The broker's, by queue; the oldest first.

    # Jobs, for the server

    def submit(
        self,
        owner: str,
        requests: Sequence[tuple[str, JobSpec]],
        *,
        message: WakeUp | None = None,
    ) -> list[Submission]:
        with self._changed:
            asked: dict[str, str] = {}
            new: set[str] = set()
            seen: set[str] = set()
            for key, spec in requests:
                known = self._by_key(owner, key)
                digest = known.digest if known else spec.digest()
                if asked.setdefault(key, digest) != spec.digest():
                    raise reused(key)
                if known is None:
                    for reference in spec.after:
                        self._require(owner, reference, asked.keys() - {key})
                    call = self._call(owner, spec)
                    if call in seen or self._recalled(owner, call, spec):
                        continue
                    seen |= {call} if call else set()
                    new.add(key)
                    if spec.function is not None:
                        self._renew(owner, spec.function)
            queued = sum(load.queued for load in self.loads() if load.owner == owner)
            most = self._limits.queued
            if new and most is not None and queued + len(new) > most:
                raise full(most, queued)
            self._wake_up = message or self._wake_up
            renewed: set[str] = set()
            return [self._accept(owner, key, spec, message, renewed) for key, spec in requests]

    def _call(self, owner: str, spec: JobSpec) -> str:
        """Return the name of a call, "" where it has none, or what it is after is not known yet."""
        if spec.identity is None or not spec.identity.key:
            return ""
        others = [self._referred(owner, reference) for reference in spec.after]
        after = [
            reference if other is None else other.record.id
            for reference, other in zip(spec.after, others, strict=True)
        ]
        times = self._forgotten[owner, ""], self._forgotten[owner, spec.task]
        return calls.name_of(spec.identity, after, times)

    def _recalled(self, owner: str, call: str, spec: JobSpec) -> _Job | None:
        """Return the job that stands for a call, if one does; it is kept on from now."""
        ref = self._calls.get((owner, call))
        job = self._find(ref) if ref else None
        if job is None or spec.identity is None or spec.identity.is_renewed:
            return None
        if job.record.state in (JobState.FAILED, JobState.CANCELLED):
            return None
        if job.record.state is JobState.SUCCEEDED:
            job.expires_at = self._clock() + self._retention_ms
            shown = [figure.digest for figure in job.record.figures if figure.digest]
            stored = job.result.blobs if job.result else ()
            self._keep_blobs(owner, [*shown, *stored], self._retention_ms)
        self._calls[owner, call] = self._calls.pop((owner, call))
        return job

    def _remember(self, ref: JobRef, call: str, spec: JobSpec) -> None:
        """Have a job stand for its call, and others be compared with it."""
        if not call or spec.identity is None:
            return
        self._calls.pop((ref.owner, call), None)
        self._calls[ref.owner, call] = ref
        mine = [name for name in self._calls if name[0] == ref.owner]
        for name in mine[: max(0, len(mine) - MOST_CALLS)]:
            del self._calls[name]
        for topic in spec.identity.topics:
            self._topics[ref.owner, topic] = ref

    def _before(self, owner: str, identity: Identity) -> Identity | None:
        """Return the last call that another one is compared with."""
        for topic in identity.topics:
            ref = self._topics.get((owner, topic))
            job = self._find(ref) if ref else None
            if job is not None:
                return job.spec.identity
        return None

    def forget_calls(self, owner: str, task: str = "") -> None:
        with self._changed:
            self._forgotten[owner, task] += 1

    def _require(self, owner: str, reference: str, asked: Collection[str]) -> None:
        """Refuse what is to be after a job that is neither here nor among those before it."""
        if reference.removeprefix(BY_KEY) not in asked and self._referred(owner, reference) is None:
            raise unknown(reference)

    def _referred(self, owner: str, reference: str) -> _Job | None:
        if reference.startswith(BY_KEY):
            return self._by_key(owner, reference.removeprefix(BY_KEY))
        return self._find(JobRef(owner, reference))

    def _renew(self, owner: str, digest: str) -> None:
        pickled = self.function(owner, digest)
        if pickled is None:
            raise FunctionNotFound(function=digest)
        self.put_function(owner, digest, pickled)

    def _by_key(self, owner: str, key: str) -> _Job | None:
        ref = self._keys.get((owner, key))
        return self._find(ref) if ref else None

    def _accept(
        self,
        owner: str,
        key: str,
        spec: JobSpec,
        message: WakeUp | None,
        renewed: set[str],
    ) -> Submission:
        known = self._by_key(owner, key)
        call = "" if known else self._call(owner, spec)
        if known is None and call in renewed and spec.identity is not None:
            # Of equal calls in one request one is run, also where that is to be in any case.
            spec = replace(spec, identity=replace(spec.identity, is_renewed=False))
        if known is None and (known := self._recalled(owner, call, spec)):
            self._keys[owner, key] = JobRef(owner, known.record.id)
        if known:
            return Submission(record=known.record, is_new=False, is_recalled=known.key != key)
        renewed |= {call} if call else set()
        ref = JobRef(owner, uuid.uuid4().hex)
        needed_jobs = [self._referred(owner, reference) for reference in spec.after]
        after = tuple(other.record.id for other in needed_jobs if other is not None)
        self._keep_blobs(owner, spec.blobs, 2 * self._retention_ms)
        digest, spec = spec.digest(), replace(spec, after=after)
        identity = spec.identity
        rerun = calls.rerun_of(identity, self._before(owner, identity)) if identity else None
        event = JobSubmitted(
            job=ref.id, task=spec.task, options=spec.options, after=after, rerun=rerun
        )
        event = self._placed(owner, event)
        record = submitted(event)
        self._write(owner, event)
        due_at = record.created_at + self._grace_ms
        self._jobs[ref] = job = _Job(
            key=key, digest=digest, spec=spec, record=record, number=record.seq, due_at=due_at
        )
        self._keys[owner, key] = ref
        self._remember(ref, call, spec)
        job.waits = {id for id in after if not self._jobs[JobRef(owner, id)].record.is_final}
        job.message = message(job.queue) if message else None
        failed = [id for id in after if self._has_failed(owner, id)]
        if failed:
            self._ended(ref, JobFailed(error=needed(self._jobs[JobRef(owner, failed[0])].record)))
        elif not job.waits:
            if job.message is not None:
                self._rung.add(job.queue)
            is_handed = job.message is not None and self._hand_over(ref, job)
            self._release(ref, job, is_handed=is_handed)
        return Submission(record=record, is_new=True)

    def _hand_over(self, ref: JobRef, job: _Job) -> bool:
        """Begin the job that is next for who waits for one; return whether it is this one."""
        job.is_in_line = True
        for (worker, pid), (until, queues) in list(self._waiting.items()):
            if job.queue not in queues or not self._fits(worker, job):
                continue
            if until <= self._clock() or worker not in self._workers:
                del self._waiting[worker, pid]
                continue
            claim = self._next(job.queue, worker, pid)
            if not isinstance(claim, Claim):
                return False
            del self._waiting[worker, pid]
            self._handed[worker, pid] = claim
            self._changed.notify_all()
            return claim.lease.ref == ref
        return False

    def _fits(self, worker: str, job: _Job) -> bool:
        known = self._workers.get(worker)
        return not job.is_needy or (known is not None and fits(job.needs, known.advert))

    def _notify(self, job: _Job) -> bool:
        """Wake a worker that fits and is idle, best one that has room; say whether there is one."""
        idle = [
            name
            for name, worker in self._workers.items()
            if self._fits(name, job)
            and len(self._held[name]) + len(self.messages[f"@{name}"]) < worker.info.slots
        ]
        for name in sorted(idle, key=lambda name: not self._has_room(name, job)):
            return self._tell(name, job.queue)
        return False

    def _notify_worker(self, worker: str) -> None:
        """Wake a worker where a job waits in a lane that it serves, and no wake-up is under way."""
        known = self._workers.get(worker)
        if known is None or self.messages[f"@{worker}"]:
            return
        if len(self._held[worker]) >= known.info.slots:
            return
        for ref, job in self._jobs.items():
            if self._is_in_line(ref) and job.is_needy and self._fits(worker, job):
                self._tell(worker, job.queue)
                return

    def _tell(self, worker: str, queue: str) -> bool:
        if self._wake_up is None:
            return False
        self.messages[f"@{worker}"].append(self._wake_up(queue))
        self._changed.notify_all()
        return True

    def _has_room(self, worker: str, job: _Job) -> bool:
        known = self._workers.get(worker)
        if known is None or known.info.cores is None:
            return True
        slots, cores = known.info.slots, known.info.cores
        options = [self._jobs[lease.ref].spec.options for lease in self._held[worker]]
        wanted = [*options, job.spec.options]
        memory = sum(one.memory_mib or 0 for one in wanted)
        taken = sum(slots_of(one.cpus, slots=slots, cores=cores) for one in wanted)
        return taken <= slots and memory <= (known.info.memory_mib or memory)

    def _may_save(self, lane: str, worker: str) -> bool:
        """Return whether a worker may keep its room for a lane's next job: one at a time may."""
        saver, until = self._savers.get(lane, (worker, 0))
        if saver != worker and until > self._clock() and saver in self._workers:
            return False
        self._savers[lane] = worker, self._clock() + _ms(SAVING_S)
        return True

    def _nudge(self, worker: str, own_pid: int = 0) -> None:
        """Tell the processes of a worker that wait for room, but for this one, to look again."""
        told = {who for who in self._parked if who[0] == worker and who[1] != own_pid}
        self._parked -= told
        self._nudged |= told
        self._changed.notify_all()

    def _has_failed(self, owner: str, id: str) -> bool:
        state = self._jobs[JobRef(owner, id)].record.state
        return state in (JobState.FAILED, JobState.CANCELLED)

    def _release(self, ref: JobRef, job: _Job, *, is_handed: bool = False) -> None:
        """Send the wake-up of a job that waits for no other one, unless somebody has it already."""
        job.is_in_line = not is_handed
        if job.is_needy and not is_handed:
            self._notify(job)
            if job.message is not None:
                self.published([ref])
        elif job.message is not None and not is_handed:
            self.messages[job.queue].append(job.message)
            self.published([ref])
            self._changed.notify_all()
        job.message = None

    def _settle(self, ref: JobRef, *, is_cancelled_down: bool = False) -> None:
        """Tell the jobs that are after a final one."""
        final = deque([ref])
        while final:
            done = final.popleft()
            record = self._jobs[done].record
            waiting = [
                other
                for other, job in self._jobs.items()
                if other.owner == done.owner and done.id in job.waits
            ]
            for other in waiting:
                job = self._jobs[other]
                job.waits.discard(done.id)
                if job.record.is_final:
                    continue
                if record.state is JobState.SUCCEEDED:
                    if not job.waits:
                        job.due_at = self._clock()
                        self._release(other, job)
                    continue
                is_cancelled = is_cancelled_down and record.state is JobState.CANCELLED
                self._happened(
                    other, JobCancelled() if is_cancelled else JobFailed(error=needed(record))
                )
                final.append(other)

    def cancel(self, ref: JobRef, *, dependents: bool = False) -> JobRecord | None:
        with self._changed:
            job = self._find(ref)
            if job is None:
                return None
            if job.record.state not in TRANSITIONS[JobCancelled.type]:
                return job.record
            if job.record.state is JobState.RUNNING and job.record.worker:
                self._wakes[job.record.worker] += 1
            record = self._happened(ref, JobCancelled())
            self._settle(ref, is_cancelled_down=dependents)
            return record

    def job(self, ref: JobRef) -> JobRecord | None:
        with self._changed:
            job = self._find(ref)
            return job.record if job else None

    def keyed(self, owner: str, key: str) -> JobRef | None:
        with self._changed:
            job = self._by_key(owner, key)
            return JobRef(owner, job.record.id) if job else None

    def records(self, refs: Sequence[JobRef]) -> list[JobRecord | None]:
        with self._changed:
            return [self.job(ref) for ref in refs]

    def jobs(
        self,
        owner: str,
        *,
        limit: int = 100,
        before: str | int | None = None,
        matching: JobFilter = EVERYTHING,
    ) -> list[JobRecord]:
        page = self.page(owner, limit=limit, before=before, matching=matching, look_at=sys.maxsize)
        return list(page.records)

    def page(
        self,
        owner: str,
        *,
        limit: int = 100,
        place: str | None = None,
        before: str | int | None = None,
        matching: JobFilter = EVERYTHING,
        look_at: int = MOST_LOOKED_AT,
    ) -> JobPage:
        with self._changed:
            newest = self._below(owner, before) if place is None else _number(place)
            kept = [
                (job.number, job.record)
                for ref in reversed(self._jobs)
                if ref.owner == owner and (job := self._find(ref)) and job.number < newest
            ]
            if isinstance(before, int) and place is None:
                kept = [(number, record) for number, record in kept if record.created_at < before]
            found: list[JobRecord] = []
            for looked_at, (number, record) in enumerate(kept):
                fits = matching.fits(record)
                if (fits and len(found) == limit) or looked_at == look_at:
                    return JobPage(records=tuple(found), next=str(newest))
                newest = number
                if fits:
                    found.append(record)
            return JobPage(records=tuple(found), next=None)

    def _below(self, owner: str, before: str | int | None) -> int:
        """Return the number below which jobs are listed."""
        if not isinstance(before, str):
            return sys.maxsize
        job = self._find(JobRef(owner, before))
        return job.number if job else 0

    def spec(self, ref: JobRef) -> JobSpec | None:
        with self._changed:
            job = self._find(ref)
            if job is None or job.record.state is JobState.SUCCEEDED:
                return None
            identity = job.spec.identity
            is_known = identity is not None and identity.key
            renewed = replace(identity, is_renewed=True) if identity and is_known else None
            return replace(job.spec, identity=renewed)

    def made(self, ref: JobRef) -> Made | None:
        with self._changed:
            job = self._find(ref)
            if job is None:
                return None
            ran, spec, arguments = job.ran or NOT_SAID, job.spec, ""
            if job.record.state is JobState.SUCCEEDED and (job.ran is None or ran.arguments):
                spec, arguments = replace(spec, payload=b"", blobs=()), ran.arguments
            known = [self._sheets.get((ref.owner, one.digest), ("", 0)) for one in ran.sheets]
            kept = tuple(text for text, expires_at in known if self._clock() < expires_at)
            lost = len(ran.sheets) - len(kept)
            return Made(spec=spec, arguments=arguments, sheets=kept, lost=lost)

    def result(self, ref: JobRef) -> StoredResult | None:
        with self._changed:
            job = self._find(ref)
            return job.result if job else None

    def published(self, refs: Sequence[JobRef]) -> None:
        with self._changed:
            for ref in refs:
                job = self._find(ref)
                if job and job.record.state is JobState.QUEUED:
                    # Doubling keeps a long queue from being flooded with copies.
                    wait_ms = self._republish_ms * 2 ** min(job.times_published, 10)
                    job.times_published += 1
                    job.published_at = self._clock()
                    job.due_at = job.published_at + wait_ms

    def sweep(self, *, empty: Collection[str] = ()) -> list[Due]:
        with self._changed:
            now = self._clock()
            for name, worker in list(self._workers.items()):
                if worker.seen_at <= now - self._silent_ms:
                    self._leave(name, f"not heard of for {self._silent_ms / 1000:g} s", AttemptLost)
            for ref, job in list(self._jobs.items()):
                if job.record.state is JobState.RUNNING and job.lease_ends_at <= now:
                    lease = Lease(ref, job.record.attempt)
                    self._lose(lease, "the lease ended: its worker was not heard of in time")
                elif self._find(ref) is None:
                    self._forget(ref)
            return [
                Due(ref, job.queue)
                for ref, job in self._jobs.items()
                if self._is_due(job, job.queue in empty)
            ]

    def _forget(self, ref: JobRef) -> None:
        self._jobs.pop(ref)
        for known in (self._keys, self._calls, self._topics):
            for name in [name for name, other in known.items() if other == ref]:
                del known[name]

    def _is_due(self, job: _Job, is_broker_empty: bool) -> bool:
        if job.record.state is not JobState.QUEUED or job.waits:
            return False
        now = self._clock()
        soon_ms = self._republish_ms // 3
        was_dropped = now - (job.published_at or job.record.created_at) >= soon_ms
        is_due = job.due_at <= now or (is_broker_empty and was_dropped)
        if is_due:
            # Held back while the asker publishes it; due again where it dies on the way.
            job.due_at = now + self._republish_ms // 6
            job.is_in_line = True
            if job.is_needy and self._wake_up is not None:
                self._notify(job)
                return False
        return is_due

    # Queues, for the server

    def limit(self, limits: Limits) -> None:
        with self._changed:
            self._limits = limits

    def queues(self) -> list[str]:
        with self._changed:
            return sorted({job.queue for job in self._jobs.values()})

    def loads(self) -> list[Load]:
        with self._changed:
            active = (JobState.QUEUED, JobState.RUNNING)
            counts = Counter(
                (ref.owner, job.queue, str(job.record.state))
                for ref, job in self._jobs.items()
                if job.record.state in active
            )
            return loads_of(counts)

    def tally(self, owner: str) -> dict[JobState, int]:
        with self._changed:
            mine = (self._find(ref) for ref in self._jobs if ref.owner == owner)
            counts = Counter(job.record.state for job in mine if job is not None)
            return {state: counts[state] for state in JobState}

    # Attempts, for the worker

    def claim(self, ref: JobRef, *, worker: str, pid: int) -> Claim | None:
        with self._changed:
            job = self._find(ref)
            if job is None:
                return None
            is_running = job.record.state is JobState.RUNNING
            if is_running and (job.record.worker, job.pid) == (worker, pid):
                return Claim(lease=Lease(ref, job.record.attempt), spec=job.work)
            if job.record.state not in TRANSITIONS[AttemptStarted.type]:
                return None
            if job.record.retry_at is not None and job.record.retry_at > self._clock():
                return None
            if job.waits:
                return None
            lease = Lease(ref, job.record.attempt + 1)
            self._begun[job.queue] += 1
            self._served[job.queue, ref.owner] = self._begun[job.queue]
            self._happened(ref, AttemptStarted(attempt=lease.token, worker=worker))
            job.pid, job.writes, job.is_in_line = pid, 0, False
            job.lease_ends_at = self._clock() + self._lease_ms
            timeout_s = job.spec.options.timeout_s
            job.deadline = None
            if timeout_s is not None:
                job.deadline = self._clock() + _ms(timeout_s) + self._kill_grace_ms
            self._held[worker][lease] = pid
            return Claim(lease=lease, spec=job.work)

    def claim_next(
        self, queue: str, *, worker: str, pid: int, has_waited: bool = False
    ) -> Claim | Full | None:
        with self._changed:
            claim = self._held_by(worker, pid) or self._next(queue, worker, pid)
            if claim is FULL:
                self._parked.add((worker, pid))
                if not has_waited and self._wake_up and any(self._plain_line(queue)):
                    self.messages[queue].appendleft(self._wake_up(queue))
                    self._changed.notify_all()
            return claim

    def _plain_line(self, queue: str) -> list[JobRef]:
        return [ref for ref in self._line(queue) if not self._jobs[ref].is_needy]

    def _held_by(self, worker: str, pid: int) -> Claim | None:
        return next(iter(self._all_held_by(worker, pid)), None)

    def _all_held_by(self, worker: str, pid: int) -> list[Claim]:
        return [
            Claim(lease=lease, spec=job.work)
            for lease, holder in self._held[worker].items()
            if holder == pid and (job := self._valid(lease)) is not None
        ]

    def _next(self, queue: str, worker: str, pid: int) -> Claim | Full | None:
        are_needy = self._are_needy()
        passed: set[str] = set()
        for ref in self._in_turn(queue):
            job = self._jobs[ref]
            if job.lane in passed or not self._fits(worker, job):
                continue
            if not are_needy or self._has_room(worker, job):
                self._savers.pop(job.lane, None)
                return self.claim(ref, worker=worker, pid=pid)
            if not job.is_needy or self._may_save(job.lane, worker):
                return FULL
            passed.add(job.lane)
        return None

    def _are_needy(self) -> bool:
        return any(job.is_needy and not job.record.is_final for job in self._jobs.values())

    def _in_turn(self, queue: str) -> list[JobRef]:
        """Return the jobs in line, those first whose turn it is; none of who has enough running."""

        def turn(ref: JobRef) -> tuple[int, int, str, int, int]:
            job, owner = self._jobs[ref], ref.owner
            served = self._served.get((queue, owner), 0)
            return running[owner], served, owner, -job.spec.options.priority, job.number

        running = Counter({one.owner: one.running for one in self.loads() if one.queue == queue})
        most = self._limits.running
        line = [ref for ref in self._line(queue) if most is None or running[ref.owner] < most]
        return sorted(line, key=turn)

    def _line(self, queue: str) -> list[JobRef]:
        return [
            ref for ref, job in self._jobs.items() if job.queue == queue and self._is_in_line(ref)
        ]

    def _is_in_line(self, ref: JobRef) -> bool:
        job = self._jobs[ref]
        return job.record.state is JobState.QUEUED and job.is_in_line

    def append(self, lease: Lease, number: int, events: Sequence[Event]) -> Write:
        for event in events:
            if not isinstance(event, SAID):
                raise ValueError(f"an attempt does not append {event.type!r}")
        with self._changed:
            job = self._valid(lease)
            if job is None:
                return Write.FENCED
            if number <= job.writes:
                return Write.REPEATED
            job.writes = number
            for event in events:
                self._happened(lease.ref, event)
            return Write.DONE

    def finish(
        self,
        lease: Lease,
        outcome: JobSucceeded | JobFailed,
        result: StoredResult | None,
        *,
        is_retryable: bool = False,
        ran: Ran | None = None,
    ) -> Write:
        with self._changed:
            write = self._finish(lease, outcome, result, is_retryable, ran)
            job = self._find(lease.ref)
            if write is not Write.FENCED and job is not None and job.record.worker:
                self._nudge(job.record.worker)
                self._notify_worker(job.record.worker)
            return write

    def _finish(
        self,
        lease: Lease,
        outcome: JobSucceeded | JobFailed,
        result: StoredResult | None,
        is_retryable: bool,
        ran: Ran | None,
    ) -> Write:
        with self._changed:
            job = self._find(lease.ref)
            if job and job.finished_by == lease.token:
                return Write.REPEATED
            if job is None or self._valid(lease) is None:
                return Write.FENCED
            if isinstance(outcome, JobFailed) and is_retryable:
                outcome, result = self._fail(lease, outcome, result)
            else:
                self._ended(lease.ref, outcome)
            job.finished_by, job.result, job.ran = lease.token, result, ran
            for sheet in ran.sheets if ran else ():
                expires_at = self._clock() + 2 * self._retention_ms
                self._sheets[lease.ref.owner, sheet.digest] = sheet.text, expires_at
            if result is not None:
                self._keep_blobs(lease.ref.owner, result.blobs, self._retention_ms)
            self._held[job.record.worker or ""].pop(lease, None)
            return Write.DONE

    def finish_and_claim(
        self,
        lease: Lease,
        outcome: JobSucceeded | JobFailed,
        result: StoredResult | None,
        *,
        is_retryable: bool = False,
        ran: Ran | None = None,
        worker: str,
        pid: int,
        queues: Sequence[str] = (DEFAULT_QUEUE,),
        wait_s: float = 0.0,
    ) -> tuple[Write, Claim | Full | None]:
        with self._changed:
            write = self._finish(lease, outcome, result, is_retryable, ran)
            if write is Write.FENCED:
                return write, None
            held = self._held_by(worker, pid) if write is Write.REPEATED else None
            self._handed.pop((worker, pid), None)
            claim = held or self._another(queues, worker, pid)
            self._nudge(worker, pid)
            if claim is FULL:
                self._parked.add((worker, pid))
            if claim is None and wait_s > 0:
                self._waiting.pop((worker, pid), None)
                self._waiting[worker, pid] = self._clock() + _ms(wait_s), tuple(queues)
            return write, claim

    def claim_more(
        self, lease: Lease, most: int, *, worker: str, pid: int, one_in: int = 1
    ) -> list[Claim]:
        with self._changed:
            held = [one for one in self._all_held_by(worker, pid) if one.lease != lease]
            if held:
                return held
            like = self._valid(lease)
            if like is None or self._are_needy():
                return []
            owner, claims = lease.ref.owner, list[Claim]()
            there = sum(
                one.queued for one in self.loads() if (one.owner, one.queue) == (owner, like.queue)
            )
            for _ in range(min(most, there // one_in)):
                first = next(iter(self._in_turn(like.queue)), None)
                if first is None or first.owner != owner or not _is_like(self._jobs[first], like):
                    break
                claim = self.claim(first, worker=worker, pid=pid)
                if claim is None:
                    break
                claims.append(claim)
                self._take_wake_up(like.queue)
            if claims and self._watched_until[worker] <= self._clock():
                self._watched_until[worker] = self._clock() + _ms(WATCHED_S)
                self._wakes[worker] += 1
                self._changed.notify_all()
            return claims

    def hand_back(self, worker: str, leases: Sequence[Lease], cause: str) -> int:
        with self._changed:
            returned = [
                lease for lease in leases if self._lose(lease, cause, AttemptReturned) is not None
            ]
            for lease in leases:
                self._held[worker].pop(lease, None)
            for ref in (lease.ref for lease in returned):
                job = self._jobs[ref]
                if job.is_needy or self._wake_up is None or job.queue not in self._rung:
                    continue
                self.published([ref])
                if not self._hand_over(ref, job):
                    self.messages[job.queue].append(self._wake_up(job.queue))
                    self._changed.notify_all()
            return len(returned)

    def finisher(self) -> Finisher:
        return AtOnce(self.finish)

    def _another(self, queues: Sequence[str], worker: str, pid: int) -> Claim | Full | None:
        for queue in queues:
            claim = self._next(queue, worker, pid)
            if claim is FULL:
                return claim
            if claim is not None:
                if isinstance(claim, Claim) and not self._jobs[claim.lease.ref].is_needy:
                    self._take_wake_up(queue)
                return claim
            if not self._plain_line(queue):
                while self._take_wake_up(queue):
                    pass
        return None

    def _take_wake_up(self, queue: str) -> bool:
        messages = self.messages[queue]
        is_there = bool(messages) and is_wake_up(messages[0])
        if is_there:
            messages.popleft()
        return is_there

    def _fail(
        self, lease: Lease, outcome: JobFailed, result: StoredResult | None
    ) -> tuple[JobFailed, StoredResult | None]:
        """Queue the job again where it has retries left, else make it failed."""
        job = self._jobs[lease.ref]
        failures = sum(past.end is AttemptEnd.FAILED for past in job.record.past_attempts)
        if failures >= job.spec.options.retries:
            self._ended(lease.ref, outcome)
            return outcome, result
        retry_at = self._clock() + _ms(retry_wait_s(failures, self._first_retry_s))
        again = AttemptFailed(attempt=lease.token, error=outcome.error, retry_at=retry_at)
        self._happened(lease.ref, again)
        job.be_due(retry_at)
        return outcome, None

    def lose(self, lease: Lease, cause: str) -> JobRecord | None:
        with self._changed:
            return self._lose(lease, cause)

    def give_back(self, lease: Lease, cause: str, needs: Needs | None = None) -> JobRecord | None:
        with self._changed:
            job = self._valid(lease)
            if job is not None:
                job.found_needs = needs or job.found_needs
            return self._lose(lease, cause, AttemptReturned)

    def _lose(
        self,
        lease: Lease,
        cause: str,
        kind: type[AttemptLost | AttemptReturned] = AttemptLost,
    ) -> JobRecord | None:
        job = self._valid(lease)
        if job is None:
            return None
        record = self._happened(lease.ref, kind(attempt=lease.token, cause=_one_line(cause)))
        job.be_due(self._clock())
        job.is_in_line = True
        if job.is_needy:
            self._notify(job)
        losses = sum(past.end is AttemptEnd.LOST for past in record.past_attempts)
        if kind is AttemptReturned or losses < MAX_ATTEMPTS:
            return record
        return self._ended(lease.ref, JobFailed(error=causes_of_death(record.past_attempts)))

    def take(
        self,
        timeout_s: float,
        queues: Sequence[str] = (DEFAULT_QUEUE,),
        *,
        worker: str = "",
        pid: int = 0,
    ) -> Claim | str | None:
        def come() -> Claim | str | None:
            handed = self._handed.pop((worker, pid), None)
            if handed is None and (worker, pid) in self._nudged:
                self._nudged.discard((worker, pid))
                return _LOOK_AGAIN
            filled = (self.messages[queue] for queue in queues if self.messages[queue])
            return handed or next((messages.popleft() for messages in filled), None)

        with self._changed:
            came = self._changed.wait_for(come, timeout_s)
            return None if came == _LOOK_AGAIN else came

    def rise(
        self,
        *,
        worker: str,
        pid: int,
        woken: tuple[str, str] | None = None,
    ) -> Claim | Full | None:
        with self._changed:
            self._waiting.pop((worker, pid), None)
            self._handed.pop((worker, pid), None)
            held = self._held_by(worker, pid)
            if woken is None:
                return held
            queue, message = woken
            if held is not None:
                self.messages[queue].appendleft(message)
                self._changed.notify_all()
            claim = held or self._next(queue, worker, pid)
            if claim is FULL:
                self._parked.add((worker, pid))
                if self._plain_line(queue):
                    self.messages[queue].appendleft(message)
                    self._changed.notify_all()
            return claim

    # Workers

    def join(self, worker: WorkerInfo, packages: Mapping[str, str] | None = None) -> None:
        with self._changed:
            now = self._clock()
            known = self._workers.get(worker.name)
            joined_at = known.info.joined_at if known else now
            info = replace(worker, joined_at=joined_at, jobs=())
            self._workers[worker.name] = _Worker(info, seen_at=now, packages=packages)
            self._last_offered = worker.tasks
            if known is None:
                kind = WorkerJoined(
                    worker=worker.name, processes=worker.processes, python=worker.python
                )
                self._write(WORKERS_LOG, self._placed(WORKERS_LOG, kind))

    def seek(self, worker: str) -> None:
        with self._changed:
            self._notify_worker(worker)

    def packages(self, environment: str) -> dict[str, str] | None:
        with self._changed:
            for worker in self._workers.values():
                if worker.info.environment == environment and worker.packages is not None:
                    return dict(worker.packages)
            return None

    def adverts(self) -> list[Advert]:
        with self._changed:
            return [worker.advert for worker in self._workers.values()]

    def beat(self, worker: str) -> list[tuple[Lease, int]] | None:
        with self._changed:
            known = self._workers.get(worker)
            if known is None:
                return None
            known.seen_at = self._clock()
            invalid = []
            for lease, pid in self._held[worker].items():
                job = self._valid(lease)
                if job and job.deadline is not None and job.deadline <= known.seen_at:
                    self._time_out(lease, job)
                    job = None
                if job is None:
                    invalid.append((lease, pid))
                else:
                    job.lease_ends_at = known.seen_at + self._lease_ms
            self._notify_worker(worker)
            return invalid

    def _time_out(self, lease: Lease, job: _Job) -> None:
        outcome = JobFailed(error=timed_out(job.spec.options.timeout_s or 0.0))
        if job.spec.options.retries_timeout:
            self._fail(lease, outcome, None)
        else:
            self._ended(lease.ref, outcome)
        job.finished_by = lease.token

    def held(self, worker: str) -> list[tuple[Lease, int]]:
        with self._changed:
            return list(self._held[worker].items())

    def drop(self, worker: str, lease: Lease) -> None:
        with self._changed:
            self._held[worker].pop(lease, None)

    def wait_wake(self, worker: str, timeout_s: float) -> bool:
        with self._changed:
            was_woken = self._changed.wait_for(lambda: self._wakes[worker] > 0, timeout_s)
            if was_woken:
                self._wakes[worker] -= 1
            return was_woken

    def leave(self, worker: str, reason: str) -> None:
        with self._changed:
            if worker in self._workers:
                self._leave(worker, reason, AttemptReturned)
                self._held.pop(worker, None)

    def _leave(self, worker: str, reason: str, kind: type[AttemptLost | AttemptReturned]) -> None:
        reason = _one_line(reason)
        del self._workers[worker]
        for lease in self._held[worker]:
            self._lose(lease, f"worker {worker} left: {reason}", kind)
        self._wakes.pop(worker, None)
        self.messages.pop(f"@{worker}", None)
        event = WorkerLeft(worker=worker, reason=reason)
        self._write(WORKERS_LOG, self._placed(WORKERS_LOG, event))

    def workers(self, owner: str) -> list[WorkerInfo]:
        with self._changed:
            return [
                replace(
                    worker.info,
                    jobs=tuple(self._jobs_held(name, owner)),
                    busy=len(set(self._held[name].values())),
                )
                for name, worker in self._workers.items()
            ]

    def _jobs_held(self, worker: str, owner: str) -> list[str]:
        return [lease.ref.id for lease in self._held[worker] if lease.ref.owner == owner]

    def tasks(self) -> list[TaskInfo]:
        with self._changed:
            there = [task for worker in self._workers.values() for task in worker.info.tasks]
            by_name = {task.name: task for task in (there if self._workers else self._last_offered)}
            return [by_name[name] for name in sorted(by_name)]

    # Functions

    def put_function(self, owner: str, digest: str, pickled: bytes) -> None:
        with self._changed:
            self._functions[owner, digest] = pickled, self._clock() + 2 * self._retention_ms

    def function(self, owner: str, digest: str) -> bytes | None:
        with self._changed:
            pickled, expires_at = self._functions.get((owner, digest), (None, 0))
            return pickled if self._clock() < expires_at else None

    def _keep_blobs(self, owner: str, digests: Sequence[str], for_ms: int) -> None:
        for digest in digests:
            until = self._clock() + for_ms
            self._blobs[owner, digest] = max(until, self._blobs.get((owner, digest), 0))

    def unneeded(self, owner: str, digests: Sequence[str]) -> list[str]:
        with self._changed:
            now = self._clock()
            return [digest for digest in digests if self._blobs.get((owner, digest), 0) <= now]

    # Logs

    def head(self, log: str) -> Cursor:
        with self._changed:
            return Cursor(self._logs[log].epoch, self._logs[log].seq)

    def read(self, log: str, after: Cursor, *, limit: int = 500) -> LogPage:
        with self._changed:
            return self._logs[log].page(after, limit)

    def follow(self, cursors: Mapping[str, Cursor], *, timeout_s: float) -> dict[str, LogPage]:
        def news() -> dict[str, LogPage]:
            pages = {log: self.read(log, cursor) for log, cursor in cursors.items()}
            return {log: page for log, page in pages.items() if page.events or page.is_gap}

        with self._changed:
            return self._changed.wait_for(news, timeout_s)

    def check(self) -> None:
        return None

    # What all verbs share; the lock is held

    def _find(self, ref: JobRef) -> _Job | None:
        job = self._jobs.get(ref)
        if job and job.expires_at is not None and job.expires_at <= self._clock():
            return None
        return job

    def _valid(self, lease: Lease) -> _Job | None:
        job = self._find(lease.ref)
        if job is None or job.record.state is not JobState.RUNNING:
            return None
        return job if job.record.attempt == lease.token else None

    def _happened(self, ref: JobRef, event: Event) -> JobRecord:
        job = self._jobs[ref]
        placed = self._placed(ref.owner, replace(event, job=ref.id))
        # Folded in before it is written: an event that may not follow leaves no trace.
        job.record = apply(job.record, placed)
        self._write(ref.owner, placed)
        self._keep_blobs(ref.owner, blobs_of(event), 2 * self._retention_ms)
        if job.record.is_final:
            job.expires_at = placed.at + self._retention_ms
            shown = [figure.digest for figure in job.record.figures if figure.digest]
            self._keep_blobs(ref.owner, shown, self._retention_ms)
        return job.record

    def _ended(self, ref: JobRef, event: JobSucceeded | JobFailed) -> JobRecord:
        record = self._happened(ref, event)
        self._settle(ref)
        return record

    def _placed(self, log: str, event: _E) -> _E:
        return replace(event, seq=self._logs[log].seq + 1, at=self._clock())

    def _write(self, log: str, event: Event) -> None:
        self._logs[log].append(event)
        self._changed.notify_all()


def _is_like(job: _Job, other: _Job) -> bool:
    spec, same = job.spec, other.spec
    is_fresh = job.record.attempt == 0 and not spec.after
    what = spec.task, spec.function, spec.options
    return is_fresh and what == (same.task, same.function, same.options)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _number(place: str) -> int:
    if not (place.isascii() and place.isdecimal()):
        raise no_place()
    return int(place)

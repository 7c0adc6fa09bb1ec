"""Whatever is asked of both ledgers, in whatever order, they answer and remember the same.

Ids, epochs and times are each ledger's own: jobs are compared under the name that the test gave
them, times by whether they are set. Attempts that a sweep ends at once end in any order, so events
are compared job by job, and each ledger's own numbering against its own records.
"""

from __future__ import annotations

import json
import re
import secrets
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from taskkit.ledger import JobRef, Lease, Ledger, Limits, Ran, Sheet, StoredResult
from taskkit.ledger.memory import MemoryLedger
from taskkit.ledger.redis import RedisLedger
from taskkit.protocol.broker import WAKE, broker_queue
from taskkit.protocol.cursor import Cursor
from taskkit.protocol.errors import JobNotFound, KeyReused, QuotaReached
from taskkit.protocol.events import (
    AttemptFailed,
    CurvesReported,
    Event,
    FiguresDisplayed,
    JobFailed,
    JobSubmitted,
    JobSucceeded,
    OutputWritten,
    ProgressReported,
    UsageReported,
)
from taskkit.protocol.identity import Identity
from taskkit.protocol.jobs import (
    Bar,
    Curve,
    ErrorInfo,
    Figure,
    JobRecord,
    JobState,
    ResultInfo,
    Table,
    Usage,
)
from taskkit.protocol.lifecycle import apply, submitted
from taskkit.protocol.options import JobOptions
from taskkit.protocol.spec import WORKERS_LOG, JobSpec
from taskkit.protocol.workers import WorkerInfo

OWNERS = ("ada", "bob")
WORKERS = ("w1", "w2")
PIDS = (1, 2)
QUEUES = ("default", "gpu")
SPECS = (
    JobSpec(task="demo"),
    JobSpec(task="demo", arguments='{"n": 1}', options=JobOptions(priority=1)),
    JobSpec(task="fit", options=JobOptions(queue="gpu")),
    JobSpec(task="fit", arguments="[]", options=JobOptions(queue="gpu", priority=-100)),
    JobSpec(task="fit", identity=Identity(key="a" * 64, topics=("t",), parts={"code:fit": "1"})),
    JobSpec(task="fit", identity=Identity(key="b" * 64, topics=("t",), parts={"code:fit": "2"})),
    JobSpec(task="fit", identity=Identity(key="a" * 64, topics=("u",), is_renewed=True)),
    JobSpec(task="fit", identity=Identity(unsure="a lock")),
    JobSpec(task="ising", arguments='{"size": 8}', options=JobOptions(retries=2, session="s")),
)
AFTER = (
    JobSpec(task="sum", after=("key:a",)),
    JobSpec(task="sum", after=("key:b", "key:c", "key:b")),
)
"""Under keys of their own, or jobs would be after themselves, which is never the same spec."""
RAN = (None, Ran(sheets=(Sheet("{}"),)), Ran(arguments="d" * 64))
TABLE = Table(columns=("", "é"), rows=(("0", "1"),), all_columns=1, all_rows=1)
OUTCOMES = (
    JobSucceeded(result=ResultInfo(media_type="application/json", size_bytes=1, preview="1")),
    JobSucceeded(result=ResultInfo(media_type="x", size_bytes=1, table=TABLE)),
    JobFailed(error=ErrorInfo(type="ValueError", message="no")),
)
WRITES: tuple[tuple[Event, ...], ...] = (
    (),
    (OutputWritten(text="€ line\n"), ProgressReported(done=1.5, total=None, message="x")),
    (ProgressReported(done=1, total=4), OutputWritten(text="")),
    (CurvesReported(curves=(Curve(name="é", x=(1, 2.5), y=(0.5, None)),)),),
    (FiguresDisplayed(figures=(Figure(name="é", media_type="image/png", size_bytes=1),)),),
    (
        ProgressReported(done=1, bars=(Bar(name="fold", done=1, total=5),)),
        UsageReported(usage=Usage(memory_bytes=1, peak_bytes=2, cores=0.5)),
    ),
)

# Leases, silence and back-off either end before the next sweep or not at all, so that the ledgers'
# different clocks do not matter.
AT_ONCE, NEVER = 0.001, 3600.0

jobs = st.integers(min_value=-1, max_value=11)
queues = st.lists(st.sampled_from(QUEUES), min_size=1, max_size=2, unique=True)
most = st.sampled_from([None, None, None, 0, 1, 2, 8])
owners, workers = st.sampled_from(OWNERS), st.sampled_from(WORKERS)
lease = {"number": jobs, "age": st.sampled_from([0, 0, 0, 1])}


def several(one: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    """Draw one, two or three.

    What a lost reply makes a process ask again is asked again in the same step: left to chance,
    the same question would hardly ever come twice.
    """
    return st.lists(one, min_size=1, max_size=3)


QUESTIONS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "submit": {
        "owner": owners,
        "requests": st.lists(
            st.tuples(st.sampled_from("abcfgh"), st.sampled_from([SPECS[0], *SPECS]))
            | st.tuples(st.sampled_from("de"), st.sampled_from(AFTER)),
            max_size=3,
        ),
        "is_told": st.booleans(),
    },
    "claim": {"number": jobs, "processes": several(st.tuples(workers, st.sampled_from(PIDS)))},
    "claim_next": {
        "queue": st.sampled_from(QUEUES),
        "processes": several(st.tuples(workers, st.sampled_from(PIDS))),
    },
    "claim_more": {
        **lease,
        "most": st.integers(0, 4),
        "one_in": st.sampled_from([1, 1, 2]),
        "processes": several(st.tuples(workers, st.sampled_from(PIDS))),
    },
    "hand_back": {
        "worker": workers,
        "leases": st.lists(st.tuples(jobs, st.sampled_from([0, 0, 0, 1])), max_size=4),
    },
    "limit": {"queued": most, "running": most},
    "append": {
        **lease,
        "writes": several(st.integers(1, 3)),
        "events": st.sampled_from(WRITES),
    },
    "finish": {
        **lease,
        "outcomes": several(st.sampled_from(OUTCOMES)),
        "body": st.binary(),
        "is_retryable": st.booleans(),
        "process": st.none() | st.tuples(workers, st.sampled_from(PIDS), queues),
        "wait_s": st.sampled_from([0.0, AT_ONCE, NEVER, NEVER]),
    },
    "rise": {
        "processes": several(st.tuples(workers, st.sampled_from(PIDS))),
        "queue": st.none() | st.sampled_from(QUEUES),
    },
    "ring": {"queue": st.sampled_from(QUEUES)},
    "lose": lease,
    "give_back": lease,
    "cancel": {"number": jobs, "dependents": st.booleans()},
    "join": {"worker": workers, "processes": st.integers(1, 2)},
    "leave": {"worker": workers},
    "beat": {"worker": workers, "is_dropped": st.booleans()},
    "published": {"numbers": st.lists(jobs, max_size=2)},
    "sweep": {"empty": queues | st.just([])},
}
OFTEN = (
    "submit",
    "claim_next",
    "claim_next",
    "claim",
    "claim",
    "claim",
    "claim_more",
    "claim_more",
    "hand_back",
    "ring",
    "append",
    "append",
    "lose",
    "published",
    "sweep",
)


@st.composite
def questions(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Draw a verb and its arguments; those that make a history long come more often."""
    verb = draw(st.sampled_from([*OFTEN, *QUESTIONS]))
    return verb, draw(st.fixed_dictionaries(QUESTIONS[verb]))


@dataclass
class Side:
    """One of the two ledgers, with the jobs it made in the order they were made."""

    ledger: Ledger
    refs: list[JobRef]

    def ref(self, number: int) -> JobRef:
        """Return the address of one of the jobs, or of -1, an unknown one."""
        is_known = self.refs and number >= 0
        return self.refs[number % len(self.refs)] if is_known else JobRef("ada", "0" * 32)

    def name(self, ref: JobRef) -> str:
        """Return what a job is called on both sides."""
        return f"job {self.refs.index(ref)}"

    def lease(self, number: int, age: int) -> Lease:
        """Return the lease of a job's current attempt, or of one before it."""
        record = self.ledger.job(self.ref(number))
        return Lease(self.ref(number), max(1, record.attempt - age) if record else 1)


class Histories(RuleBasedStateMachine):
    """What may be asked of a ledger, asked of both."""

    url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.client: Any = redis.Redis.from_url(self.url)
        self.client.delete(*map(broker_queue, QUEUES))  # of tests before, which share them
        self.sides: tuple[Side, ...] = ()

    @initialize(
        # A history begins with something to claim and somebody to claim it.
        lease_s=st.sampled_from([AT_ONCE, NEVER, NEVER]),
        worker_silent_s=st.sampled_from([AT_ONCE, NEVER, NEVER]),
        republish_after_s=st.sampled_from([0.0, NEVER]),
        first_retry_s=st.sampled_from([0.0, NEVER]),
    )
    def open(self, **timings: Any) -> None:
        prefix = f"tk-{secrets.token_hex(4)}:"
        memory: Ledger = MemoryLedger(clock=self.redis_time, **timings)
        stored: Ledger = RedisLedger(self.url, prefix=prefix, **timings)
        self.sides = (Side(memory, []), Side(stored, []))
        for worker in WORKERS:
            self.join(worker, processes=1)
        for owner in OWNERS:
            self.submit(owner, [(key, SPECS[0]) for key in "ab"], is_told=False)

    def redis_time(self) -> int:
        seconds, us = self.client.time()
        return int(seconds * 1000 + us // 1000)

    def let_pass(self) -> None:
        """Wait until what ends AT_ONCE has ended, on both sides."""
        self.client.blpop(["nothing"], timeout=0.004)

    # One rule, not one a verb: a history of a machine with many rules leaves most of them out.
    @rule(question=questions())
    def ask(self, question: tuple[str, dict[str, Any]]) -> None:
        verb, arguments = question
        getattr(self, verb)(**arguments)

    def same(self, answer: Any) -> Any:
        """Ask both sides, and return what both answered."""
        memory, stored = (answer(side) for side in self.sides)
        assert memory == stored
        return memory

    def submit(self, owner: str, requests: list[tuple[str, JobSpec]], is_told: bool) -> None:

        def answer(side: Side) -> Any:
            try:
                made = side.ledger.submit(owner, requests, message=wake_up if is_told else None)
            except (KeyReused, JobNotFound, QuotaReached) as refused:
                return refused.details
            new = [JobRef(owner, s.record.id) for s in made if s.is_new]
            side.refs += new
            named = [side.name(JobRef(owner, s.record.id)) for s in made]
            recalled = [(s.is_recalled, s.record.rerun) for s in made]
            return named, recalled, [s.is_new for s in made], [s.record.task for s in made]

        self.same(answer)

    def claim(self, number: int, processes: list[tuple[str, int]]) -> None:
        for worker, pid in processes:

            def answer(side: Side, worker: str = worker, pid: int = pid) -> Any:
                claim = side.ledger.claim(side.ref(number), worker=worker, pid=pid)
                if claim is None:
                    return None
                owner = side.ref(number).owner
                after = tuple(side.name(JobRef(owner, id)) for id in claim.spec.after)
                return replace(claim.spec, after=after), claim.lease.token

            self.same(answer)

    def claim_next(self, queue: str, processes: list[tuple[str, int]]) -> None:
        for worker, pid in processes:

            def answer(side: Side, worker: str = worker, pid: int = pid) -> Any:
                claim = side.ledger.claim_next(queue, worker=worker, pid=pid)
                return claim and (side.name(claim.lease.ref), claim.lease.token)

            self.same(answer)

    def claim_more(
        self, number: int, age: int, most: int, one_in: int, processes: list[tuple[str, int]]
    ) -> None:
        for worker, pid in processes:

            def answer(side: Side, worker: str = worker, pid: int = pid) -> Any:
                lease = side.lease(number, age)
                claims = side.ledger.claim_more(lease, most, worker=worker, pid=pid, one_in=one_in)
                return sorted((side.name(one.lease.ref), one.lease.token) for one in claims)

            self.same(answer)

    def hand_back(self, worker: str, leases: list[tuple[int, int]]) -> None:
        self.same(
            lambda side: side.ledger.hand_back(
                worker, [side.lease(*one) for one in leases], "another took long"
            )
        )

    def limit(self, queued: int | None, running: int | None) -> None:
        self.same(lambda side: side.ledger.limit(Limits(queued=queued, running=running)))

    def append(self, number: int, age: int, writes: list[int], events: tuple[Event, ...]) -> None:
        for write in writes:

            def answer(side: Side, write: int = write) -> Any:
                return side.ledger.append(side.lease(number, age), write, events)

            self.same(answer)

    def finish(
        self,
        number: int,
        age: int,
        outcomes: list[JobSucceeded | JobFailed],
        body: bytes,
        is_retryable: bool,
        process: tuple[str, int, list[str]] | None,
        wait_s: float,
    ) -> None:
        stored = StoredResult(media_type="application/json", body=body) if body else None
        for outcome in outcomes:

            def answer(side: Side, outcome: JobSucceeded | JobFailed = outcome) -> Any:
                ending = side.lease(number, age), outcome, stored
                claimed, said = None, {"is_retryable": is_retryable, "ran": RAN[len(body) % 3]}
                if process is None:
                    written = side.ledger.finish(*ending, **said)
                else:
                    worker, pid, queues = process
                    written, claim = side.ledger.finish_and_claim(
                        *ending, **said, worker=worker, pid=pid, queues=queues, wait_s=wait_s
                    )
                    claimed = claim and (side.name(claim.lease.ref), claim.lease.token)
                made = side.ledger.made(side.ref(number))
                told = made and (made.spec.payload, made.arguments, made.sheets, made.lost)
                return written, claimed, side.ledger.result(side.ref(number)), told

            self.same(answer)
            if wait_s == AT_ONCE:
                self.let_pass()

    def rise(self, processes: list[tuple[str, int]], queue: str | None) -> None:
        woken = None if queue is None else (queue, wake_up(queue))
        for worker, pid in processes:

            def answer(side: Side, worker: str = worker, pid: int = pid) -> Any:
                claim = side.ledger.rise(worker=worker, pid=pid, woken=woken)
                return claim and (side.name(claim.lease.ref), claim.lease.token)

            self.same(answer)

    def ring(self, queue: str) -> None:
        """Put a wake-up into a queue, whatever waits in it."""
        text = wake_up(queue)
        for side in self.sides:
            if isinstance(side.ledger, MemoryLedger):
                side.ledger.messages[queue].append(text)
        self.client.lpush(broker_queue(queue), text)

    def lose(self, number: int, age: int) -> None:
        self.same(
            lambda s: s.ledger.lose(s.lease(number, age), "killed\tby signal 9\n") is not None
        )

    def give_back(self, number: int, age: int) -> None:
        self.same(lambda s: s.ledger.give_back(s.lease(number, age), "stopped") is not None)

    def cancel(self, number: int, dependents: bool) -> None:
        def answer(side: Side) -> Any:
            record = side.ledger.cancel(side.ref(number), dependents=dependents)
            return record and record.state

        self.same(answer)

    def join(self, worker: str, processes: int) -> None:
        said = WorkerInfo(name=worker, host="lab", pid=4, processes=processes, python="3.12.1")
        self.same(lambda side: side.ledger.join(said))

    def leave(self, worker: str) -> None:
        self.same(lambda side: side.ledger.leave(worker, "stopped"))

    def beat(self, worker: str, is_dropped: bool) -> None:
        def answer(side: Side) -> Any:
            invalid = side.ledger.beat(worker)
            if invalid and is_dropped:
                for lease, _ in invalid:
                    side.ledger.drop(worker, lease)
            return None if invalid is None else named(side, invalid)

        self.same(answer)

    def published(self, numbers: list[int]) -> None:
        self.same(lambda side: side.ledger.published([side.ref(n) for n in numbers]))

    def sweep(self, empty: list[str]) -> None:
        self.let_pass()
        self.same(
            lambda side: sorted(
                (side.name(due.ref), due.queue) for due in side.ledger.sweep(empty=empty)
            )
        )

    @invariant()
    def records_are_the_same(self) -> None:
        for owner in OWNERS if self.sides else ():
            self.same(lambda side, owner=owner: records(side, owner))

    @invariant()
    def loads_are_the_same(self) -> None:
        if self.sides:
            self.same(lambda side: side.ledger.loads())

    @invariant()
    def tallies_are_the_same_and_true(self) -> None:
        for owner in OWNERS if self.sides else ():
            tally = self.same(lambda side, owner=owner: side.ledger.tally(owner))
            ledger = self.sides[0].ledger
            states = Counter(record.state for record in ledger.jobs(owner, limit=1000))
            assert tally == {state: states[state] for state in JobState}

    @invariant()
    def messages_are_the_same(self) -> None:
        for queue in QUEUES if self.sides else ():
            memory = self.sides[0].ledger
            assert isinstance(memory, MemoryLedger)
            assert len(memory.messages[queue]) == self.client.llen(broker_queue(queue))

    def teardown(self) -> None:
        if not self.sides:
            return
        for side in self.sides:
            assert_numbering_and_records_agree(side)
        self.same(lambda side: [story(side, ref) for ref in side.refs])
        self.same(lambda side: [named(side, side.ledger.held(w)) for w in WORKERS])
        self.same(lambda side: [present(side, owner) for owner in OWNERS])
        self.same(lambda side: [type(event) for event in log_of(side, WORKERS_LOG)])


def test_both_ledgers_are_one(redis_url: str) -> None:
    """Random histories leave the same records, logs, leases and workers in both ledgers."""
    run_state_machine_as_test(
        type("HistoriesHere", (Histories,), {"url": redis_url}),
        settings=settings(
            max_examples=50,
            # A failing history is printed as found: to shrink it takes minutes.
            phases=[Phase.reuse, Phase.generate],
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


def wake_up(queue: str) -> str:
    """Return a message that wakes a worker."""
    body = json.dumps([[queue], {}, {}])
    headers = {"task": WAKE, "id": "ab" * 16}
    return json.dumps({"headers": headers, "properties": {}, "body": body})


def log_of(side: Side, name: str) -> tuple[Event, ...]:
    """Return the whole log."""
    return side.ledger.read(name, Cursor(), limit=100_000).events


def named(side: Side, held: list[tuple[Lease, int]]) -> list[tuple[str, int, int]]:
    """Return leases under the names of their jobs."""
    return sorted((side.name(lease.ref), lease.token, pid) for lease, pid in held)


def present(side: Side, owner: str) -> list[tuple[str, int, list[str]]]:
    """Return the workers that are there, and what they run for an owner."""
    return sorted(
        (w.name, w.processes, sorted(side.name(JobRef(owner, id)) for id in w.jobs))
        for w in side.ledger.workers(owner)
    )


def records(side: Side, owner: str) -> list[JobRecord]:
    """Return an owner's records without what is each ledger's own."""
    return [
        replace(
            record,
            id=side.name(JobRef(owner, record.id)),
            seq=0,
            created_at=0,
            started_at=None if record.started_at is None else 1,
            finished_at=None if record.finished_at is None else 1,
            past_attempts=tuple(replace(past, at=0) for past in record.past_attempts),
            retry_at=None if record.retry_at is None else 1,
            after=tuple(side.name(JobRef(owner, id)) for id in record.after),
            error=_nameless(record.error),
        )
        for record in side.ledger.jobs(owner)
    ]


def story(side: Side, ref: JobRef) -> list[Event]:
    """Return what happened to one job, in order."""
    mine = (event for event in log_of(side, ref.owner) if event.job == ref.id)
    return [_timeless(replace(event, seq=0, at=0, job=side.name(ref))) for event in mine]


def _timeless(event: Event) -> Event:
    match event:
        case AttemptFailed():
            return replace(event, retry_at=1)
        case JobFailed():
            return replace(event, error=_nameless(event.error))
        case JobSubmitted():
            return replace(event, after=("",) * len(event.after))
    return event


def _nameless(error: Any) -> Any:
    """Return an error without the id of the job that was needed."""
    return error and replace(error, message=re.sub("[0-9a-f]{32}", "a job", error.message))


def assert_numbering_and_records_agree(side: Side) -> None:
    """Fail unless each log counts 1, 2, 3, … and adds up to the ledger's own records."""
    for owner in OWNERS:
        folded: dict[str, JobRecord] = {}
        for number, event in enumerate(log_of(side, owner), start=1):
            assert event.seq == number
            if isinstance(event, JobSubmitted):
                folded[event.job] = submitted(event)
            else:
                folded[event.job] = apply(folded[event.job], event)
        assert side.ledger.jobs(owner) == list(reversed(folded.values()))

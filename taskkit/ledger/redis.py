"""The ledger on Redis: one method a verb, one script call each.

Commands stay within Redis 6.2. One Redis, not a cluster: the scripts reach keys that they compute.
"""

from __future__ import annotations

import json
import struct
import sys
import uuid
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, fields, replace
from functools import lru_cache
from typing import Any

from ..protocol import wire
from ..protocol.broker import WAKE, broker_queue
from ..protocol.cursor import Cursor
from ..protocol.errors import FunctionNotFound, KeyReused, Unavailable
from ..protocol.events import (
    SAID,
    AttemptStarted,
    Event,
    JobCancelled,
    JobFailed,
    JobSubmitted,
    JobSucceeded,
    OutputWritten,
    WorkerJoined,
)
from ..protocol.identity import identity_from, rerun_from
from ..protocol.jobs import AttemptEnd, JobRecord, JobState
from ..protocol.lifecycle import TRANSITIONS
from ..protocol.limits import RETENTION_S
from ..protocol.needs import Advert, Needs, needs_of
from ..protocol.options import (
    DEFAULT_QUEUE,
    FIRST_RETRY_S,
    KILL_GRACE_S,
    LONGEST_RETRY_S,
    JobOptions,
)
from ..protocol.spec import MAX_ATTEMPTS, JobSpec
from ..protocol.workers import TaskInfo, WorkerInfo
from . import terms
from .connection import BLOCK_S, Connection, refusals
from .failures import full, reused, unknown
from .finisher import AtOnce, Finisher
from .keys import Keys
from .redis_finisher import RedisFinisher
from .redis_lanes import RedisLanes
from .redis_listing import RedisListing
from .redis_log import RedisLog
from .redis_records import OUTPUT_BYTES, record_from
from .redis_sheets import RedisSheets
from .terms import (
    EVERYTHING,
    FULL,
    MOST_LOOKED_AT,
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

_LENGTH = struct.Struct(">I")

MAX_PUBLISH = 1000
"""How many jobs one sweep returns at most; the next one has the rest."""

TALLIED = (
    JobState.QUEUED,
    JobState.RUNNING,
    JobState.SUCCEEDED,
    JobState.FAILED,
    JobState.CANCELLED,
)
"""The states in the order of `tally.lua`."""

FORGOTTEN = 500
"""How many jobs of each state whose time is over one tally takes out of the counts."""

MOST_FORGOTTEN = 1000
"""Of how many tasks it is known how often their calls were forgotten; then those of all are."""

RECOUNTED = 500
"""How many jobs one step of a recount looks at: about 2 ms in which Redis does nothing else."""

RECOUNT_MS = 60_000
"""How often one owner's jobs are counted anew at most."""


class RedisLedger:
    """See `base.Ledger`; every promise of it holds across processes and hosts."""

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "tk:",
        lease_s: float = terms.LEASE_S,
        worker_silent_s: float = terms.WORKER_SILENT_S,
        retention_s: float = RETENTION_S,
        publish_grace_s: float = terms.PUBLISH_GRACE_S,
        republish_after_s: float = terms.REPUBLISH_AFTER_S,
        log_events: int = terms.LOG_EVENTS,
        first_retry_s: float = FIRST_RETRY_S,
        kill_grace_s: float = KILL_GRACE_S,
    ) -> None:
        self._retention_ms = _ms(retention_s)
        waits = (_ms(first_retry_s), _ms(LONGEST_RETRY_S), _ms(kill_grace_s))
        head = (prefix, log_events, self._retention_ms, MAX_ATTEMPTS, *waits)
        self._connection = Connection(url, head)
        self._redis = self._connection.redis
        self._run = self._connection.run
        self._keys = Keys(prefix)
        self._log = RedisLog(self._redis, self._keys, self._run)
        self._sheets = RedisSheets(self._redis, self._keys)
        self._listing = RedisListing(self._redis, self._keys, self.records)
        self._lease_ms = _ms(lease_s)
        begin = _row(AttemptStarted), self._lease_ms
        self._lanes = RedisLanes(self._redis, self._keys, self._run, begin)
        self._silent_ms = _ms(worker_silent_s)
        self._environment_ms = max(60_000, 2 * self._silent_ms)
        self._grace_ms = _ms(publish_grace_s)
        self._republish_ms = _ms(republish_after_s)

    def run(self, verb: str, *args: str | bytes | int) -> Any:
        """Run a script that is no verb of `Ledger`, for what is done to a ledger as a whole."""
        return self._run(verb, *args)

    # Jobs, for the server

    def submit(
        self,
        owner: str,
        requests: Sequence[tuple[str, JobSpec]],
        *,
        message: WakeUp | None = None,
    ) -> list[Submission]:
        args: list[str | bytes] = []
        lanes: dict[str, Needs] = {}
        for key, spec in requests:
            ref = JobRef(owner, uuid.uuid4().hex)
            options = spec.options.said()
            event = wire.event_data(JobSubmitted(task=spec.task, options=spec.options))
            args += (key, ref.id, spec.digest(), spec.task, spec.arguments)
            args += (spec.function or "", spec.payload, spec.python, event)
            args += (json.dumps(options) if options else "", str(int(spec.options.retries_timeout)))
            needs = needs_of(spec.options)
            args += (
                message(spec.options.queue) if message else "",
                " ".join(spec.after),
                " ".join(spec.blobs),
            )
            args += ("", "") if needs.is_plain else (needs.lane, needs.text())
            args.append(json.dumps(asdict(spec.identity)) if spec.identity else "")
            if not needs.is_plain:
                lanes[needs.lane] = needs
        times = (self._grace_ms, self._republish_ms, 2 * self._retention_ms)
        begin = _row(AttemptStarted), self._lease_ms
        answers = self._run("submit", owner, *times, *begin, *args)
        if answers and answers[0] == b"reused":
            key = answers[1].decode()
            raise reused(key)
        if answers and answers[0] == b"missing":
            raise FunctionNotFound(function=answers[1].decode())
        if answers and answers[0] == b"unknown":
            raise unknown(answers[1].decode())
        if answers and answers[0] == b"full":
            raise full(*answers[1:])
        if lanes:
            with suppress(Unavailable):  # accepted is accepted: workers seek for themselves, too
                self._lanes.opened(lanes.values())
        return [
            self._submission(owner, spec, *answer)
            for (_, spec), answer in zip(requests, answers, strict=True)
        ]

    def _submission(
        self,
        owner: str,
        spec: JobSpec,
        id: bytes,
        new: int,
        seq: int,
        at: int,
        after: bytes,
        rerun: bytes,
    ) -> Submission:
        if new:
            record = JobRecord(
                id=id.decode(),
                task=spec.task,
                options=spec.options,
                after=tuple(after.decode().split()),
                seq=seq,
                created_at=at,
                rerun=rerun_from(json.loads(rerun)) if rerun else None,
            )
            return Submission(record=record, is_new=True)
        known = self.job(JobRef(owner, id.decode()))
        if known is None:
            # It expired between the two calls, so the same request would make a new job now.
            raise KeyReused("the key belongs to a job that has just expired; use another one")
        return Submission(record=known, is_new=False, is_recalled=rerun == b"recalled")

    def cancel(self, ref: JobRef, *, dependents: bool = False) -> JobRecord | None:
        if not self._run("cancel", *ref, _row(JobCancelled), int(dependents)):
            return None
        return self.job(ref)

    def job(self, ref: JobRef) -> JobRecord | None:
        return self.records([ref])[0]

    def forget_calls(self, owner: str, task: str = "") -> None:
        key = self._keys.forgotten(owner)
        with refusals():
            many = self._redis.hlen(key) >= MOST_FORGOTTEN
            self._redis.hincrby(key, "" if many else task, 1)

    def keyed(self, owner: str, key: str) -> JobRef | None:
        with refusals():
            known = self._redis.get(self._keys.keyed(owner, key))
        return JobRef(owner, known.decode().partition(" ")[0]) if known else None

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
        return self._listing.page(
            owner, limit=limit, place=place, before=before, matching=matching, look_at=look_at
        )

    def records(self, refs: Sequence[JobRef]) -> list[JobRecord | None]:
        with refusals():
            pipe = self._redis.pipeline(transaction=True)
            for ref in refs:
                key = self._keys.job(ref)
                pipe.hgetall(key)
                pipe.getrange(f"{key}:output", -OUTPUT_BYTES, -1)
            parts = pipe.execute()
        return [record_from(ref.id, parts[2 * n], parts[2 * n + 1]) for n, ref in enumerate(refs)]

    def spec(self, ref: JobRef) -> JobSpec | None:
        fields = "state", "function", "payload", "task", "arguments", "python", "options", "after"
        with refusals():
            found = self._redis.hmget(self._keys.job(ref), *fields, "blobs", "identity")
        state, function, payload, *others = found
        # Of a job that had failed before its arguments were kept, the function alone is here.
        if state is None or state == b"succeeded" or (function and payload is None):
            return None
        task, arguments, python, options, after, blobs, call = (part or b"" for part in others)
        parts = arguments or b"{}", function or b"", payload or b"", python, options, after
        identity = identity_from({**json.loads(call), "is_renewed": True}) if call else None
        spec = _spec(task, *parts)
        return replace(spec, blobs=tuple(blobs.decode().split()), identity=identity)

    def made(self, ref: JobRef) -> Made | None:
        fields = "task", "arguments", "function", "payload", "python", "options", "after", "blobs"
        with refusals():
            found = self._redis.hmget(self._keys.job(ref), *fields, "arguments_sha", "sheets")
        if found[0] is None:
            return None
        task, *parts, blobs, arguments, digests = (part or b"" for part in found)
        spec = _spec(task, parts[0] or b"{}", *parts[1:])
        named = digests.decode().split()
        sheets = self._sheets.kept(ref, named)
        return Made(
            spec=replace(spec, blobs=tuple(blobs.decode().split())),
            arguments="" if spec.payload else arguments.decode(),
            sheets=tuple(sheets),
            lost=len(named) - len(sheets),
        )

    def result(self, ref: JobRef) -> StoredResult | None:
        key = self._keys.job(ref)
        with refusals():
            pipe = self._redis.pipeline(transaction=True)
            pipe.hget(key, "media_type")
            pipe.get(f"{key}:result")
            media_type, body = pipe.execute()
        if media_type is None or body is None:
            return None
        return StoredResult(media_type=media_type.decode(), body=body)

    def published(self, refs: Sequence[JobRef]) -> None:
        self._run("published", self._republish_ms, *(f"{ref.owner} {ref.id}" for ref in refs))

    def sweep(self, *, empty: Collection[str] = ()) -> list[Due]:
        soon_ms, hold_ms = self._republish_ms // 3, self._republish_ms // 6
        due = self._run("sweep", self._silent_ms, soon_ms, hold_ms, MAX_PUBLISH, *empty)
        told = (one.decode().split(" ") for one in due)
        return [Due(JobRef(owner, id), queue) for owner, id, queue in told]

    # Queues, for the server

    def limit(self, limits: Limits) -> None:
        given = {name: most for name, most in asdict(limits).items() if most is not None}
        with refusals():
            pipe = self._redis.pipeline(transaction=True)
            pipe.hdel(self._keys.limits, *(one.name for one in fields(limits)))
            if given:
                pipe.hset(self._keys.limits, mapping=given)
            pipe.execute()

    def queues(self) -> list[str]:
        with refusals():
            known = self._redis.smembers(self._keys.queues)
        return sorted(name.decode() for name in known)

    def loads(self) -> list[Load]:
        with refusals():
            counts = self._redis.hgetall(self._keys.counts)
        found: dict[tuple[str, str, str], int] = {}
        counts.pop(b"needy", None)
        for field, n in counts.items():
            owner, queue, state = field.decode().split(" ")
            found[owner, queue, state] = int(n)
        return loads_of(found)

    def tally(self, owner: str) -> dict[JobState, int]:
        *counts, listed = self._tally(owner)
        if sum(counts) != listed and self._recount(owner):
            *counts, _ = self._tally(owner)
        return dict(zip(TALLIED, counts, strict=True))

    def _tally(self, owner: str) -> list[int]:
        return [int(n) for n in self._run("tally", owner, FORGOTTEN)]

    def _recount(self, owner: str) -> bool:
        """Count what an older release has ended; return False where that was done a moment ago."""
        place = self._run("recount", owner, "", RECOUNTED, RECOUNT_MS)
        if place is None:
            return False
        while place is not None:
            place = self._run("recount", owner, place, RECOUNTED, RECOUNT_MS)
        return True

    # Attempts, for the worker

    def claim(self, ref: JobRef, *, worker: str, pid: int) -> Claim | None:
        answer = self._run("claim", *ref, worker, pid, _row(AttemptStarted), self._lease_ms)
        return _claim(answer) if answer else None

    def claim_next(
        self, queue: str, *, worker: str, pid: int, has_waited: bool = False
    ) -> Claim | Full | None:
        begin = worker, pid, _row(AttemptStarted), self._lease_ms
        return _turn(self._run("claim_next", queue, *begin, int(has_waited)))

    def append(self, lease: Lease, number: int, events: Sequence[Event]) -> Write:
        args: list[str | int] = []
        for event in events:
            if not isinstance(event, SAID):
                raise ValueError(f"an attempt does not append {event.type!r}")
            text = event.text if isinstance(event, OutputWritten) else ""
            args += (event.type, wire.event_data(event), text, len(text), _row(type(event)))
            args.append(" ".join(blobs_of(event)))
        return Write(self._run("append", _member(lease), number, OUTPUT_BYTES, *args).decode())

    def finish(
        self,
        lease: Lease,
        outcome: JobSucceeded | JobFailed,
        result: StoredResult | None,
        *,
        is_retryable: bool = False,
        ran: Ran | None = None,
    ) -> Write:
        write, _ = self._finish(lease, outcome, result, is_retryable, ran, "")
        return write

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
        another = (worker, pid, _row(AttemptStarted), self._lease_ms, WAKE, _ms(wait_s))
        return self._finish(lease, outcome, result, is_retryable, ran, *another, *queues)

    def _finish(
        self,
        lease: Lease,
        outcome: JobSucceeded | JobFailed,
        result: StoredResult | None,
        is_retryable: bool,
        ran: Ran | None,
        *another: str | int,
    ) -> tuple[Write, Claim | Full | None]:
        answer = self._run(
            "finish", *self._ending(lease, outcome, result, is_retryable, ran, *another)
        )
        if answer[0] == b"done":
            self._sheets.told(lease.ref.owner, ran)
        return Write(answer[0].decode()), _turn(answer[1]) if len(answer) > 1 else None

    def _ending(
        self,
        lease: Lease,
        outcome: JobSucceeded | JobFailed,
        result: StoredResult | None,
        is_retryable: bool,
        ran: Ran | None,
        *another: str | int,
    ) -> tuple[str | bytes | int, ...]:
        """Return what `finish.lua` is told."""
        match outcome:
            case JobSucceeded():
                field, summary, is_retryable = "result", "", False
                value = _compact(wire.result_data(outcome.result))
                event = f'{{"result":{value}}}'  # what `wire.event_data` would make of it again
            case JobFailed():
                field, summary = "error", _line(outcome.error.summary)
                value, event = json.dumps(asdict(outcome.error)), wire.event_data(outcome)
        return (
            _member(lease),
            _row(type(outcome)),
            outcome.type,
            event,
            field,
            value,
            summary,
            int(is_retryable),
            result.media_type if result else "",
            result.body if result else b"",
            int(result is not None),
            " ".join(result.blobs) if result else "",
            *self._sheets.arguments(lease.ref.owner, ran),
            *another,
        )

    def claim_more(
        self, lease: Lease, most: int, *, worker: str, pid: int, one_in: int = 1
    ) -> list[Claim]:
        begin = worker, pid, _row(AttemptStarted), self._lease_ms
        watched_ms = _ms(terms.WATCHED_S)
        orders = self._run("claim_more", _member(lease), *begin, most, one_in, WAKE, watched_ms)
        return [_claim(order) for order in orders]

    def hand_back(self, worker: str, leases: Sequence[Lease], cause: str) -> int:
        begin = _row(AttemptStarted), self._lease_ms, self._republish_ms
        return int(self._run("hand_back", worker, *begin, _line(cause), *map(_member, leases)))

    def finisher(self) -> Finisher:
        if self._connection.has_replicas:
            return AtOnce(self.finish)

        def command(*ending: Any) -> Sequence[str | bytes | int]:
            return self._connection.command("finish", *self._ending(*ending, ""))

        return RedisFinisher(self._redis, command)

    def lose(self, lease: Lease, cause: str) -> JobRecord | None:
        return self._end(lease, cause, AttemptEnd.LOST)

    def give_back(self, lease: Lease, cause: str, needs: Needs | None = None) -> JobRecord | None:
        lane = () if needs is None else (needs.lane, needs.text())
        record = self._end(lease, cause, AttemptEnd.RETURNED, *lane)
        if needs is not None:
            with suppress(Unavailable):  # workers seek for themselves, too
                self._lanes.opened([needs])
        return record

    def _end(self, lease: Lease, cause: str, end: AttemptEnd, *lane: str) -> JobRecord | None:
        was_valid = self._run("lose", _member(lease), _line(cause), end, *lane)
        return self.job(lease.ref) if was_valid else None

    def take(
        self,
        timeout_s: float,
        queues: Sequence[str] = (DEFAULT_QUEUE,),
        *,
        worker: str = "",
        pid: int = 0,
    ) -> Claim | str | None:
        orders = self._keys.orders(worker, pid)
        lists = [orders, *(broker_queue(queue) for queue in queues)]
        with refusals():
            taken = self._redis.brpop(lists, timeout=min(timeout_s, BLOCK_S))
        if taken is None:
            return None
        name, told = taken
        if name.decode() != orders:
            message: str = told.decode()
            return message
        # Of a long order only that it is there: `rise` brings it.
        return _claim(_handed(told)) if told else None

    def rise(
        self,
        *,
        worker: str,
        pid: int,
        woken: tuple[str, str] | None = None,
    ) -> Claim | Full | None:
        begin = worker, pid, _row(AttemptStarted), self._lease_ms
        return _turn(self._run("rise", *begin, *(woken or ("", ""))))

    # Workers

    def join(self, worker: WorkerInfo, packages: Mapping[str, str] | None = None) -> None:
        event = WorkerJoined(worker=worker.name, processes=worker.processes, python=worker.python)
        info = json.dumps(wire.worker_to_wire(replace(worker, jobs=())))
        tasks = json.dumps([asdict(task) for task in worker.tasks])
        said: list[str | int] = [worker.slots, *_or_none(worker.cores)]
        said += [*_or_none(worker.memory_mib), worker.environment]
        said += [json.dumps(packages or {}), self._environment_ms]
        self._run("join", worker.name, info, wire.event_data(event), tasks, *said)
        self._lanes.joined(worker, packages)

    def seek(self, worker: str) -> None:
        self._lanes.seek(worker)

    def packages(self, environment: str) -> dict[str, str] | None:
        found = self._lanes.packages(environment)
        return None if found is None else dict(found)

    def adverts(self) -> list[Advert]:
        return list(self._lanes.adverts().values())

    def beat(self, worker: str) -> list[tuple[Lease, int]] | None:
        answer = self._run("beat", worker, self._lease_ms, self._environment_ms)
        if answer is None:
            return None
        pairs = zip(answer[::2], answer[1::2], strict=True)
        return [(_lease(member), int(pid)) for member, pid in pairs]

    def held(self, worker: str) -> list[tuple[Lease, int]]:
        with refusals():
            held = self._redis.hgetall(f"{self._keys.worker(worker)}:leases")
        return [(_lease(member), int(pid)) for member, pid in held.items()]

    def drop(self, worker: str, lease: Lease) -> None:
        with refusals():
            self._redis.hdel(f"{self._keys.worker(worker)}:leases", _member(lease))

    def wait_wake(self, worker: str, timeout_s: float) -> bool:
        with refusals():
            if timeout_s <= 0:  # which BLPOP takes for ever
                return self._redis.lpop(self._keys.wake(worker)) is not None
            wait_s = min(timeout_s, BLOCK_S)
            return self._redis.blpop([self._keys.wake(worker)], timeout=wait_s) is not None

    def leave(self, worker: str, reason: str) -> None:
        self._run("leave", worker, _line(reason))

    def workers(self, owner: str) -> list[WorkerInfo]:
        with refusals():
            names = [name.decode() for name in self._redis.zrange(self._keys.workers, 0, -1)]
            pipe = self._redis.pipeline(transaction=True)
            for name in names:
                pipe.hmget(self._keys.worker(name), "info", "joined_at")
                pipe.hgetall(f"{self._keys.worker(name)}:leases")
            parts = pipe.execute()
        there = [
            _worker(info, joined_at, leases, owner)
            for (info, joined_at), leases in zip(parts[::2], parts[1::2], strict=True)
            if info is not None
        ]
        return sorted(there, key=lambda worker: (worker.joined_at, worker.name))

    def tasks(self) -> list[TaskInfo]:
        workers = self.workers("")
        if workers:
            offered = [task for worker in workers for task in worker.tasks]
        else:
            with refusals():
                last = self._redis.get(self._keys.tasks)
            offered = [wire.task_from_wire(obj) for obj in json.loads(last or "[]")]
        by_name = {task.name: task for task in offered}
        return [by_name[name] for name in sorted(by_name)]

    # Functions

    def put_function(self, owner: str, digest: str, pickled: bytes) -> None:
        with refusals():
            key = self._keys.function(owner, digest)
            self._redis.set(key, pickled, px=2 * self._retention_ms)

    def function(self, owner: str, digest: str) -> bytes | None:
        with refusals():
            found: bytes | None = self._redis.get(self._keys.function(owner, digest))
            return found

    def unneeded(self, owner: str, digests: Sequence[str]) -> list[str]:
        if not digests:
            return []
        key = self._keys.blobs(owner)
        with refusals():
            seconds, us = self._redis.time()
            now = seconds * 1000 + us // 1000
            self._redis.zremrangebyscore(key, "-inf", now)
            until = self._redis.zmscore(key, digests)
        return [digest for digest, at in zip(digests, until, strict=True) if at is None]

    # Logs

    def head(self, log: str) -> Cursor:
        return self._log.head(log)

    def read(self, log: str, after: Cursor, *, limit: int = 500) -> LogPage:
        return self._log.read(log, after, limit=limit)

    def follow(self, cursors: Mapping[str, Cursor], *, timeout_s: float) -> dict[str, LogPage]:
        return self._log.follow(cursors, timeout_s=timeout_s)

    def check(self) -> None:
        with refusals():
            self._redis.set(self._keys.health, 1, px=60_000)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _compact(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _line(text: str) -> str:
    return " ".join(text.split())


def _turn(answer: Any) -> Claim | Full | None:
    """Return what became of a process that asked for its next job."""
    if answer == b"full":
        return FULL
    return _claim(answer) if answer else None


def _or_none(number: int | None) -> tuple[str | int]:
    return ("" if number is None else number,)


def _claim(order: Sequence[Any]) -> Claim:
    owner, id, token, *parts = order
    return Claim(lease=Lease(JobRef(owner.decode(), id.decode()), int(token)), spec=_spec(*parts))


def _handed(told: bytes) -> list[bytes]:
    """Return the parts of an order as `waiting.lua` writes them, each behind its length."""
    parts, at = [], 0
    while at < len(told):
        begin = at + _LENGTH.size
        at = begin + _LENGTH.unpack_from(told, at)[0]
        parts.append(told[begin:at])
    return parts


def _spec(
    task: bytes,
    arguments: bytes,
    function: bytes,
    payload: bytes,
    python: bytes,
    options: bytes,
    after: bytes,
) -> JobSpec:
    return JobSpec(
        task=task.decode(),
        arguments=arguments.decode(),
        function=function.decode() or None,
        payload=payload,
        python=python.decode(),
        options=_options(options),
        after=tuple(after.decode().split()),
    )


@lru_cache(maxsize=64)
def _options(text: bytes) -> JobOptions:
    return wire.options_from_wire(json.loads(text or "{}"))


def _row(kind: type[Event]) -> str:
    return ";".join(f"{before}={after}" for before, after in TRANSITIONS[kind.type].items())


def _member(lease: Lease) -> str:
    return f"{lease.ref.owner} {lease.ref.id} {lease.token}"


def _lease(member: bytes) -> Lease:
    owner, id, token = member.decode().split(" ")
    return Lease(JobRef(owner, id), int(token))


def _worker(info: bytes, joined_at: bytes, leases: Mapping[bytes, bytes], owner: str) -> WorkerInfo:
    held = [_lease(member).ref for member in leases]
    said: dict[str, Any] = json.loads(info)
    worker = wire.worker_from_wire(said)
    mine = tuple(ref.id for ref in held if ref.owner == owner)
    return replace(worker, joined_at=int(joined_at), jobs=mine, busy=len(set(leases.values())))

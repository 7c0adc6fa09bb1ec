"""What is counted of a ledger: each event once, whoever counts and whoever dies."""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from waiting import wait_until

from taskkit.ledger import CAUSES, JobRef, Lease, StoredResult
from taskkit.ledger.redis import RedisLedger
from taskkit.ledger.redis_figures import MOST_EVENTS, RedisFigures
from taskkit.protocol.broker import broker_queue
from taskkit.protocol.cursor import Cursor
from taskkit.protocol.errors import Unavailable
from taskkit.protocol.events import JobFailed, JobSucceeded
from taskkit.protocol.jobs import ErrorInfo, ResultInfo
from taskkit.protocol.options import JobOptions
from taskkit.protocol.spec import WORKERS_LOG, JobSpec
from taskkit.protocol.workers import WorkerInfo
from taskkit_worker.deaths import cause_of_death

RESULT = ResultInfo(media_type="application/json", size_bytes=1)
STORED = StoredResult(media_type="application/json", body=b"1")


@pytest.fixture
def prefix() -> str:
    """What the keys of this test alone begin with."""
    return f"tk-{secrets.token_hex(4)}:"


@pytest.fixture
def ledger(redis_url: str, prefix: str) -> RedisLedger:
    """An empty ledger."""
    return RedisLedger(redis_url, prefix=prefix, publish_grace_s=0)


@pytest.fixture
def figures(redis_url: str, prefix: str) -> RedisFigures:
    """What counts it."""
    return RedisFigures(redis_url, prefix=prefix)


def submit(ledger: RedisLedger, owner: str = "ada", **spec: Any) -> JobRef:
    """Make a queued job."""
    [made] = ledger.submit(owner, [(secrets.token_hex(8), JobSpec(task="demo", **spec))])
    return JobRef(owner, made.record.id)


def begin(ledger: RedisLedger, ref: JobRef, pid: int = 1) -> Lease:
    """Begin its attempt."""
    claim = ledger.claim(ref, worker="lab-1", pid=pid)
    assert claim is not None
    return claim.lease


def run(ledger: RedisLedger, owner: str = "ada") -> None:
    """Make a job that has succeeded."""
    ledger.finish(begin(ledger, submit(ledger, owner)), JobSucceeded(result=RESULT), STORED)


def logged(ledger: RedisLedger, *owners: str) -> Counter[str]:
    """Return how many events of each type the logs have."""
    pages = [ledger.read(owner, Cursor(), limit=100_000) for owner in owners]
    return Counter(event.type for page in pages for event in page.events)


def events(figures: RedisFigures) -> dict[str, int]:
    """Return how many events of each type were counted."""
    counted = figures.standing().counted
    return {name: n for name, n in counted.items() if ":" not in name and name != "missed"}


def count_all(figures: RedisFigures) -> None:
    """Count until nothing is left."""
    while figures.count():
        pass


def test_each_event_is_counted_once_by_however_many_count(
    ledger: RedisLedger, figures: RedisFigures, redis_url: str, prefix: str
) -> None:
    """While jobs run, of several owners, and some of those who count come late."""
    owners = ("ada", "bob", "cyd")
    is_over = threading.Event()

    def count() -> None:
        mine = RedisFigures(redis_url, prefix=prefix)
        while not is_over.is_set():
            mine.count()

    with ThreadPoolExecutor(6) as threads:
        counting = [threads.submit(count) for _ in range(3)]
        for done in [
            threads.submit(lambda o=o: [run(ledger, o) for _ in range(60)]) for o in owners
        ]:
            done.result()
        is_over.set()
        for one in counting:
            one.result()
    count_all(figures)
    assert events(figures) == logged(ledger, *owners)
    assert events(figures)["job_succeeded"] == 180


def test_who_does_nothing_costs_nothing(
    ledger: RedisLedger, figures: RedisFigures, redis_url: str
) -> None:
    """Counting again takes as few commands after many users as after one."""
    client: Any = redis.Redis.from_url(redis_url)
    client.ping()

    def cost() -> int:
        count_all(figures)
        before = client.info("stats")["total_commands_processed"]
        figures.count()
        return int(client.info("stats")["total_commands_processed"]) - before

    run(ledger)
    one = cost()
    for n in range(40):
        run(ledger, f"user{n}")
    assert cost() == one


def test_more_users_than_one_call_looks_at_are_counted(
    ledger: RedisLedger, figures: RedisFigures
) -> None:
    """None is passed over; Lua takes no list of any length either."""
    for n in range(700):
        submit(ledger, f"user{n}")
    assert figures.count() > 0
    count_all(figures)
    assert events(figures) == {"job_submitted": 700}
    assert figures.standing().users == 700


def test_events_of_an_older_release_are_counted_with_the_next(
    ledger: RedisLedger, figures: RedisFigures, redis_url: str, prefix: str
) -> None:
    """It does not say whose logs have moved."""
    run(ledger)
    redis.Redis.from_url(redis_url).delete(f"{prefix}figures:uncounted")
    figures.count()
    assert events(figures) == {}
    run(ledger)
    count_all(figures)
    assert events(figures) == logged(ledger, "ada")


def test_more_than_one_call_counts_are_left_for_the_next(
    ledger: RedisLedger, figures: RedisFigures
) -> None:
    """A call is bounded, over all logs; it says how much is left."""
    for owner in ("ada", "bob"):
        ledger.submit(owner, [(str(n), JobSpec(task="demo")) for n in range(800)])
    lefts = [figures.count(), *(figures.count() for _ in range(6))]
    assert lefts == [1600 - n * MOST_EVENTS for n in range(1, 7)] + [0]
    assert events(figures) == {"job_submitted": 1600}


def test_what_was_trimmed_before_it_was_counted_is_told(
    redis_url: str, figures: RedisFigures, prefix: str
) -> None:
    """So that a rate which is too low is not taken for the truth."""
    ledger = RedisLedger(redis_url, prefix=prefix, log_events=10)
    ledger.submit("ada", [(str(n), JobSpec(task="demo")) for n in range(1000)])
    count_all(figures)
    counted = figures.standing().counted
    assert counted["missed"] > 0
    assert counted["missed"] + counted["job_submitted"] == 1000


def test_a_log_that_begins_anew_is_counted_on(
    ledger: RedisLedger, figures: RedisFigures, redis_url: str, prefix: str
) -> None:
    """Its numbers go on, or, where it was lost whole, begin at 1 again, as far as they were."""
    client = redis.Redis.from_url(redis_url)
    for runs in (1, 1, 3, 2):
        for _ in range(runs):
            run(ledger)
        count_all(figures)
        client.delete(f"{prefix}u:ada:log", f"{prefix}u:ada:log:meta")
    run(ledger)
    client.hset(f"{prefix}u:ada:log:meta", "epoch", "another")
    run(ledger)
    count_all(figures)
    assert events(figures)["job_succeeded"] == 9
    assert figures.standing().counted.get("missed", 0) == 0


CAUSED = {
    "worker_left": "worker lab-7-1f left: not heard of for 45 s",
    "lease_ended": "the lease ended: its worker was not heard of in time",
    "out_of_memory": cause_of_death("… signal 9 (SIGKILL) …", is_out_of_memory=True),
    "signal": cause_of_death("… signal 11 (SIGSEGV) …", is_out_of_memory=False),
    "exit": cause_of_death("… exitcode 3 …", is_out_of_memory=False),
    "unreported": "its outcome could not be reported (TypeError: no)",
    "other": cause_of_death("nobody knows", is_out_of_memory=False),
}


def test_lost_attempts_are_told_apart_by_their_causes(
    ledger: RedisLedger, figures: RedisFigures
) -> None:
    """In the words that workers and scripts have for them."""
    for n, cause in enumerate(CAUSED.values()):
        ledger.lose(begin(ledger, submit(ledger), pid=n + 1), cause)
    count_all(figures)
    counted = figures.standing().counted
    assert {cause: counted.get(f"lost:{cause}") for cause in CAUSES} == dict.fromkeys(CAUSES, 1)


def test_the_causes_that_scripts_give_are_among_them(
    redis_url: str, figures: RedisFigures, prefix: str
) -> None:
    """Of a lease that ends, and of a worker that is not heard of."""
    ledger = RedisLedger(redis_url, prefix=prefix, lease_s=0.05, worker_silent_s=0.05)
    begin(ledger, submit(ledger))
    wait_until(lambda: _swept(ledger, figures).get("lost:lease_ended") == 1, 10)
    ledger.join(WorkerInfo(name="lab-1", host="lab", pid=1, processes=3, python="3.11", tasks=()))
    begin(ledger, submit(ledger))
    wait_until(lambda: sum(_lost(_swept(ledger, figures)).values()) == 2, 10)
    assert _lost(figures.standing().counted) == {"lost:lease_ended": 1, "lost:worker_left": 1}


def _swept(ledger: RedisLedger, figures: RedisFigures) -> dict[str, int]:
    ledger.sweep()
    figures.count()
    return dict(figures.standing().counted)


def _lost(counted: Any) -> dict[str, int]:
    return {name: n for name, n in counted.items() if name.startswith("lost:")}


def test_how_long_jobs_wait_and_run_is_told(ledger: RedisLedger, figures: RedisFigures) -> None:
    """By the ledger's own times; waits are those for the first attempt."""
    ref = submit(ledger)
    record = ledger.job(ref)
    lease = begin(ledger, ref)
    ledger.lose(lease, "no")
    lease = begin(ledger, ref)
    ledger.finish(lease, JobFailed(error=ErrorInfo(type="E", message="no")), None)
    count_all(figures)
    told = figures.standing()
    [submitted, started, *_] = ledger.read("ada", Cursor()).events
    assert record is not None
    assert sum(told.waits.counts) == 1
    assert told.waits.sum_ms == started.at - submitted.at
    final = ledger.job(ref)
    assert final is not None
    assert final.finished_at is not None
    assert final.started_at is not None
    assert sum(told.runs["failed"].counts) == 1
    assert told.runs["failed"].sum_ms == final.finished_at - final.started_at
    assert sum(told.runs["succeeded"].counts) == 0


def test_durations_fall_between_their_bounds(
    ledger: RedisLedger, figures: RedisFigures, redis_url: str, prefix: str
) -> None:
    """A run of exactly a bound counts to it, one of more to the next, the longest to the last."""
    client = redis.Redis.from_url(redis_url)
    for ran_ms in (10, 11, 10**9):
        ref = submit(ledger)
        lease = begin(ledger, ref)
        ledger.finish(lease, JobSucceeded(result=RESULT), STORED)
        final = ledger.job(ref)
        assert final is not None
        assert final.finished_at is not None
        client.hset(f"{prefix}u:ada:job:{ref.id}", "started_at", final.finished_at - ran_ms)
    count_all(figures)
    counts = figures.standing().runs["succeeded"].counts
    assert (counts[0], counts[1], counts[-1], sum(counts)) == (1, 1, 1, 3)


def test_how_things_stand_is_told(
    ledger: RedisLedger, figures: RedisFigures, redis_url: str
) -> None:
    """Jobs, workers and logs as they are now."""
    ledger.join(WorkerInfo(name="lab-1", host="lab", pid=1, processes=3, python="3.11", tasks=()))
    ledger.join(WorkerInfo(name="lab-2", host="lab", pid=2, processes=4, python="3.11", tasks=()))
    submit(ledger)
    submit(ledger, "bob")
    begin(ledger, submit(ledger))
    run(ledger)
    count_all(figures)
    told = figures.standing()
    assert (told.queued, told.running, told.workers, told.processes) == (2, 1, 2, 7)
    assert (told.users, told.longest_log_events) == (2, 6)
    assert told.log_events == sum(logged(ledger, "ada", "bob").values())
    assert told.counted["worker_joined"] == logged(ledger, WORKERS_LOG)["worker_joined"] == 2


def test_wake_ups_are_those_of_all_queues(
    ledger: RedisLedger, figures: RedisFigures, redis_url: str
) -> None:
    """Each has a list of its own at the broker."""
    client: Any = redis.Redis.from_url(redis_url)
    client.delete(broker_queue("default"), broker_queue("gpu"))
    for queue in ("default", "gpu", "gpu"):
        spec = JobSpec(task="demo", options=JobOptions(queue=queue))
        ledger.submit("ada", [(secrets.token_hex(8), spec)], message=lambda queue: f"wake {queue}")
    assert figures.standing().wakeups == 3
    client.delete(broker_queue("default"), broker_queue("gpu"))


def test_the_oldest_queued_job_is_the_one_that_waits_longest(
    ledger: RedisLedger, figures: RedisFigures, redis_url: str, prefix: str
) -> None:
    """Not one that has begun, waits for others, was cancelled, or whose end was never counted."""
    first, second = submit(ledger), submit(ledger)
    submitted = ledger.job(second)
    assert submitted is not None
    submit(ledger, function=None, after=(second.id,))
    count_all(figures)
    ledger.cancel(first)  # not counted yet
    client: Any = redis.Redis.from_url(redis_url)

    def age_ms() -> int:
        return figures.standing().oldest_queued_ms

    def since(at: int) -> int:
        seconds, us = client.time()
        return int(seconds * 1000 + us // 1000) - at

    low = since(submitted.created_at)
    assert low <= age_ms() <= since(submitted.created_at)
    lease = begin(ledger, second)
    count_all(figures)
    assert age_ms() == 0
    ledger.lose(lease, "no")
    count_all(figures)
    assert 0 <= age_ms() <= since(submitted.created_at)
    assert client.zcard(f"{prefix}figures:waiting") == 1


def test_a_redis_without_memory_counts_later_and_once(
    start_redis: Callable[..., str], prefix: str
) -> None:
    """Nothing is half counted meanwhile."""
    url = start_redis('save ""', "maxmemory 0")
    ledger, figures = RedisLedger(url, prefix=prefix), RedisFigures(url, prefix=prefix)
    figures.count()
    run(ledger)
    client = redis.Redis.from_url(url)
    client.config_set("maxmemory", 1)
    with pytest.raises(Unavailable):
        figures.count()
    client.config_set("maxmemory", 0)
    assert events(figures) == {}
    count_all(figures)
    assert events(figures) == logged(ledger, "ada")


def test_a_redis_that_is_away_is_not_waited_for(prefix: str) -> None:
    """Who scrapes has a time limit of its own."""
    with pytest.raises(Unavailable):
        RedisFigures("redis://127.0.0.1:1", prefix=prefix).count()


def test_the_store_tells_whether_it_keeps_what_it_is_given(
    start_redis: Callable[..., str], prefix: str
) -> None:
    """Without a file, with one, and where it may not tell."""
    facts = RedisFigures(start_redis('save ""'), prefix=prefix).store()
    assert facts.states == {"aof_enabled": False, "persisting": True}
    url = start_redis("appendonly yes")
    facts = RedisFigures(url, prefix=prefix).store()
    assert facts.states == {"aof_enabled": True, "persisting": True}
    assert {"memory_used", "memory_max", "aof"} == set(facts.bytes)
    assert facts.clients
    redis.Redis.from_url(url).execute_command("ACL SETUSER default -info")
    assert RedisFigures(url, prefix=prefix).store().bytes == {}


def test_one_of_several_has_its_turn(figures: RedisFigures) -> None:
    """What is costly is done by one server, for all."""
    assert [figures.is_turn("size", 60) for _ in range(3)] == [True, False, False]
    assert figures.kept("size") is None
    figures.keep("size", 7)
    assert figures.kept("size") == 7

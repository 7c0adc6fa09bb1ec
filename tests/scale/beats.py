"""What workers cost that do nothing but be there: thousands, by the real ledger's own code."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import redis

from taskkit.capacity import Cost
from taskkit.ledger.redis import RedisLedger
from taskkit.protocol.spec import JobSpec
from taskkit.protocol.workers import WorkerInfo

OWNERS = 100
ROUNDS = 2
BATCH = 500
WAITS, AT_ONCE = 1000, 50
"""Redis looks ten times a second who has waited long enough: one at a time would take minutes, and
what Redis and the servers do meanwhile would be counted as theirs."""


@dataclass(frozen=True, slots=True)
class Beats:
    """Of so many workers, each with one job."""

    workers: int
    a_beat: Cost
    #: To Redis.
    a_wait: Cost
    #: For a wake-up that does not come.
    us_a_sweep: float
    #: With all of them there.
    list_ms: float
    #: To list all of them, in Redis.
    list_bytes: float
    #: What that answer takes.
    bytes_a_worker: float
    #: Memory in Redis, with its job.


def beats(url: str, workers: int) -> Beats:
    """Let so many join, give each a job, and renew all of them. Counts what others do as well."""
    store = redis.Redis.from_url(url)
    ledger = RedisLedger(url, prefix=f"beats{workers}:", worker_silent_s=3600, lease_s=3600)
    used = store.info("memory")["used_memory"]
    for n in range(0, workers, BATCH):
        some = range(n, min(n + BATCH, workers))
        jobs = [(f"key{m}", JobSpec(task="rest", arguments=json.dumps({"n": m}))) for m in some]
        ledger.submit(f"owner{n // BATCH % OWNERS}", jobs)
        for m in some:
            ledger.join(
                WorkerInfo(
                    name=f"w{m}@host{m}", host=f"host{m}", pid=m, processes=1, python="3.11.7"
                )
            )
            assert ledger.claim_next("default", worker=f"w{m}@host{m}", pid=m)
    grown = store.info("memory")["used_memory"] - used
    names = [f"w{m}@host{m}" for m in range(workers)]
    began = _spent(store)
    for _ in range(ROUNDS):
        for name in names:
            assert ledger.beat(name) == []
    a_beat = (_spent(store) - began) * (1 / ROUNDS / workers)
    waiting = names[:WAITS]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(lambda name: ledger.wait_wake(name, 0.001), waiting[:AT_ONCE]))
        began = _spent(store)
        assert not any(threads.map(lambda name: ledger.wait_wake(name, 0.001), waiting))
    a_wait = (_spent(store) - began) * (1 / len(waiting))
    began = _spent(store)
    for _ in range(5):
        ledger.sweep()
    a_sweep = (_spent(store) - began) * (1 / 5)
    began = _spent(store)
    assert len(ledger.workers("nobody")) == workers
    listed = _spent(store) - began
    for key in store.scan_iter(f"beats{workers}:*", count=1000):
        store.unlink(key)
    return Beats(
        workers,
        a_beat,
        a_wait,
        a_sweep.redis_us,
        listed.redis_us / 1000,
        listed.from_redis_bytes,
        grown / workers,
    )


def _spent(store: Any) -> Cost:
    time.sleep(0.01)  # Redis brings its own times up to date ten times a second or oftener
    info = store.info("everything")
    return Cost(
        redis_us=1e6 * (info["used_cpu_user_main_thread"] + info["used_cpu_sys_main_thread"]),
        redis_commands=info["total_commands_processed"],
        to_redis_bytes=info["total_net_input_bytes"],
        from_redis_bytes=info["total_net_output_bytes"],
        aof_bytes=info.get("aof_current_size", 0),
    )

"""What workers cost that do nothing but be there: thousands, by the real ledger's own code."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import redis

from taskkit.ledger.redis import RedisLedger
from taskkit.protocol.spec import JobSpec
from taskkit.protocol.workers import WorkerInfo

OWNERS = 100
ROUNDS = 2
BATCH = 500


@dataclass(frozen=True, slots=True)
class Beats:
    """Of so many workers, each with one job."""

    workers: int
    us_a_beat: float
    #: Of Redis' main thread.
    us_a_wait: float
    #: Of a wait for a wake-up that does not come.
    us_a_sweep: float
    #: With all of them there.
    list_ms: float
    #: To list all of them, in Redis.
    list_bytes: float
    #: What that answer takes.
    bytes_a_worker: float
    #: Memory in Redis, with its job.


def beats(url: str, workers: int) -> Beats:
    """Let so many join, give each a job, and renew all of them."""
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
    began = _us(store)
    for _ in range(ROUNDS):
        for name in names:
            assert ledger.beat(name) == []
    a_beat = (_us(store) - began) / ROUNDS / workers
    waited, began = min(workers, 1000), _us(store)
    for name in names[:waited]:
        assert not ledger.wait_wake(name, 0.001)
    a_wait = (_us(store) - began) / waited
    began = _us(store)
    for _ in range(5):
        ledger.sweep()
    a_sweep = (_us(store) - began) / 5
    began, sent = _us(store), _sent(store)
    assert len(ledger.workers("nobody")) == workers
    listed = (_us(store) - began) / 1000
    answer = _sent(store) - sent
    for key in store.scan_iter(f"beats{workers}:*", count=1000):
        store.unlink(key)
    return Beats(workers, a_beat, a_wait, a_sweep, listed, answer, grown / workers)


def _us(store: Any) -> float:
    time.sleep(0.01)  # Redis brings its own times up to date ten times a second or oftener
    info = store.info("cpu")
    return 1e6 * float(info["used_cpu_user_main_thread"] + info["used_cpu_sys_main_thread"])


def _sent(store: Any) -> float:
    return float(store.info("stats")["total_net_output_bytes"])

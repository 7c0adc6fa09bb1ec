"""Who can write to Redis, and has no signing key, has no code run: not by workers, nor by clients.

On a real stack. What is put into Redis holds canaries: pickles that write a file when they load.
"""

from __future__ import annotations

import json
import pickle
import random
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import redis
import urllib3
from canary import Canaries
from waiting import wait_until

import taskkit
from taskkit.ledger import open_tokens
from taskkit.protocol import wire
from taskkit.protocol.broker import BROKER_QUEUE as QUEUE
from taskkit.protocol.errors import BadSignature, JobNotFinished, Unauthorized
from taskkit.protocol.jobs import JobRecord
from taskkit.protocol.tokens import ALL_SCOPES, Scope, TokenInfo
from taskkit.signing_keys import FILE, keys_file
from taskkit.stack.parts import Settings, plan_parts

pytestmark = pytest.mark.stack

SEED = 20_261_126
ROUNDS = 3
"""How often each way to tamper is tried, with other random places."""


class Bare:
    """Redis as somebody sees it who has its password and nothing else."""

    def __init__(self, url: str, canaries: Canaries) -> None:
        self.redis: Any = redis.Redis.from_url(url)
        self.canaries = canaries
        self.random = random.Random(SEED)

    def job(self, id: str, owner: str = "local") -> str:
        """Return the key of a job's hash."""
        return f"tk:u:{owner}:job:{id}"

    def field(self, id: str, name: str) -> bytes:
        """Return a part of it."""
        found: bytes = self.redis.hget(self.job(id), name)
        return found

    def set(self, id: str, **fields: Any) -> None:
        """Write parts of it."""
        self.redis.hset(self.job(id), mapping=fields)

    def function(self, id: str, owner: str = "local") -> str:
        """Return the key of a job's function."""
        return f"tk:u:{owner}:function:{self.field(id, 'function').decode()}"

    def head(self, signed: bytes) -> bytes:
        """Return a signature without what it signs."""
        return signed[:91]


def raw_payload(bare: Bare, id: str, _other: str) -> None:
    """No signature at all."""
    bare.set(id, payload=bare.canaries.pickle())


def borrowed_signature(bare: Bare, id: str, _other: str) -> None:
    """The signature of the payload that was there."""
    bare.set(id, payload=bare.head(bare.field(id, "payload")) + bare.canaries.pickle())


def made_up_signature(bare: Bare, id: str, _other: str) -> None:
    """The key's name, and random digits."""
    head = bare.head(bare.field(id, "payload"))[:26] + bare.random.randbytes(32).hex().encode()
    bare.set(id, payload=head + b":" + bare.canaries.pickle())


def unknown_key(bare: Bare, id: str, _other: str) -> None:
    """A key that nobody has."""
    head = b"taskkit-signed:1:00000000:" + b"0" * 64 + b":"
    bare.set(id, payload=head + bare.canaries.pickle())


def flipped_bit(bare: Bare, id: str, _other: str) -> None:
    """One bit of the payload, anywhere."""
    payload = bytearray(bare.field(id, "payload"))
    payload[bare.random.randrange(len(payload))] ^= 1 << bare.random.randrange(8)
    bare.set(id, payload=bytes(payload))


def cut_payload(bare: Bare, id: str, _other: str) -> None:
    """A part of it."""
    payload = bare.field(id, "payload")
    bare.set(id, payload=payload[: bare.random.randrange(len(payload))])


def other_payload(bare: Bare, id: str, other: str) -> None:
    """Rightly signed, with another function."""
    bare.set(id, payload=bare.field(other, "payload"))


def other_function(bare: Bare, id: str, other: str) -> None:
    """Rightly signed, with other arguments."""
    bare.set(id, function=bare.field(other, "function"))


def raw_function(bare: Bare, id: str, _other: str) -> None:
    """A function of one's own, unsigned."""
    bare.redis.set(bare.function(id), bare.canaries.pickle())


def borrowed_function(bare: Bare, id: str, _other: str) -> None:
    """The signature of the function that was there."""
    key = bare.function(id)
    bare.redis.set(key, bare.head(bare.redis.get(key)) + bare.canaries.pickle())


def swapped_function(bare: Bare, id: str, other: str) -> None:
    """Another one that is rightly signed, in its place."""
    bare.redis.set(bare.function(id), bare.redis.get(bare.function(other)))


def payload_as_function(bare: Bare, id: str, other: str) -> None:
    """What is rightly signed as arguments."""
    bare.redis.set(bare.function(id), bare.field(other, "payload"))


def renamed_task(bare: Bare, id: str, _other: str) -> None:
    """What the user reads is what runs."""
    bare.set(id, task="harmless")


def other_python(bare: Bare, id: str, _other: str) -> None:
    """As if it had been pickled by another."""
    bare.set(id, python="3.99")


def as_a_named_task(bare: Bare, id: str, _other: str) -> None:
    """A shipped function's job becomes that of a task that the workers know."""
    bare.redis.hdel(bare.job(id), "function", "payload", "python")
    bare.set(id, task="demo", arguments='{"name":"Mallory"}')


def as_a_signed_named_task(bare: Bare, id: str, _other: str) -> None:
    """With the signature of what it was."""
    head = bare.head(bare.field(id, "payload")).decode()
    as_a_named_task(bare, id, _other)
    bare.set(id, arguments=head + '{"name":"Mallory"}')


WAYS: list[Callable[[Bare, str, str], None]] = [
    raw_payload,
    borrowed_signature,
    made_up_signature,
    unknown_key,
    flipped_bit,
    cut_payload,
    other_payload,
    other_function,
    raw_function,
    borrowed_function,
    swapped_function,
    payload_as_function,
    renamed_task,
    other_python,
    as_a_named_task,
    as_a_signed_named_task,
]


def without_worker(*given: Any) -> Any:
    """Plan a stack in which jobs wait until somebody starts a worker."""
    return [part for part in plan_parts(*given) if part.name != "worker"]


@pytest.fixture
def canaries(tmp_path: Path) -> Canaries:
    """None is loaded yet."""
    return Canaries(tmp_path)


@pytest.fixture
def stack() -> Iterator[taskkit.LocalStack]:
    """A stack without a worker."""
    with taskkit.LocalStack(plan=without_worker) as running:
        yield running


@contextmanager
def worker(stack: taskkit.LocalStack) -> Iterator[None]:
    """Run one, with the keys of the stack."""
    environment = {"TASKKIT_REDIS_URL": stack.redis_url, FILE: str(stack.signing_keys_file)}
    with subprocess.Popen(
        [sys.executable, "-m", "taskkit_worker", "--concurrency", "2"],
        env=environment,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            yield
        finally:
            process.terminate()


def adder(n: int) -> Callable[[int], int]:
    """Return a function that no other job has."""

    def add(m: int) -> int:
        return n + m

    return add


def told(stack: taskkit.LocalStack, path: str) -> Any:
    """Return what the server says of something."""
    headers = {"Authorization": f"Bearer {stack.token}"}
    return urllib3.request("GET", stack.url + path, headers=headers).json()


def records(stack: taskkit.LocalStack, ids: list[str]) -> dict[str, JobRecord]:
    """Return the records of these jobs."""
    listed = told(stack, "/jobs?limit=1000")["jobs"]
    found = {one["id"]: wire.record_from_wire(one) for one in listed}
    return {id: found[id] for id in ids}


def test_jobs_that_were_tampered_with_fail_at_once(
    stack: taskkit.LocalStack, canaries: Canaries
) -> None:
    """In words and at the first attempt, though they may be retried; nothing of them is loaded."""
    with closing(stack.client()) as client:
        with worker(stack):  # which makes its tasks known
            wait_until(lambda: bool(client.workers()))
        patient = client.options(retries=3)
        bare = Bare(stack.redis_url, canaries)
        jobs: dict[str, str] = {}
        for n, way in enumerate(WAYS * ROUNDS):
            first, second = (patient.submit(adder(10_000 * n + k), 1) for k in (0, 5000))
            way(bare, first.id, second.id)
            jobs[first.id] = way.__name__
        named = client.submit("demo", name="Ada")
        bare.set(named.id, arguments=bare.field(named.id, "arguments").replace(b"Ada", b"Eve"))
        jobs[named.id] = "arguments of a named task"
        whole = client.submit(adder(1), 1)
        named_whole = client.submit("demo", name="Ada")
        with worker(stack):
            assert whole.result(60) == 2
            assert named_whole.result(60)
            wait_until(lambda: all(one.is_final for one in records(stack, list(jobs)).values()))
        ends = {
            jobs[id]: (str(one.state), one.error and one.error.type, one.attempt, one.past_attempts)
            for id, one in records(stack, list(jobs)).items()
        }
        assert set(ends.values()) == {("failed", "taskkit.BadSignature", 1, ())}, ends
        with pytest.raises(BadSignature, match=r"signed"):
            named.result(10)
    assert canaries.loaded() == []


def test_a_job_of_one_user_runs_for_no_other(stack: taskkit.LocalStack, canaries: Canaries) -> None:
    """Whole as it is, with its function, under another's name: it would run among their values."""
    with closing(stack.client()) as client:
        bare = Bare(stack.redis_url, canaries)
        job = client.submit(adder(1), 1)
        for source in (bare.job(job.id), bare.function(job.id), "tk:u:local:line:default"):
            assert bare.redis.copy(source, source.replace("u:local:", "u:eve:"))
        bare.redis.zadd("tk:queue:default:turns", {"eve": 0})
        bare.redis.lpush(QUEUE, bare.redis.lindex(QUEUE, 0))
        with worker(stack):
            assert job.result(60) == 2
            moved = bare.job(job.id, "eve")
            wait_until(lambda: bare.redis.hget(moved, "state") == b"failed")
        assert b"BadSignature" in bare.redis.hget(moved, "error")


def test_a_message_with_a_pickle_is_not_read(stack: taskkit.LocalStack, canaries: Canaries) -> None:
    """Celery takes JSON alone, whatever a message says it is; the worker goes on."""
    with closing(stack.client()) as client:
        bare = Bare(stack.redis_url, canaries)
        client.submit(adder(0), 1)
        wait_until(lambda: bare.redis.llen(QUEUE) == 1)
        message = json.loads(bare.redis.rpop(QUEUE))
        message["properties"]["body_encoding"] = "base64"
        for content_type in ("application/x-python-serialize", "application/json"):
            message["content-type"] = content_type
            message["body"] = b64encode(bare.canaries.pickle()).decode()
            bare.redis.lpush(QUEUE, json.dumps(message))
        with worker(stack):
            assert client.submit(adder(1), 1).result(60) == 2
    assert canaries.loaded() == []


def forged_results(bare: Bare, id: str, other: str) -> Iterator[tuple[str, bytes]]:
    """Yield ways to put another pickle in a result's place."""
    signed, strange = (bare.redis.get(f"{bare.job(one)}:result") for one in (id, other))
    yield "unsigned", bare.canaries.pickle()
    yield "borrowed", bare.head(signed) + bare.canaries.pickle()
    yield "moved", strange
    for _ in range(8):
        flipped = bytearray(signed)
        flipped[bare.random.randrange(len(flipped))] ^= 1 << bare.random.randrange(8)
        yield "flipped", bytes(flipped)


def test_results_that_were_tampered_with_reach_no_client(canaries: Canaries) -> None:
    """Neither from the store, nor in a record, nor in an event: a client unpickles what it gets."""

    def returned(n: int) -> set[int]:
        return {n}

    with taskkit.LocalStack(workers=1) as stack, closing(stack.client()) as client:
        bare = Bare(stack.redis_url, canaries)
        job, other = (client.submit(returned, n) for n in (1, 2))
        assert (job.result(60), other.result(60)) == ({1}, {2})
        key = bare.job(job.id)
        known = json.loads(bare.redis.hget(key, "result"))
        for how, body in forged_results(bare, job.id, other.id):
            bare.redis.set(f"{key}:result", body)
            for inline in (b64encode(body).decode(), "not base64", None):
                forged = json.dumps({**known, "inline": inline})
                bare.redis.hset(key, "result", forged)
                with closing(stack.client()) as fresh, pytest.raises(BadSignature):
                    print(how, fresh.job(job.id).result(10))
        for media_type in ("application/x-other", "application/json; charset=utf-8"):
            bare.redis.hset(key, "media_type", media_type)
            forged = b64encode(canaries.pickle()).decode()
            other_type = {**known, "media_type": media_type, "inline": forged}
            bare.redis.hset(key, "result", json.dumps(other_type))
            with closing(stack.client()) as fresh, pytest.raises(BadSignature):
                fresh.job(job.id).result(10)
    assert canaries.loaded() == []


def test_an_event_that_was_made_up_brings_no_pickle(
    stack: taskkit.LocalStack, canaries: Canaries
) -> None:
    """Who waits for a job that has not ended is not handed what came with it."""
    with closing(stack.client()) as client:
        bare = Bare(stack.redis_url, canaries)
        job = client.submit(adder(1), 1)
        wait_until(lambda: told(stack, "/events")["head"] > 0)
        result = {"media_type": wire.PICKLE, "size_bytes": 9, "preview": "it", "table": None}
        result["inline"] = b64encode(canaries.pickle()).decode()
        meta = bare.redis.hgetall("tk:u:local:log:meta")
        seq = bare.redis.hincrby("tk:u:local:log:meta", "seq", 1)
        event = {"e": meta[b"epoch"], "t": "job_succeeded", "j": job.id}
        event |= {"a": int(1000 * time.time()), "d": json.dumps({"result": result})}
        bare.redis.xadd("tk:u:local:log", event, id=f"{seq}-0")
        with pytest.raises((TimeoutError, JobNotFinished, BadSignature)):
            print(job.result(5))
    assert canaries.loaded() == []


def test_a_pickled_exception_is_not_loaded(canaries: Canaries) -> None:
    """A failed job is told in words then."""

    def fail() -> None:
        raise ValueError("no")

    with taskkit.LocalStack(workers=1) as stack, closing(stack.client()) as client:
        bare = Bare(stack.redis_url, canaries)
        job = client.submit(fail)
        with pytest.raises(ValueError, match="no"):
            job.result(60)
        bare.redis.set(f"{bare.job(job.id)}:result", canaries.pickle())
        with closing(stack.client()) as fresh, pytest.raises(BadSignature):
            fresh.job(job.id).result(10)
    assert canaries.loaded() == []


def test_a_result_that_was_forged_is_no_argument(canaries: Canaries) -> None:
    """A job that is after another loads what that returned, once it is verified."""

    def returned() -> set[int]:
        return {1}

    with taskkit.LocalStack(workers=1) as stack, closing(stack.client()) as client:
        bare = Bare(stack.redis_url, canaries)
        first = client.submit(returned)
        assert first.result(60) == {1}
        bare.redis.set(f"{bare.job(first.id)}:result", canaries.pickle())
        with pytest.raises(BadSignature):
            client.submit(len, first).result(60)
    assert canaries.loaded() == []


def test_a_token_that_was_made_up_opens_nothing(stack: taskkit.LocalStack) -> None:
    """It would let its maker submit functions."""
    secret = "tk_" + "m" * 43
    digest = sha256(secret.encode()).hexdigest()
    scopes = tuple(one for one in Scope if one in ALL_SCOPES)
    info = TokenInfo(id="0" * 12, user="eve", scopes=scopes, created_at=1)
    open_tokens(stack.redis_url).add(info, digest)
    with pytest.raises(Unauthorized):
        taskkit.Client(stack.url, token=secret)


def test_a_worker_with_other_keys_says_so(tmp_path: Path) -> None:
    """And what to do about it."""

    def plan(settings: Settings, folders: Any, identity: Any) -> Any:
        parts = list(plan_parts(settings, folders, identity))
        worker = parts[-1]
        other = {**worker.env, FILE: str(keys_file(tmp_path))}
        return [*parts[:-1], replace(worker, env=other)]

    with taskkit.LocalStack(workers=1, plan=plan) as stack, closing(stack.client()) as client:
        job = client.submit(adder(1), 1)
        with pytest.raises(BadSignature, match="TASKKIT_SIGNING_KEYS"):
            job.result(60)


def test_the_canary_sings(canaries: Canaries) -> None:
    """Loaded, it writes its file: or none of these tests would see anything."""
    pickle.loads(canaries.pickle()).close()
    assert canaries.loaded() == ["loaded-1"]

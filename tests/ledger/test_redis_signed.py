"""The signed ledger on a real Redis: keys change, and what others wrote is not handed out."""

from __future__ import annotations

import json
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace

import pytest
import redis

from taskkit.ledger import JobRef, Lease, Ledger, StoredResult
from taskkit.ledger.redis import RedisLedger
from taskkit.ledger.redis_signed import SignedLedger
from taskkit.ledger.redis_tokens import RedisTokens
from taskkit.protocol import wire
from taskkit.protocol.cursor import Cursor
from taskkit.protocol.errors import BadSignature, FunctionNotFound
from taskkit.protocol.events import JobSucceeded
from taskkit.protocol.jobs import ResultInfo
from taskkit.protocol.signed_spec import open_spec
from taskkit.protocol.signing import Keyring
from taskkit.protocol.spec import JobSpec
from taskkit.protocol.tokens import Scope, TokenInfo
from taskkit.protocol.workers import WorkerInfo

OLD, NEW = Keyring(["o" * 32]), Keyring(["n" * 32])
BOTH = Keyring(["n" * 32, "o" * 32])
WORKER = WorkerInfo(name="w", host="lab", pid=1, processes=1, python="3.11.7")
SPEC = JobSpec(task="fit", function="ab" * 32, payload=b"\x80args", python="3.11")
PICKLED = StoredResult(media_type=wire.PICKLE, body=b"\x80result")

Open = Callable[[Keyring], Ledger]


@pytest.fixture
def prefix() -> str:
    """A part of Redis that no other test has."""
    return f"tk-{secrets.token_hex(4)}:"


@pytest.fixture
def opened(redis_url: str, prefix: str) -> Open:
    """Open the test's ledger with these keys."""
    return lambda keys: SignedLedger(redis_url, keys, prefix=prefix)


@pytest.fixture
def raw(redis_url: str) -> redis.Redis:
    """Redis, for somebody who has no keys."""
    return redis.Redis.from_url(redis_url)


def submitted(ledger: Ledger, spec: JobSpec = SPEC, key: str = "k") -> JobRef:
    """Make a job of Ada's, its function brought along."""
    if spec.function is not None:
        ledger.put_function("ada", spec.function, b"\x80function")
    [answer] = ledger.submit("ada", [(key, spec)])
    return JobRef("ada", answer.record.id)


def claimed(ledger: Ledger, ref: JobRef) -> Lease:
    """Begin it."""
    ledger.join(WORKER)
    claim = ledger.claim(ref, worker="w", pid=1)
    assert claim is not None
    return claim.lease


def returned(ledger: Ledger, ref: JobRef, result: StoredResult = PICKLED) -> None:
    """Run it."""
    inline = b64encode(result.body).decode()
    info = ResultInfo(media_type=result.media_type, size_bytes=8, preview="it", inline=inline)
    ledger.finish(claimed(ledger, ref), JobSucceeded(result=info), result)


def test_what_redis_keeps_of_a_job_is_signed(opened: Open, raw: redis.Redis, prefix: str) -> None:
    """Its payload, its function and its result, also in the log; and all comes back without."""
    ledger = opened(NEW)
    ref = submitted(ledger)
    claim = ledger.claim(ref, worker="w", pid=1)
    assert claim is not None
    assert claim.spec.payload.startswith(b"taskkit-signed:1:")
    assert open_spec(claim.spec, "ada", NEW) == ledger.spec(ref) == SPEC
    info = ResultInfo(media_type=wire.PICKLE, size_bytes=8, preview="it", inline="gHJlc3VsdA==")
    ledger.finish(claim.lease, JobSucceeded(result=info), PICKLED)
    assert ledger.function("ada", "ab" * 32) == b"\x80function"
    assert ledger.result(ref) == PICKLED
    record = ledger.job(ref)
    assert record is not None
    assert record.result == info
    *_, event = ledger.read("ada", Cursor()).events
    [page] = ledger.follow({"ada": Cursor()}, timeout_s=1).values()
    assert event == page.events[-1]
    assert isinstance(event, JobSucceeded)
    assert event.result == info
    kept = raw.hgetall(f"{prefix}u:ada:job:{ref.id}")
    assert b64decode(json.loads(kept[b"result"])["inline"]).startswith(b"taskkit-signed:1:")
    assert raw.get(f"{prefix}u:ada:job:{ref.id}:result").startswith(b"taskkit-signed:1:")
    [function] = raw.keys(f"{prefix}u:ada:function:*")
    assert raw.get(function).startswith(b"taskkit-signed:1:")


def test_the_key_may_change_between_a_request_and_its_repetition(opened: Open) -> None:
    """The same key with the same request is the same job."""
    ref = submitted(opened(OLD))
    [again] = opened(BOTH).submit("ada", [("k", SPEC)])
    assert (again.record.id, again.is_new) == (ref.id, False)


def test_a_function_of_the_old_key_is_signed_anew(opened: Open) -> None:
    """When a job wants it, so that the old key can be taken away."""
    submitted(opened(OLD))
    opened(BOTH).submit("ada", [("k2", SPEC)])
    assert opened(NEW).function("ada", "ab" * 32) == b"\x80function"


def test_a_function_that_nobody_can_verify_is_asked_for_again(opened: Open) -> None:
    """By its own digest, as the client knows it; so it is where it was kept unsigned."""
    submitted(opened(OLD))
    submitted(opened(Keyring()), key="k0")
    with pytest.raises(FunctionNotFound) as caught:
        opened(NEW).submit("ada", [("k2", SPEC)])
    assert caught.value.details["function"] == "ab" * 32
    submitted(opened(NEW), key="k2")


def test_a_job_is_tried_again_under_the_new_key(opened: Open) -> None:
    """What it was made of was verified by the old one."""
    ref = submitted(opened(OLD))
    spec = opened(BOTH).spec(ref)
    assert spec == SPEC
    again = submitted(opened(BOTH), spec, "again")
    assert opened(NEW).spec(again) == SPEC
    with pytest.raises(BadSignature):
        opened(NEW).spec(ref)


def test_unsigned_jobs_are_taken_where_there_are_no_keys(opened: Open) -> None:
    """As from a server of the version before; and refused where there are some."""
    ref = submitted(opened(Keyring()))
    returned(opened(Keyring()), ref)
    assert opened(Keyring()).result(ref) == PICKLED
    with pytest.raises(BadSignature, match="is not signed"):
        opened(NEW).result(ref)
    record = opened(NEW).job(ref)
    assert record is not None
    assert record.result is not None
    assert record.result.inline is None


def test_a_result_is_no_other_jobs(opened: Open, raw: redis.Redis, prefix: str) -> None:
    """Nor another owner's, nor of another type."""
    ledger = opened(NEW)
    first, second = submitted(ledger), submitted(ledger, key="k2")
    returned(ledger, first)
    returned(ledger, second, replace(PICKLED, body=b"\x80other"))
    raw.copy(
        f"{prefix}u:ada:job:{first.id}:result", f"{prefix}u:ada:job:{second.id}:result", 0, True
    )
    with pytest.raises(BadSignature, match="the result is not what was signed"):
        ledger.result(second)
    for part in ("", ":result"):
        raw.copy(f"{prefix}u:ada:job:{first.id}{part}", f"{prefix}u:bob:job:{first.id}{part}")
    with pytest.raises(BadSignature):
        ledger.result(JobRef("bob", first.id))
    raw.hset(f"{prefix}u:ada:job:{first.id}", "media_type", "application/x-other")
    with pytest.raises(BadSignature):
        ledger.result(first)


def test_json_is_only_shown(opened: Open) -> None:
    """It is handed out as it was: nobody runs it."""
    ledger = opened(NEW)
    ref = submitted(ledger)
    returned(ledger, ref, StoredResult(media_type=wire.JSON, body=b"[1]"))
    assert opened(Keyring()).result(ref) == StoredResult(media_type=wire.JSON, body=b"[1]")
    assert opened(NEW).result(ref) == StoredResult(media_type=wire.JSON, body=b"[1]")


def test_who_writes_to_redis_has_no_token(redis_url: str, raw: redis.Redis, prefix: str) -> None:
    """Neither a new one, nor more scopes, nor another user's name on one's own."""
    tokens = RedisTokens(redis_url, prefix=prefix, keys=NEW)
    info = TokenInfo(id="0123456789ab", user="ana", scopes=(Scope.READ,), created_at=1)
    tokens.add(info, "d" * 64)
    assert tokens.find("d" * 64) == info
    assert tokens.valid({info.id}, 2) == {info.id}
    kept = raw.hget(f"{prefix}tokens", "d" * 64)
    RedisTokens(redis_url, prefix=prefix).add(replace(info, id="000000000000"), "e" * 64)
    raw.hset(f"{prefix}tokens", "f" * 64, kept)
    assert tokens.find("e" * 64) is None
    assert tokens.find("f" * 64) is None
    assert tokens.valid({"000000000000"}, 2) == set()
    raw.hset(f"{prefix}tokens", "d" * 64, kept.replace(b'"read"', b'"code"'))
    assert tokens.find("d" * 64) is None
    assert tokens.all(2) == []


def test_the_ledger_alone_reads_what_is_not_signed(redis_url: str, prefix: str) -> None:
    """`RedisLedger`, which the conformance suite is for, and a ring of no keys are the same."""
    ref = submitted(RedisLedger(redis_url, prefix=prefix))
    assert SignedLedger(redis_url, Keyring(), prefix=prefix).spec(ref) == SPEC

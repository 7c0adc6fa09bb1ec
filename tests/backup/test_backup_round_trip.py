"""What is copied comes back, fit to go on: nothing lost, nothing run twice as one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
import redis
from backup.conftest import Filled

from taskkit.backup.restoring import restore
from taskkit.backup.saving import save
from taskkit.blobs import digest_of
from taskkit.blobs.opening import open_store, owner_place
from taskkit.ledger import Entry, JobFilter, JobRef, open_shares, open_tokens
from taskkit.ledger.redis import RedisLedger
from taskkit.ledger.redis_copy import RedisCopier
from taskkit.protocol.cursor import Cursor
from taskkit.protocol.errors import RequestError, Unavailable
from taskkit.protocol.jobs import AttemptEnd, JobState
from taskkit.protocol.options import JobOptions
from taskkit.protocol.spec import JobSpec
from taskkit.protocol.tokens import ShareInfo, TokenInfo

StartRedis = Callable[..., str]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the backup goes."""
    return tmp_path / "jobs.backup"


def raw(url: str) -> dict[bytes, bytes | None]:
    """Return all of a Redis, as it would be copied."""
    client = redis.Redis.from_url(url)
    return {key: client.dump(key) for key in client.scan_iter()}


def test_all_of_it_comes_back_into_an_empty_redis(
    filled: Filled, file: Path, start_redis: StartRedis
) -> None:
    """Records, results, functions, tokens, shares, and for how long each is kept."""
    token = TokenInfo(id="t1", user="ada", scopes=(), created_at=1, expires_at=None)
    open_tokens(filled.url).add(token, "digest")
    jobs = tuple(ref.id for ref in filled.succeeded)
    share = ShareInfo(id="s1", user="ada", scopes=(), created_at=1, expires_at=2, jobs=jobs)
    open_shares(filled.url).add(share, "share")
    before = {ref: filled.ledger.job(ref) for ref in (*filled.succeeded, *filled.queued)}
    save(file, RedisCopier(filled.url), None)
    assert file.stat().st_mode & 0o777 == 0o600
    url = start_redis('save ""')
    outcome = restore(file, RedisCopier(url), None)
    assert (outcome.ledger.jobs, outcome.ledger.resumed) == (6, 4)
    back = RedisLedger(url)
    for ref in filled.succeeded:
        assert back.job(ref) == before[ref]
        kept = back.result(ref)
        assert kept is not None
        assert kept.body == b'"done"'
    assert back.function("ada", "ab" * 32) == b"pickled"
    assert open_tokens(url).find("digest") == token
    assert open_shares(url).find("share") == share
    client = redis.Redis.from_url(url)
    left_ms = client.pttl(f"tk:u:ada:job:{filled.succeeded[0].id}")
    assert timedelta(days=6.9) < timedelta(milliseconds=left_ms) <= timedelta(days=7)
    assert [key for key in client.scan_iter() if not key.startswith(b"tk:")] == []


def test_names_that_look_like_other_keys_are_taken_for_what_they_are(
    filled: Filled, file: Path
) -> None:
    """Idempotency keys and sessions are users' own words."""
    words = [f"x:{end}" for end in (f"job:{'a' * 32}", "log:meta", "blobs", "jobs")]
    words += [f"job:{'b' * 32}", f"y:job:{'c' * 32}:result"]
    requests = [(one, JobSpec(task="demo", options=JobOptions(session=one))) for one in words]
    made = filled.ledger.submit("ada", requests)
    save(file, RedisCopier(filled.url), None)
    outcome = restore(file, RedisCopier(filled.url), None, overwrite=True)
    assert (outcome.ledger.jobs, outcome.ledger.logs) == (12, 2)
    back = filled.ledger.submit("ada", requests)
    assert [one.record.id for one in back] == [one.record.id for one in made]
    assert not any(one.is_new for one in back)
    for one, word in zip(made, words, strict=True):
        listed = filled.ledger.jobs("ada", matching=JobFilter(session=word))
        assert [record.id for record in listed] == [one.record.id]


def test_what_ran_is_queued_again_and_can_be_had(filled: Filled, file: Path) -> None:
    """With the cause, counted as no loss; all are due at once."""
    save(file, RedisCopier(filled.url), None)
    restore(file, RedisCopier(filled.url), None, overwrite=True)
    for lease in filled.running:
        record = filled.ledger.job(lease.ref)
        assert record is not None
        assert record.state is JobState.QUEUED
        [past] = record.past_attempts
        assert (past.end, past.cause) == (
            AttemptEnd.RETURNED,
            "the ledger was restored from a copy",
        )
    due = [one.ref for one in filled.ledger.sweep(empty=[])]
    assert set(due) == {*filled.queued, *(lease.ref for lease in filled.running)}
    assert {(load.owner, load.queued, load.running) for load in filled.ledger.loads()} == {
        (owner, 2, 0) for owner in {ref.owner for ref in due}
    }
    for pid in range(len(due)):
        claim = filled.ledger.claim_next("default", worker="w2", pid=pid)
        assert claim is not None
        due.remove(claim.lease.ref)
        assert filled.finish(claim.lease) == "done"
    assert filled.ledger.loads() == []


def test_no_attempt_bears_the_token_of_one_before_the_restore(filled: Filled, file: Path) -> None:
    """One that began after the copy, and runs on in a worker that never noticed, is fenced off."""
    save(file, RedisCopier(filled.url), None)
    [queued, *_] = filled.queued
    after_the_copy = filled.begin(queued)
    restore(file, RedisCopier(filled.url), None, overwrite=True)
    assert filled.finish(after_the_copy) == "fenced"
    begun = filled.begin(queued)
    assert begun.token > after_the_copy.token
    assert filled.finish(after_the_copy, b'"of the old one"') == "fenced"
    assert filled.finish(begun) == "done"


def test_every_reader_is_told_of_a_gap(filled: Filled, file: Path) -> None:
    """Whether it had read more than the copy knows, or less; numbers are not given out again."""
    early = filled.ledger.read("ada", Cursor(), limit=2).events[-1]
    save(file, RedisCopier(filled.url), None)
    epoch = filled.ledger.head("ada").epoch
    filled.submit()
    late = filled.ledger.read("ada", Cursor()).events[-1]
    restore(file, RedisCopier(filled.url), None, overwrite=True)
    for event in (early, late):
        page = filled.ledger.read("ada", Cursor(epoch, event.seq, event.at))
        assert page.is_gap
        assert page.epoch != epoch
    head = filled.ledger.head("ada")
    filled.submit()
    [event] = filled.ledger.read("ada", head).events
    assert event.seq == head.seq + 1


def test_workers_of_before_are_not_there(filled: Filled, file: Path) -> None:
    """Those that live join again at their next beat."""
    client = redis.Redis.from_url(filled.url)
    client.zadd("tk:workers", {"w1": 1})
    save(file, RedisCopier(filled.url), None)
    restore(file, RedisCopier(filled.url), None, overwrite=True)
    assert filled.ledger.beat("w1") is None
    assert filled.ledger.workers("ada") == []


def test_a_copy_is_of_one_moment(filled: Filled, file: Path, start_redis: StartRedis) -> None:
    """While jobs come and end: each record is what its log adds up to, and nobody is refused."""
    is_over, wrong = Event(), []

    def work() -> None:
        while not is_over.is_set():
            try:
                filled.finish(filled.begin(filled.submit()))
            except Exception as error:  # noqa: BLE001  # it is told below
                wrong.append(error)

    workers = [Thread(target=work) for _ in range(4)]
    for one in workers:
        one.start()
    seen = []
    try:
        for number in range(5):
            copier = RedisCopier(filled.url)
            entries = list(copier.copy())
            seen.append((entries, copier.facts(), start_redis('save ""')))
            assert number >= 0
    finally:
        is_over.set()
        for one in workers:
            one.join()
    assert wrong == []
    for entries, facts, url in seen:
        client = redis.Redis.from_url(url)
        for entry in entries:
            client.restore(b"tk:" + entry.name, entry.left_ms, entry.value)
        ledger = RedisLedger(url)
        page = ledger.read("ada", Cursor(), limit=100_000)
        assert [event.seq for event in page.events] == list(range(1, page.head + 1))
        last = {event.job: event.seq for event in page.events}
        records = ledger.jobs("ada", limit=100_000)
        assert {record.id: record.seq for record in records} == last
        for record in records:
            if record.state is JobState.SUCCEEDED:
                assert ledger.result(JobRef("ada", record.id)) is not None
        assert facts.paused_s < 5


def test_writers_go_on_when_a_copy_fails(filled: Filled) -> None:
    """At once, not when the pause would be over by itself."""
    with pytest.raises(Unavailable, match="could not be copied in the 0 s"):
        list(RedisCopier(filled.url, pause_s=0).copy())
    filled.submit()
    copier = RedisCopier(filled.url)
    for _ in copier.copy():
        pass
    filled.submit()
    assert copier.facts().paused_s < 5


def test_two_copies_are_not_made_at_once(filled: Filled) -> None:
    """The end of one would let writers into the other."""
    redis.Redis.from_url(filled.url).set("tk:copying", 1, px=60_000)
    with pytest.raises(Unavailable, match="another backup is being made"):
        list(RedisCopier(filled.url).copy())
    filled.submit()


def test_a_redis_that_forbids_the_pause_is_told(start_redis: StartRedis) -> None:
    """With what to allow."""
    url = start_redis('save ""', "user default on nopass ~* &* +@all -client|pause")
    with pytest.raises(Unavailable, match="allow its user the commands CLIENT PAUSE"):
        list(RedisCopier(url).copy())
    assert redis.Redis.from_url(url).get("tk:copying") is None


def test_jobs_are_not_overwritten_unless_that_is_said(filled: Filled, file: Path) -> None:
    """Also one that was submitted while the copy was read."""
    save(file, RedisCopier(filled.url), None)
    before = raw(filled.url)
    with pytest.raises(RequestError, match=r"holds jobs, of 2 users.*--overwrite"):
        restore(file, RedisCopier(filled.url), None)
    assert raw(filled.url) == before


def test_a_job_that_comes_during_a_restore_is_not_overwritten(
    filled: Filled, file: Path, start_redis: StartRedis
) -> None:
    """The last look and the change are one step."""
    save(file, RedisCopier(filled.url), None)
    copier = RedisCopier(filled.url)
    entries = list(copier.copy())
    other = Filled(start_redis('save ""'), filled.ledger)
    other.ledger = RedisLedger(other.url)
    came = []

    def slowly() -> object:
        for entry in entries:
            if not came:
                came.append(other.submit())
            yield entry

    with pytest.raises(RequestError, match="of 1 user,"):
        RedisCopier(other.url).restore(slowly(), copier.facts(), overwrite=False)  # type: ignore[arg-type]
    assert other.ledger.job(came[0]) is not None
    assert not [key for key in raw(other.url) if b"restore" in key]


def test_a_restore_that_dies_changes_nothing_and_the_next_one_cleans_up(filled: Filled) -> None:
    """Half of a copy is under names of its own until all of it is there."""
    copier = RedisCopier(filled.url)
    entries = list(copier.copy())
    before = raw(filled.url)

    def damaged() -> object:
        yield from entries
        yield Entry(b"u:ada:more", b"no dump", 0)

    with pytest.raises(RequestError, match="Redis cannot read the copy"):
        RedisCopier(filled.url).restore(damaged(), copier.facts(), overwrite=True)  # type: ignore[arg-type]
    assert raw(filled.url) == before
    client = redis.Redis.from_url(filled.url)
    client.set("taskkit-restore:killed:u:ada:jobs", 1)
    RedisCopier(filled.url).restore(iter(entries), copier.facts(), overwrite=True)
    assert client.exists("taskkit-restore:killed:u:ada:jobs") == 0


def test_large_values_go_along_where_that_is_said(
    filled: Filled, file: Path, tmp_path: Path
) -> None:
    """Those that jobs need; one that is nowhere is told."""
    content, lost = b"large" * 1000, digest_of(b"lost")
    kept = digest_of(content)
    place = str(tmp_path / "blobs")
    open_store(owner_place(place, "ada")).write(kept, content)
    client = redis.Redis.from_url(filled.url)
    client.zadd("tk:u:ada:blobs", {kept: 4e15, lost: 4e15})
    saved = save(file, RedisCopier(filled.url), lambda user: open_store(owner_place(place, user)))
    assert (saved.blobs, saved.included, saved.missing) == (2, 1, 1)
    other = str(tmp_path / "others")
    outcome = restore(
        file,
        RedisCopier(filled.url),
        lambda user: open_store(owner_place(other, user)),
        overwrite=True,
    )
    assert outcome.missing == 1
    assert bytes(open_store(owner_place(other, "ada")).read(kept, is_checked=True)) == content
    listed = save(file, RedisCopier(filled.url), None)
    assert (listed.blobs, listed.included) == (2, 0)


def test_large_values_are_needed_for_as_long_after_a_restore(filled: Filled) -> None:
    """No time passes for a copy, or its values would be collected before their jobs."""
    client = redis.Redis.from_url(filled.url)
    seconds, _ = client.time()
    client.zadd("tk:u:ada:blobs", {"d": seconds * 1000 + 60_000})
    copier = RedisCopier(filled.url)
    entries = list(copier.copy())
    from dataclasses import replace

    days_ago = replace(copier.facts(), at=copier.facts().at - 5 * 86_400_000)
    RedisCopier(filled.url).restore(iter(entries), days_ago, overwrite=True)
    until = client.zscore("tk:u:ada:blobs", "d")
    assert until is not None
    assert 4.9 * 86_400 < until / 1000 - seconds < 5.1 * 86_400


def test_a_copy_for_newer_code_is_refused(filled: Filled, file: Path) -> None:
    """Before anything is changed."""
    client = redis.Redis.from_url(filled.url)
    client.hset("tk:schema", mapping={"form": 9, "needed": 9})
    save(file, RedisCopier(filled.url), None)
    before = raw(filled.url)
    with pytest.raises(RequestError, match="newer taskkit"):
        restore(file, RedisCopier(filled.url), None, overwrite=True)
    assert raw(filled.url) == before

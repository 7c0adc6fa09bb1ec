"""The accounts of `taskkit account`: each does its work with what it has, and nothing else."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from pathlib import Path

import numpy as np
import psutil
import pytest
import redis
from accounts import again, kept, stack_on
from waiting import wait_until

import taskkit
from taskkit.accounts.roles import FORM
from taskkit.backup.saving import save
from taskkit.client.http import Http
from taskkit.connection import Connection
from taskkit.ledger import agree, open_copier
from taskkit.ledger.redis_accounts import require_rights
from taskkit.protocol.errors import Misconfigured

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

VERSIONS = [(7, 2), (7, 0)]


def slow(steps: int) -> int:
    """Report progress, print, and take a while."""
    import time

    import taskkit

    for n in taskkit.track(range(steps)):
        print(n)
        time.sleep(0.02)
    return steps


def endless() -> None:
    """Run until it is ended."""
    import time

    while True:
        time.sleep(0.05)


def failing() -> None:
    """Fail."""
    raise ValueError("as it should")


def work(client: taskkit.Client, stack: taskkit.LocalStack) -> None:
    """Do all that jobs can do."""
    assert client.submit("demo", name="Ada").result(60)
    assert list(client.map(abs, range(-50, 0))) == list(range(50, 0, -1))
    told = client.submit(slow, 20)
    assert told.result(60) == 20
    assert "19" in told.output
    array = np.arange(200_000, dtype=np.float64)
    doubled = client.submit(lambda value: value * 2, array)
    assert doubled.result(60)[-1] == 2 * array[-1]
    after = client.submit(lambda value: float(value.sum()), doubled)
    assert after.result(60) == float(array.sum() * 2)
    assert isinstance(client.submit(failing).exception(60), ValueError)
    tried = client.options(retries=1).submit(failing)
    assert isinstance(tried.exception(60), ValueError)
    assert tried.record.attempt == 2
    needing = client.submit(abs, client.submit(failing))
    assert isinstance(needing.exception(60), taskkit.DependencyFailed)
    timed = client.options(timeout_s=0.5).submit(endless)
    assert isinstance(timed.exception(60), taskkit.JobTimedOut)
    cancelled = client.submit(endless)
    wait_until(lambda: cancelled.running())
    assert cancelled.cancel() or cancelled.cancelled()
    queued = client.options(queue="elsewhere", priority=3, session="mine").submit(abs, 1)
    assert queued.cancel()
    assert len(client.workers()) == 1
    for n in range(5):  # one after another: each is handed to a process that waits
        assert client.submit(abs, -n).result(60) == n
    session = client.options(session="mine").map(abs, [-1, -2])
    assert list(session) == [1, 2]


def look(stack: taskkit.LocalStack, client: taskkit.Client) -> None:
    """Ask the server for all that it tells, and have it make and revoke a token and a link."""
    failed = next(job for job in client.jobs() if job.record.state == "failed")
    http = Http(Connection(stack.url, stack.token))
    for path in (
        *("/queues", "/tasks", "/workers", "/counts", "/tokens", "/shares", "/events"),
        *("/jobs?state=failed&limit=3", "/jobs?session=mine&limit=2", f"/jobs/{failed.id}"),
        f"/jobs?before={failed.id}",
    ):
        http.get(path)
    http.post(f"/jobs/{failed.id}/retry")
    made = http.post("/tokens", {"user": "ana", "scopes": ["read"]})
    Http(Connection(stack.url, made["token"])).get("/jobs")
    http.delete(f"/tokens/{made['id']}")
    link = http.post("/shares", {"jobs": [failed.id]})
    assert Http(Connection(stack.url, link["token"])).get("/shared")["jobs"]
    http.delete(f"/shares/{link['id']}")


def lose_and_repair(client: taskkit.Client, stack: taskkit.LocalStack) -> None:
    """Kill a pool process, then the worker itself: sweeper and supervisor mend it."""
    job = client.submit(slow, 100)
    wait_until(lambda: job.running())
    pool = psutil.Process(stack.pids()["worker"]).children()
    for process in pool:
        process.kill()
    assert job.result(90) == 100
    again = client.submit(slow, 150)
    wait_until(lambda: again.running())
    os.kill(stack.pids()["worker"], signal.SIGTERM)
    assert again.result(90) == 150


@pytest.mark.parametrize("version", VERSIONS, ids=["valkey-9.1", "redis-7.0"])
def test_nothing_is_refused_to_server_worker_and_backup(
    version: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs of every kind, deaths, sweeps, metrics and a backup leave nothing in ACL LOG."""
    with kept(tmp_path, version, "gpu1") as there:
        with stack_on(there, monkeypatch) as stack, closing(stack.client()) as client:
            work(client, stack)
            lose_and_repair(client, stack)
            look(stack, client)
            metrics(stack)
            with there.client("admin") as admin:
                wait_until(lambda: bool(admin.exists("tk:figures")))
            url = there.folder.address("backup")
            save(tmp_path / "copy", open_copier(url), None)
            assert (tmp_path / "copy").stat().st_size > 0
        assert there.refusals() == []


def metrics(stack: taskkit.LocalStack) -> None:
    """Read what is counted."""
    import urllib3

    headers = {"Authorization": f"Bearer {stack.token}"}
    answer = urllib3.request("GET", f"{stack.url}/metrics", headers=headers)
    assert b"taskkit_ledger_up 1" in answer.data


WORKER_MAY_NOT = (
    *("GET tk:tokens", "HGETALL tk:tokens", "HGETALL tk:tokens:digests", "HGET tk:tokens:used x"),
    *("HSET tk:tokens a b", "DEL tk:tokens", "SET other 1", "GET other", "GET tk:health"),
    *("HGETALL tk:shares", "HGET tk:shares:digests x", "HSET tk:shares a b", "GETDEL tk:shares"),
    *("HGETALL tk:figures", "SMEMBERS tk:figures:owners", "SET taskkit.rights:1 x"),
    *(
        "FLUSHALL",
        "FLUSHDB",
        "CONFIG GET dir",
        "CONFIG SET dir /",
        "ACL LIST",
        "ACL SETUSER eve on",
    ),
    *("KEYS *", "SCAN 0", "SUBSCRIBE x", "PSUBSCRIBE *", "PUBLISH x y", "MONITOR", "SHUTDOWN"),
    *("CLIENT KILL TYPE normal", "CLIENT LIST", "CLIENT PAUSE 1", "REPLICAOF a 1"),
    *("SAVE", "BGSAVE", "DUMP tk:queued", "RESTORE tk:queued 0 x", "RENAME tk:queued tk:x"),
    *("SWAPDB 0 1", "SCRIPT FLUSH", "EVAL return 0", "MODULE LIST", "INFO", "DBSIZE", "COPY a b"),
    *("SET tk:limits 1", "SET tk:retention_ms 1", "LPUSH celery x", "LPUSH unacked x"),
)

SERVER_MAY_NOT = (
    *("GET other", "SET other 1", "FLUSHALL", "CONFIG SET dir /", "CONFIG REWRITE", "KEYS *"),
    *(
        "ACL LIST",
        "SUBSCRIBE x",
        "PUBLISH x y",
        "MONITOR",
        "SHUTDOWN",
        "SCRIPT FLUSH",
    ),
    *(
        "CLIENT KILL TYPE normal",
        "DUMP tk:queued",
        "RENAME tk:queued tk:x",
        "MODULE LIST",
        "SCAN 0",
    ),
)

BACKUP_MAY_NOT = (
    "SET tk:queued 1",
    "DEL tk:queued",
    "FLUSHALL",
    "CONFIG GET dir",
    "KEYS *",
)


@pytest.mark.parametrize(
    ("name", "forbidden"),
    [("gpu1", WORKER_MAY_NOT), ("server", SERVER_MAY_NOT), ("backup", BACKUP_MAY_NOT)],
)
def test_everything_else_is(tmp_path: Path, name: str, forbidden: tuple[str, ...]) -> None:
    """Each of these commands is refused, as itself and from a script."""
    with kept(tmp_path, (7, 2), "gpu1") as there, there.client(name) as client:
        may = [words for words in forbidden if not is_refused(client, words)]
        assert may == []


def test_a_script_may_no_more_than_who_runs_it(tmp_path: Path) -> None:
    """Workers run scripts by their hashes, of anybody's: the tokens stay out of reach."""
    with kept(tmp_path, (7, 2), "gpu1") as there, there.client("gpu1") as worker:
        for body in ("return redis.call('HGETALL', 'tk:tokens')", "return redis.call('FLUSHALL')"):
            digest = worker.script_load(body)
            with pytest.raises(redis.ResponseError, match=r"(?i)no permissions"):
                worker.evalsha(digest, 0)


def test_an_account_of_an_older_release_is_told_before_anything_is_begun(tmp_path: Path) -> None:
    """Not by a script that is stopped half-way; other users are not looked at."""
    with kept(tmp_path, (7, 2), "gpu1") as there:
        for name in ("gpu1", "server"):
            agree(there.folder.address(name))
            with pytest.raises(Misconfigured, match=f"taskkit-{name} .*taskkit account update"):
                require_rights(there.folder.address(name), FORM + 1)
        with there.client("admin") as admin:
            admin.execute_command("ACL", "SETUSER", "other", "on", ">horse", "~tk:*", "+@all")
        host = there.folder.address("server").rpartition("@")[2]
        require_rights(f"redis://other:horse@{host}", FORM + 1)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_was_kept_is_there_when_redis_starts_again(
    tmp_path: Path, version: tuple[int, ...]
) -> None:
    """Also what scripts wrote: Redis 7.0 reads its file as `default`, with the rights of that."""
    with kept(tmp_path, version) as there, there.client("admin") as admin:
        port = int(admin.config_get("port")["port"])
        admin.eval("redis.call('SET', 'a', 1) redis.call('HSET', 'b', 'c', 1)", 0)
        admin.set("d", 1)
    with again(tmp_path, there, port, version), there.client("admin") as admin:
        assert {*admin.keys()} == {b"a", b"b", b"d"}


def test_who_says_no_name_may_do_nothing(tmp_path: Path) -> None:
    """The user `default` is off."""
    with kept(tmp_path) as there:
        url = there.folder.address("server").replace("taskkit-server:", ":")
        with redis.Redis.from_url(url) as nobody, pytest.raises(redis.AuthenticationError):
            nobody.ping()
        host = url.rpartition("@")[2]
        with redis.Redis.from_url(f"redis://{host}") as nobody, pytest.raises(redis.RedisError):
            nobody.ping()


def is_refused(client: redis.Redis, words: str) -> bool:
    """Return whether Redis says that this user may not."""
    try:
        client.execute_command(*words.split())
    except redis.exceptions.NoPermissionError:
        return True
    except redis.ResponseError:
        return False
    return False


def test_accounts_come_turn_and_go_while_jobs_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new worker joins at once; one whose password turned works on; one revoked is shut out, and
    its jobs go to others."""
    from taskkit.ledger import reload_users

    with (
        kept(tmp_path, (7, 2), "gpu1") as there,
        stack_on(there, monkeypatch) as stack,
        closing(stack.client()) as client,
    ):
        admin = there.folder.address("admin")
        running = client.submit(slow, 150)
        wait_until(lambda: running.running())
        last = there.folder.address("gpu1")
        there.folder.rotate("gpu1")
        reload_users(admin)
        assert running.result(60) == 150, "the last password is taken still"
        assert redis.Redis.from_url(last).ping()
        assert redis.Redis.from_url(there.folder.address("gpu1")).ping()
        there.folder.rotate("gpu1", keeps_last=False)
        reload_users(admin)
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(last).ping()
        there.folder.create("gpu2")
        reload_users(admin)
        assert redis.Redis.from_url(there.folder.address("gpu2")).ping()
        address = there.folder.address("gpu2")
        there.folder.revoke("gpu2")
        reload_users(admin)
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(address).ping()

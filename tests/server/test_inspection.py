"""A server looks at the Redis that it was given before it accepts a job."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from waiting import wait_until

from taskkit.ledger import RETENTION_S, JobRef, open_ledger, redis_schema
from taskkit.protocol.events import JobFailed
from taskkit.protocol.jobs import ErrorInfo
from taskkit.protocol.spec import JobSpec
from taskkit.stack.identity import free_port
from taskkit_server import __main__ as command
from taskkit_server.upkeep.inspection import Inspection, LateInspection

StartRedis = Callable[..., str]

EVICTING = ("maxmemory 50mb", "maxmemory-policy allkeys-lru")
DURABLE = ("appendonly yes", "appendfsync always", 'save ""')


def inspection(url: str, **said: Any) -> Inspection:
    """Return what is done once with that Redis."""
    return Inspection(**{"redis_url": url, "retention_s": RETENTION_S, **said})


def test_what_can_be_lost_is_logged_once(
    start_redis: StartRedis, caplog: pytest.LogCaptureFixture
) -> None:
    """One line a warning, and the server may serve."""
    assert inspection(start_redis("appendonly yes", "appendfsync everysec")).inspect()
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "two seconds" in record.getMessage()


def test_a_redis_that_keeps_everything_is_not_talked_about(
    start_redis: StartRedis, caplog: pytest.LogCaptureFixture
) -> None:
    """The log stays empty."""
    assert inspection(start_redis(*DURABLE)).inspect()
    assert caplog.records == []


def test_a_redis_that_drops_jobs_is_not_served(
    start_redis: StartRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command ends with one sentence, before it listens."""
    monkeypatch.setenv("TASKKIT_REDIS_URL", start_redis(*EVICTING))
    with pytest.raises(SystemExit) as caught:
        command.main(["--open", "--port", str(free_port())])
    message = str(caught.value)
    assert message.startswith("taskkit server: Redis at 127.0.0.1:")
    assert message.endswith("set maxmemory-policy to noeviction.")
    assert "\n" not in message


def test_a_redis_that_is_away_does_not_keep_the_server_from_serving() -> None:
    """It answers 503 until Redis is there."""
    assert not inspection("redis://127.0.0.1:1/0").inspect()


def test_a_redis_that_came_later_is_looked_at_then(
    start_redis: StartRedis, caplog: pytest.LogCaptureFixture
) -> None:
    """And the server stops where it drops jobs, saying why."""
    port, is_stopped = free_port(), threading.Event()
    url = f"redis://127.0.0.1:{port}/0"
    LateInspection(inspection(url), is_stopped.set, look_every_s=0.02).start()
    assert not is_stopped.wait(0.1)
    start_redis(*EVICTING, port=port)
    assert is_stopped.wait(5)
    [record] = [one for one in caplog.records if one.levelno == logging.CRITICAL]
    assert "maxmemory-policy" in record.getMessage()


def test_how_long_jobs_are_kept_holds_for_all(start_redis: StartRedis) -> None:
    """A worker that was told nothing lets a job go when the server's time for it is over."""
    url = start_redis(*DURABLE)
    assert inspection(url, retention_s=0.2, is_trusted=True).inspect()
    ledger = open_ledger(url)
    [made] = ledger.submit("ada", [("key", JobSpec(task="demo"))])
    ref = JobRef("ada", made.record.id)
    claim = ledger.claim(ref, worker="w", pid=7)
    assert claim is not None
    ledger.finish(claim.lease, JobFailed(error=ErrorInfo(type="E", message="")), None)
    assert ledger.job(ref) is not None
    wait_until(lambda: ledger.job(ref) is None)


def test_a_ledger_of_a_newer_release_is_not_served(
    start_redis: StartRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command ends with one sentence, and has changed nothing."""
    url = start_redis(*DURABLE)
    redis_schema.agree(url, form=9, needed=8)
    monkeypatch.setenv("TASKKIT_REDIS_URL", url)
    with pytest.raises(SystemExit) as caught:
        command.main(["--open", "--port", str(free_port())])
    assert str(caught.value).startswith(
        "taskkit server: the ledger in Redis was written by a newer taskkit (form 9"
    )
    is_stopped = threading.Event()
    late = inspection(url, is_trusted=True)
    LateInspection(late, is_stopped.set).start()
    assert is_stopped.wait(5)

"""A server looks at the Redis that it was given before it accepts a job."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest

from taskkit.stack.identity import free_port
from taskkit_server import __main__ as command
from taskkit_server.inspection import LateInspection, inspect

StartRedis = Callable[..., str]

EVICTING = ("maxmemory 50mb", "maxmemory-policy allkeys-lru")
DURABLE = ("appendonly yes", "appendfsync always", 'save ""')


def test_what_can_be_lost_is_logged_once(
    start_redis: StartRedis, caplog: pytest.LogCaptureFixture
) -> None:
    """One line a warning, and the server may serve."""
    assert inspect(start_redis("appendonly yes", "appendfsync everysec"))
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert "two seconds" in record.getMessage()


def test_a_redis_that_keeps_everything_is_not_talked_about(
    start_redis: StartRedis, caplog: pytest.LogCaptureFixture
) -> None:
    """The log stays empty."""
    assert inspect(start_redis(*DURABLE))
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
    assert not inspect("redis://127.0.0.1:1/0")


def test_a_redis_that_came_later_is_looked_at_then(
    start_redis: StartRedis, caplog: pytest.LogCaptureFixture
) -> None:
    """And the server stops where it drops jobs, saying why."""
    port, is_stopped = free_port(), threading.Event()
    url = f"redis://127.0.0.1:{port}/0"
    LateInspection(url, is_stopped.set, look_every_s=0.02).start()
    assert not is_stopped.wait(0.1)
    start_redis(*EVICTING, port=port)
    assert is_stopped.wait(5)
    [record] = [one for one in caplog.records if one.levelno == logging.CRITICAL]
    assert "maxmemory-policy" in record.getMessage()

"""A worker's pulse: renewed while its keeper goes round, whatever Redis does, and no longer."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from running import running
from waiting import wait_until

from taskkit.stack.identity import free_port
from taskkit_worker.pulse import Pulse

PROBE = "find {path} -mmin -1 | grep -q ."


def age_s(path: Path) -> float:
    """Return how long ago the file was renewed."""
    return time.time() - path.stat().st_mtime


def test_it_is_renewed_now_and_then(tmp_path: Path) -> None:
    """Not at each look; and it goes when the worker does."""
    path = tmp_path / "pulse"
    pulse = Pulse(path, every_s=60)
    pulse.beat()
    os.utime(path, (1, 1))
    pulse.beat()
    assert path.stat().st_mtime == 1
    hasty = Pulse(path, every_s=0)
    hasty.beat()
    assert age_s(path) < 60
    hasty.stop()
    hasty.stop()
    assert not path.exists()


def test_one_that_cannot_be_written_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The worker goes on: jobs need no file."""
    pulse = Pulse(tmp_path / "nowhere" / "pulse", every_s=0)
    pulse.beat()
    pulse.beat()
    assert [record.message for record in caplog.records] == [
        f"the worker's pulse cannot be written: [Errno 2] No such file or directory: "
        f"'{tmp_path}/nowhere/pulse'"
    ]
    Pulse(None, every_s=0).beat()


def probe(path: Path) -> bool:
    """Look as a probe does."""
    return subprocess.run(["sh", "-c", PROBE.format(path=path)], check=False).returncode == 0


@pytest.mark.stack
def test_a_worker_has_one_while_redis_is_away_and_none_while_it_stands(
    tmp_path: Path, start_redis: Callable[..., str]
) -> None:
    """To start it again helps where it stands, and costs jobs where it waits."""
    port = free_port()
    url = start_redis("appendonly yes", port=port)
    path = tmp_path / "pulse"
    log = tmp_path / "worker.log"
    told = {"TASKKIT_REDIS_URL": url, "TASKKIT_WORKER_BEAT_S": "0.2"}
    told |= {"TASKKIT_WORKER_PULSE": str(path), "TASKKIT_WORKER_CONCURRENCY": "1"}
    with running("taskkit_worker", log, **told) as worker:
        wait_until(path.exists)
        assert probe(path)
        redis.Redis.from_url(url).shutdown(nosave=True)
        wait_until(lambda: "trying again" in worker.text())
        os.utime(path, (1, 1))
        wait_until(lambda: probe(path))
        worker.process.send_signal(signal.SIGSTOP)
        os.utime(path, (1, 1))
        start_redis("appendonly yes", port=port)
        assert not probe(path)
        worker.process.send_signal(signal.SIGCONT)
        wait_until(lambda: probe(path))
    assert not path.exists()

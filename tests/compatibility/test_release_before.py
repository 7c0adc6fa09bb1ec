"""The release before this one beside this one: either's client, server, worker and ledger."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis
from compatibility.conftest import Before
from waiting import wait_until

import taskkit
from taskkit.client import Client
from taskkit.stack.parts import list_workers, plan_parts

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

USE = """
import json, os, taskkit
client = taskkit.Client()

def square(n):
    taskkit.progress(1, total=2)
    print("squaring", n)
    return n * n

def broken(n):
    raise ZeroDivisionError(n)

said = {}
job = client.submit(square, 7)
said["one"], said["output"] = job.result(90), job.record.output.strip()
said["many"] = list(client.map(square, range(5)))
said["named"] = client.submit("primes", 1000).result(90)
said["sent"] = client.submit(len, os.urandom(3_000_000)).result(90)
said["back"] = len(client.submit(bytes, 3_000_000).result(90))
said["error"] = type(client.submit(broken, 1).exception(90)).__name__
said["again"] = taskkit.Client().reattach()[0]
print(json.dumps(said))
client.close()
"""
SAID = {
    "one": 49,
    "output": "squaring 7",
    "many": [0, 1, 4, 9, 16],
    "named": 168,
    "sent": 3_000_000,
    "back": 3_000_000,
    "error": "ZeroDivisionError",
    "again": 49,
}
SESSION = {"TASKKIT_SESSION": "/home/ada/old.ipynb"}


def use_now(**variables: str) -> Any:
    """Do the same with the client of this release, in a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-c", USE],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=150,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


def test_a_client_of_the_release_before_works_with_this_server(
    before: Before, stack: taskkit.LocalStack
) -> None:
    """Who does not update a notebook's environment at once goes on."""
    told = {"TASKKIT_URL": stack.url, "TASKKIT_TOKEN": stack.token}
    assert before.run(USE, **told, **SESSION) == SAID


def test_a_client_of_this_release_works_with_the_server_before(
    before: Before, tmp_path: Path
) -> None:
    """Nor does a server have to be updated first."""
    with before.stack(tmp_path / "data") as told:
        assert use_now(**told, **SESSION) == SAID


def test_a_worker_of_the_release_before_works_with_this_server(
    before: Before, tmp_path: Path
) -> None:
    """The workers of a lab are not all updated within a minute. A stack that is older than keys to
    sign with goes on without.
    """
    data = tmp_path / "data"
    with before.stack(data, has_worker=False):
        pass
    without_worker = taskkit.LocalStack(
        workers=1,
        data_dir=data,
        plan=lambda settings, folders, identity: plan_parts(settings, folders, identity)[:-1],
    )
    with without_worker as stack:
        command = ("-m", "taskkit_worker", "--concurrency", "2")
        told = {"TASKKIT_REDIS_URL": stack.redis_url, "TASKKIT_BLOBS": str(data / "blobs")}
        with before.begun(*command, **told):
            wait_until(lambda: len(list_workers(stack.url, stack.token)) == 1)
            client = {"TASKKIT_URL": stack.url, "TASKKIT_TOKEN": stack.token}
            assert use_now(**client, **SESSION) == SAID
            assert before.run(USE, **client, TASKKIT_SESSION="/home/ada/other.ipynb") == SAID


def test_a_worker_of_this_release_works_with_the_server_before(
    before: Before, tmp_path: Path
) -> None:
    """Whichever is updated first."""
    data = tmp_path / "data"
    with before.stack(data, has_worker=False) as told:
        shared = {
            "TASKKIT_REDIS_URL": told["redis_url"],
            "TASKKIT_BLOBS": str(data / "blobs"),
        }
        client = {name: told[name] for name in ("TASKKIT_URL", "TASKKIT_TOKEN")}
        command = [sys.executable, "-m", "taskkit_worker", "--concurrency", "2"]
        with subprocess.Popen(command, env={**os.environ, **shared}) as worker:
            try:
                assert before.run(USE, **client, **SESSION) == SAID
            finally:
                worker.terminate()


def test_a_ledger_of_the_release_before_goes_on(before: Before, tmp_path: Path) -> None:
    """Results are there, and what was queued when the stack was stopped runs; the stamp is new."""
    data = tmp_path / "data"
    gate = tmp_path / "gate"
    hold = (
        "import json, taskkit\nclient = taskkit.Client()\n"
        "def held(n, gate):\n"
        "    import pathlib, time\n"
        "    while n and not pathlib.Path(gate).exists():\n        time.sleep(0.02)\n"
        "    return n * n\n"
        f"jobs = [client.submit(held, n, {str(gate)!r}) for n in range(6)]\n"
        "assert jobs[0].result(90) == 0\n"
        "print(json.dumps([job.id for job in jobs]))\n"
    )
    with before.stack(data) as told:
        ids = before.run(hold, **told, **SESSION)
    with taskkit.LocalStack(workers=1, data_dir=data) as stack:
        gate.touch()
        client = Client(stack.url, stack.token, session=SESSION["TASKKIT_SESSION"])
        batch = client.reattach()
        assert [job.id for job in batch.jobs] == ids
        assert list(batch) == [n * n for n in range(6)]
        client.close()
        stamp = redis.Redis.from_url(stack.redis_url).hgetall("tk:schema")
        assert int(stamp[b"form"]) >= 1

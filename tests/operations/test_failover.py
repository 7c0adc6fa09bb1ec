"""A primary that dies, and one of its replicas that takes its place: what goes on, what is lost.

Replication is asynchronous. On one machine a replica is behind by less than a millisecond, so these
tests cut it off before the primary dies, to see what is lost then for certain.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from running import TOKEN, Running, running_server, running_worker
from sentinels import Watched, running_sentinels
from waiting import wait_until

import taskkit
from taskkit.protocol.errors import JobNotFound
from taskkit.protocol.jobs import JobState

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

LIMIT_S = 60


@dataclass
class Place:
    """A server and a worker on a primary with one replica and three sentinels."""

    watched: Watched
    server: Running
    worker: Running
    client: taskkit.Client

    def cut_off(self) -> None:
        """Have the replica hear nothing more of the primary."""
        primary = self.watched.primary().client
        primary.acl_setuser("replica", enabled=False)
        primary.client_kill_filter(_type="replica")
        wait_until(lambda: primary.info()["connected_slaves"] == 0)


@contextmanager
def placed(folder: Path, *lines: str, replicas: int = 0) -> Iterator[Place]:
    """Run all of it."""
    of_replica = (
        "user replica on >spiegel +psync +replconf +ping",
        "masteruser replica",
        "masterauth spiegel",
    )
    with ExitStack() as stack:
        watched = stack.enter_context(running_sentinels(folder / "redis", *of_replica, *lines))
        url = watched.url(replicas)
        told = {"TASKKIT_SERVER_SWEEP_S": "1"}
        server = stack.enter_context(running_server(url, folder / "server.log", **told))
        often = {"TASKKIT_WORKER_BEAT_S": "1"}
        worker = stack.enter_context(
            running_worker(url, folder / "worker.log", "--concurrency", "1", **often)
        )
        client = taskkit.Client(server.url, TOKEN)
        stack.callback(client.close)
        yield Place(watched, server, worker, client)


def gated(marks: str, gate: str) -> str:
    """Leave a mark, and go on until the gate opens."""
    import pathlib
    import time

    with pathlib.Path(marks).open("a") as file:
        file.write("x")
    while not pathlib.Path(gate).exists():
        time.sleep(0.02)
    return pathlib.Path(marks).read_text()


def test_what_runs_and_what_waits_goes_on_after_a_failover(tmp_path: Path) -> None:
    """With the same processes; what was submitted meanwhile too. The old primary may come back."""
    marks, gate = tmp_path / "marks", tmp_path / "gate"
    with placed(tmp_path) as place:
        client = place.client
        before = client.submit(pow, 2, 4)
        assert before.result(LIMIT_S) == 16
        running = client.submit(gated, str(marks), str(gate))
        wait_until(marks.exists)
        waiting = [client.submit(pow, 2, n) for n in range(20)]
        for job in waiting:
            job.wait_decided(LIMIT_S)
        primary = place.watched.primary()
        wait_until(lambda: is_caught_up(place))
        old = place.watched.fail_over()
        assert old is primary
        meanwhile = client.submit(pow, 3, 4)
        gate.touch()
        assert running.result(LIMIT_S) == "x"
        assert running.record.attempt == 1
        assert [job.result(LIMIT_S) for job in waiting] == [2**n for n in range(20)]
        assert meanwhile.result(LIMIT_S) == 81
        old.start()
        wait_until(lambda: old.info().get("role") == "slave")
        assert client.submit(pow, 3, 5).result(LIMIT_S) == 243
        # And once more, back to the first one.
        wait_until(lambda: place.watched.primary().info().get("connected_slaves") == 1)
        wait_until(lambda: is_caught_up(place))
        place.watched.fail_over()
        assert client.submit(pow, 3, 6).result(LIMIT_S) == 729
        assert place.worker.process.poll() is None
        assert place.server.process.poll() is None


def is_caught_up(place: Place) -> bool:
    """Return whether the replica has all that the primary has."""
    primary, [replica] = place.watched.primary(), place.watched.replicas()
    offset = primary.info().get("master_repl_offset")
    return offset is not None and offset == replica.info().get("master_repl_offset")


def test_without_replicas_to_wait_for_what_they_had_not_is_lost_and_said_to_be(
    tmp_path: Path,
) -> None:
    """Who waits for such a job is told, and the same key makes it anew."""
    with placed(tmp_path) as place:
        keyed = place.client.options(key="a-key")
        assert place.client.submit(pow, 2, 3).result(LIMIT_S) == 8
        wait_until(lambda: is_caught_up(place))
        place.worker.process.terminate()
        place.worker.process.wait(LIMIT_S)
        place.cut_off()
        lost = keyed.submit(pow, 2, 5)
        lost.wait_decided(LIMIT_S)
        assert lost.record.state is JobState.QUEUED
        place.watched.fail_over()
        with pytest.raises(JobNotFound):
            lost.result(LIMIT_S)
        again = keyed.submit(pow, 2, 5)
        again.wait_decided(LIMIT_S)
        assert again.id != lost.id


def test_what_replicas_are_waited_for_is_not_lost(tmp_path: Path) -> None:
    """While none is there nothing is promised: a client goes on asking, until one has it."""
    with placed(tmp_path, replicas=1) as place:
        client = place.client
        assert client.submit(pow, 2, 3).result(LIMIT_S) == 8
        place.cut_off()
        jobs = [client.submit(pow, 2, n) for n in range(5)]
        refused = place.server.ask(
            "POST",
            "/jobs",
            b'{"task": "demo"}',
            Content_Type="application/json",
            Idempotency_Key=secrets.token_hex(8),
        )
        assert refused.status == 503
        assert "0 of 1 replicas" in refused.data.decode()
        place.watched.fail_over()
        # The one that is left has no replica; the old one becomes it.
        place.watched.nodes[0].start()
        assert [job.result(LIMIT_S) for job in jobs] == [2**n for n in range(5)]


def test_a_job_whose_end_was_lost_is_run_again(tmp_path: Path) -> None:
    """Else it would be shown to run for ever: its worker renews the lease."""
    marks, gate = tmp_path / "marks", tmp_path / "gate"
    with placed(tmp_path) as place:
        job = place.client.submit(gated, str(marks), str(gate))
        wait_until(marks.exists)
        wait_until(lambda: is_caught_up(place))
        place.cut_off()
        gate.touch()
        assert job.result(LIMIT_S) == "x"
        place.watched.fail_over()

        def is_done_again() -> bool:
            told = place.server.get(f"/jobs/{job.id}")
            return told.status == 200 and json.loads(told.data)["state"] == "succeeded"

        wait_until(lambda: marks.read_text() == "xx")
        wait_until(is_done_again)

"""Workers that a real RabbitMQ wakes: nothing depends on it but how soon a job begins.

The sweeper sleeps in all of these but one, so that whatever heals is not it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
from amqp.exceptions import PreconditionFailed
from rabbitmq_process import RabbitMQServer, running_rabbitmq
from redis_process import running_redis
from running import TOKEN, Running, running_server, running_worker
from waiting import wait_until

import taskkit
from taskkit.ledger import Outgoing
from taskkit.protocol.broker import BROKER_QUEUE, broker_queue, own, wake_up
from taskkit.protocol.jobs import JobState
from taskkit_server.upkeep.rabbitmq import RabbitMQ
from taskkit_server.upkeep.relay import MOST_READY

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

LIMIT_S = 60
NEVER = "86400"


@pytest.fixture(scope="module")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQServer]:
    """One for all of these."""
    # How long a message may be unacknowledged: half an hour unless it is told.
    timeout = "consumer_timeout = 20000"
    with running_rabbitmq(tmp_path_factory.mktemp("rabbitmq"), timeout) as server:
        yield server


@dataclass
class Place:
    """A ledger of its own, and servers and workers for it, which a test starts and kills."""

    folder: Path
    redis_url: str
    rabbitmq: RabbitMQServer
    sweep_s: str = NEVER
    stack: ExitStack = field(default_factory=ExitStack)

    def server(self) -> Running:
        """Start a server."""
        log = self.folder / f"server-{secrets.token_hex(2)}.log"
        told = {"TASKKIT_BROKER_URL": self.rabbitmq.url, "TASKKIT_SERVER_SWEEP_S": self.sweep_s}
        return self.stack.enter_context(running_server(self.redis_url, log, **told))

    def worker(self, *words: str) -> Running:
        """Start a worker of one process."""
        log = self.folder / f"worker-{secrets.token_hex(2)}.log"
        told = {"TASKKIT_BROKER_URL": self.rabbitmq.url}
        words = ("--concurrency", "1", *words)
        return self.stack.enter_context(running_worker(self.redis_url, log, *words, **told))

    def client(self, server: Running) -> taskkit.Client:
        """Return a client of that server."""
        client = taskkit.Client(server.url, TOKEN)
        self.stack.callback(client.close)
        return client

    def redis(self) -> Any:
        """Return a client of the Redis."""
        client: Any = redis.Redis.from_url(self.redis_url, decode_responses=True)
        self.stack.callback(client.close)
        return client


@pytest.fixture
def place(tmp_path: Path, rabbitmq: RabbitMQServer) -> Iterator[Place]:
    """A new ledger; what was left over in RabbitMQ is gone."""
    rabbitmq.waiting()
    rabbitmq.purge()
    with (
        running_redis(tmp_path, "appendonly yes", "appendfsync always") as url,
        ExitStack() as all_,
    ):
        yield Place(tmp_path, url, rabbitmq, stack=all_)


def trouble(server: Running) -> str:
    """Return what the server says of RabbitMQ."""
    answer = server.get("/health/ready")
    assert answer.status == 200
    found: str = json.loads(answer.data).get("broker", "")
    return found


def kill(server: Running) -> None:
    """End a server with all its processes, at once."""
    main = psutil.Process(server.process.pid)
    for process in [main, *main.children(recursive=True)]:
        process.kill()
    server.process.wait(10)


def marked(marks: str) -> int:
    """Leave a mark, and return how many there are."""
    import pathlib

    with pathlib.Path(marks).open("a") as file:
        file.write("x")
    return len(pathlib.Path(marks).read_text())


def gated(marks: str, gate: str) -> str:
    """Leave a mark, and go on until the gate opens."""
    import pathlib
    import time

    with pathlib.Path(marks).open("a") as file:
        file.write("x")
    while not pathlib.Path(gate).exists():
        time.sleep(0.02)
    return pathlib.Path(marks).read_text()


def test_jobs_and_what_builds_on_them_are_woken_by_a_quorum_queue(place: Place) -> None:
    """Each finds the process idle and in Celery's hands again, so that only a message wakes it."""
    client = place.client(place.server())
    worker = place.worker()
    first = client.submit(pow, 2, 5)
    both = client.submit(pow, first, 2), client.submit(pow, first, 3)
    assert [job.result(LIMIT_S) for job in both] == [1024, 32768]
    waits = place.redis()
    for n in range(3):
        wait_until(lambda: not list(waits.scan_iter("tk:worker:*:waits:*")))
        assert client.submit(pow, 2, n).result(LIMIT_S) == 2**n
    with place.rabbitmq.channel() as channel, pytest.raises(PreconditionFailed, match="quorum"):
        channel.queue_declare(BROKER_QUEUE, durable=True, auto_delete=False)
    assert "Global QoS is disabled" in worker.text()
    wait_until(lambda: place.rabbitmq.waiting() == 0)


def test_jobs_with_needs_are_woken_by_a_queue_of_the_worker_s_own(place: Place) -> None:
    """Whoever does not fit hears of none; what waited for a worker is woken as it comes."""
    client = place.client(place.server())
    other = place.worker()
    tagged = client.options(tags=("gpu",))
    first = tagged.submit(pow, 2, 5)
    assert client.submit(pow, 2, 4).result(LIMIT_S) == 16
    assert first.state is JobState.QUEUED
    place.worker("--tags", "gpu")
    assert first.result(LIMIT_S) == 32
    waits = place.redis()
    for n in range(3):
        wait_until(lambda: not list(waits.scan_iter("tk:worker:*:waits:*")))
        assert tagged.submit(pow, 3, n).result(LIMIT_S) == 3**n
    [fitting] = [one for one in client.workers() if one.tags]
    assert first.record.worker == fitting.name
    assert other.process.poll() is None
    # Declared as all who use it declare it, and kept only as long as somebody does.
    assert place.rabbitmq.waiting(own(fitting.name)) == 0


def test_a_long_line_waits_in_redis_and_not_in_rabbitmq(place: Place) -> None:
    """Only so many wake-ups are in RabbitMQ that all who idle hear of it; none is left over."""
    client = place.client(place.server())
    jobs = [client.submit(pow, 2, n) for n in range(3 * MOST_READY)]
    for job in jobs:
        job.wait_decided(LIMIT_S)
    wait_until(lambda: place.rabbitmq.waiting() >= MOST_READY)
    assert place.rabbitmq.waiting() <= MOST_READY
    place.worker()
    assert [job.result(LIMIT_S) for job in jobs] == [2**n for n in range(3 * MOST_READY)]
    assert all(job.record.attempt == 1 for job in jobs)
    wait_until(lambda: place.rabbitmq.waiting() == 0)
    assert place.redis().llen(BROKER_QUEUE) == 0


def test_jobs_are_accepted_and_wait_while_rabbitmq_is_away(place: Place, tmp_path: Path) -> None:
    """Health says so in words; a job that runs meanwhile goes on; the rest heals by itself."""
    server, worker = place.server(), place.worker()
    client = place.client(server)
    marks, gate = tmp_path / "marks", tmp_path / "gate"
    running = client.submit(gated, str(marks), str(gate))
    wait_until(marks.exists)
    [told] = client.workers()
    wait_until(lambda: place.rabbitmq.consumers(own(told.name)) == 1)
    place.rabbitmq.settle()
    place.rabbitmq.kill()
    try:
        later = [client.submit(pow, 2, n) for n in range(5)]
        wait_until(lambda: "does not answer" in trouble(server))
        assert place.redis().llen(BROKER_QUEUE) >= 1
    finally:
        place.rabbitmq.start()
    gate.touch()
    assert running.result(LIMIT_S) == "x"
    assert running.record.attempt == 1
    assert [job.result(LIMIT_S) for job in later] == [2**n for n in range(5)]
    wait_until(lambda: trouble(server) == "")
    # It is RabbitMQ that wakes it again, once it has found it.
    wait_until(lambda: worker.text().count("Connected to amqp") >= 2)
    assert client.submit(pow, 3, 2).result(LIMIT_S) == 9
    assert worker.process.poll() is None


def test_a_job_that_is_longer_than_rabbitmq_waits_for_an_answer_runs_once(
    place: Place, tmp_path: Path
) -> None:
    """RabbitMQ ends the worker's channel, and passes its message on; the ledger knows better."""
    client = place.client(place.server())
    worker, marks, gate = place.worker(), tmp_path / "marks", tmp_path / "gate"
    job = client.submit(gated, str(marks), str(gate))
    wait_until(lambda: "delivery acknowledgement on channel 1 timed out" in worker.text())
    other = place.worker()
    assert client.submit(pow, 2, 5).result(LIMIT_S) == 32
    gate.touch()
    assert job.result(LIMIT_S) == "x"
    assert job.record.attempt == 1
    assert client.submit(pow, 2, 6).result(LIMIT_S) == 64
    assert worker.process.poll() is None
    assert other.process.poll() is None


@pytest.fixture
def frozen(rabbitmq: RabbitMQServer) -> Iterator[Callable[[], None]]:
    """Have RabbitMQ answer nothing until the end of the test, or until it is called."""
    rabbitmq.freeze()
    yield rabbitmq.thaw
    rabbitmq.thaw()


def test_a_server_that_dies_before_it_publishes_loses_no_wake_up(
    place: Place, frozen: Callable[[], None]
) -> None:
    """The wake-up is in Redis since the job is; whichever server is there carries it on."""
    server = place.server()
    job = place.client(server).submit(pow, 2, 5)
    wait_until(lambda: "does not confirm" in trouble(server))
    assert place.redis().llen(BROKER_QUEUE) == 1
    kill(server)
    frozen()
    place.worker()
    again = place.client(place.server())
    assert again.job(job.id).result(LIMIT_S) == 32


@pytest.fixture
def without_memory(rabbitmq: RabbitMQServer) -> Iterator[Callable[[], None]]:
    """Have RabbitMQ confirm no message until it is called, or until the end of the test."""
    limit = "set_vm_memory_high_watermark"
    rabbitmq.control(limit, "absolute", "1MB")
    yield lambda: rabbitmq.control(limit, "0.4")
    rabbitmq.control(limit, "0.4")


def test_a_server_that_dies_while_it_publishes_loses_no_wake_up(
    place: Place, without_memory: Callable[[], None]
) -> None:
    """What it had taken and not seen confirmed is taken again by the next."""
    server, ledger = place.server(), place.redis()
    job = place.client(server).submit(pow, 2, 5)
    wait_until(lambda: "does not confirm" in trouble(server))
    wait_until(lambda: ledger.zcard("tk:outgoing") == 1, look_every_s=0.005)
    kill(server)
    assert ledger.zcard("tk:outgoing") == 1
    assert ledger.llen(BROKER_QUEUE) == 0
    without_memory()
    again = place.client(place.server())
    wait_until(lambda: ledger.zcard("tk:outgoing") == 0)
    place.worker()
    assert again.job(job.id).result(LIMIT_S) == 32


def test_a_server_that_dies_after_it_published_is_not_needed(place: Place) -> None:
    """The job runs without any."""
    server = place.server()
    job = place.client(server).submit(pow, 2, 5)
    job.wait_decided(LIMIT_S)
    wait_until(lambda: place.rabbitmq.waiting() == 1)
    kill(server)
    place.worker()
    wait_until(lambda: place.rabbitmq.waiting() == 0)
    record = place.client(place.server()).job(job.id).record
    assert record.state is JobState.SUCCEEDED


def test_a_wake_up_that_comes_twice_begins_no_job_twice(place: Place, tmp_path: Path) -> None:
    """The ledger gives it to one, and nothing to the other."""
    client = place.client(place.server())
    jobs = [client.submit(marked, str(tmp_path / f"marks-{n}")) for n in range(3)]
    wait_until(lambda: place.rabbitmq.waiting() == 3)
    again = RabbitMQ(place.rabbitmq.url)
    again.publish([Outgoing("default", wake_up("default")) for _ in range(6)])
    again.hang_up()
    for _ in range(2):
        place.worker()
    assert [job.result(LIMIT_S) for job in jobs] == [1, 1, 1]
    wait_until(lambda: place.rabbitmq.waiting() == 0)
    assert [job.record.attempt for job in jobs] == [1, 1, 1]


def test_a_wake_up_that_rabbitmq_lost_is_sent_again(place: Place) -> None:
    """By the sweeper, in 12 s: it sees that nothing waits in either."""
    place.sweep_s = "1"
    job = place.client(place.server()).submit(pow, 2, 5)
    wait_until(lambda: place.rabbitmq.waiting() == 1)
    assert place.rabbitmq.purge() == 1
    place.worker()
    assert job.result(LIMIT_S) == 32


def test_each_queue_of_jobs_has_a_queue_of_its_own(place: Place) -> None:
    """A worker hears of those alone that it serves."""
    client = place.client(place.server())
    other = client.options(queue="gpu").submit(pow, 2, 5)
    mine = client.submit(pow, 2, 6)
    wait_until(lambda: place.rabbitmq.waiting("gpu") == place.rabbitmq.waiting() == 1)
    place.worker()
    assert mine.result(LIMIT_S) == 64
    assert place.rabbitmq.waiting("gpu") == 1
    place.worker("--queues", "gpu,default")
    assert other.result(LIMIT_S) == 32


def test_a_queue_of_another_kind_is_said_to_be_in_the_way(place: Place) -> None:
    """Somebody's classic queue cannot become one that is kept by several nodes."""
    with place.rabbitmq.channel() as channel:
        channel.queue_delete(BROKER_QUEUE)
        channel.queue_declare(BROKER_QUEUE, durable=True, auto_delete=False)
    try:
        server = place.server()
        wait_until(lambda: "no quorum queue" in trouble(server))
        assert "delete it" in trouble(server)
    finally:
        with place.rabbitmq.channel() as channel:
            channel.queue_delete(broker_queue("default"))
    wait_until(lambda: trouble(server) == "")

"""A job's output followed over a real server: from print to socket, through whatever happens."""

from __future__ import annotations

import http.client
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from waiting import wait_until

import taskkit

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

MOST = 96
"""How many sockets and streams a server holds unless it is told otherwise."""


def follow(stack: taskkit.LocalStack, id: str) -> http.client.HTTPResponse:
    """Return the answer to a request that follows a job; whoever asked closes it."""
    connection = http.client.HTTPConnection(urlsplit(stack.url).netloc, timeout=60)
    connection.request("GET", f"/v1/jobs/{id}/output?follow", headers={"Connection": "close"})
    return connection.getresponse()


@pytest.fixture
def client(stack: taskkit.LocalStack) -> Iterator[taskkit.Client]:
    """A client of the shared stack; what it leaves running is cancelled."""
    with closing(stack.client()) as made:
        yield made
        for job in made.jobs(state=["queued", "running"]):
            job.cancel()


def print_until(gate: Path) -> int:
    """Print numbers until a file is there; return how many."""
    count = 0
    while not gate.exists():
        print(count, flush=True)
        count += 1
        time.sleep(0.01)
    return count


def test_each_line_arrives_once_while_the_job_prints(
    stack: taskkit.LocalStack, client: taskkit.Client, tmp_path: Path
) -> None:
    """Three readers that begin at different times read the same."""
    gate = tmp_path / "gate"
    job = client.submit(print_until, gate)
    with ExitStack() as open_answers:
        answers = []
        for count in (0, 20, 60):
            wait_until(lambda count=count: job.output.count("\n") >= count)  # type: ignore[misc]
            answers.append(open_answers.enter_context(closing(follow(stack, job.id))))
        gate.touch()
        texts = [answer.read().decode() for answer in answers]
    expected = "".join(f"{n}\n" for n in range(job.result(timeout=60)))
    assert texts == [expected] * 3


def die_once(gate: Path) -> None:
    """Print, and die the first time, when a file is there."""
    if gate.exists():
        print("second", flush=True)
        return
    print("first", flush=True)
    wait_for(gate)
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_stream_goes_on_when_the_attempt_dies(
    stack: taskkit.LocalStack, client: taskkit.Client, tmp_path: Path
) -> None:
    """What the first one printed stays; the second one's follows it."""
    gate = tmp_path / "gate"
    job = client.submit(die_once, gate)
    with closing(follow(stack, job.id)) as answer:
        assert answer.read(6) == b"first\n"
        gate.touch()
        assert answer.read() == b"second\n"
    assert len(job.record.past_attempts) == 1


def test_who_goes_away_makes_room(
    stack: taskkit.LocalStack, client: taskkit.Client, tmp_path: Path
) -> None:
    """Streams of a silent job are refused at the cap, requests are served still, and the places of
    readers that have gone are free within seconds though nothing is written to them."""
    job = client.submit(wait_for, tmp_path / "gate")
    with ExitStack() as open_answers:
        answers = []
        while (answer := follow(stack, job.id)).status == 200:
            answers.append(open_answers.enter_context(closing(answer)))
            assert len(answers) <= MOST
        assert answer.status == 503
        assert answer.headers["Retry-After"]
        answer.close()
        assert len(answers) >= MOST - 10  # sockets of clients have the others
        assert client.jobs(limit=1)
    wait_until(lambda: is_let_in(stack, job.id), 20)


def wait_for(gate: Path) -> None:
    """Say nothing until a file is there."""
    while not gate.exists():
        time.sleep(0.05)


def is_let_in(stack: taskkit.LocalStack, id: str) -> bool:
    """Return whether one more may follow."""
    with closing(follow(stack, id)) as answer:
        return answer.status == 200

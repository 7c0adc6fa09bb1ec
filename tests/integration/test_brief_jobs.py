"""Many jobs of which processes claim more than they run at the moment, and one that is odd.

Of brief ones several are claimed at once; of steady ones the next a moment before one ends.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from waiting import wait_until

import taskkit
from taskkit.client import Client, Job
from taskkit.protocol.jobs import AttemptEnd, JobState

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

LIMIT_S = 120


@pytest.fixture(scope="module")
def own_stack() -> Iterator[taskkit.LocalStack]:
    """A stack that these tests may hurt."""
    with taskkit.LocalStack(workers=2) as running:
        yield running


@pytest.fixture
def client(own_stack: taskkit.LocalStack) -> Iterator[Client]:
    """A client of it."""
    made = own_stack.client()
    yield made
    made.close()


@dataclass
class Place:
    """Where jobs note that they run, and where one waits to be let go."""

    marks: str
    gate: str
    takes_s: float
    #: Each job.
    number: int

    @property
    def odd(self) -> int:
        """Which job is odd."""
        return self.number // 2

    def ran(self) -> Counter[int]:
        """Return how often each has run."""
        return Counter(map(int, Path(self.marks).read_text().split()))

    def let_go(self) -> None:
        """Open the gate, where somebody waits at it."""
        os.close(os.open(self.gate, os.O_WRONLY | os.O_NONBLOCK))


@pytest.fixture(params=[(0.0, 400), (0.04, 100)], ids=["brief", "steady"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty one."""
    made = Place(str(tmp_path / "marks"), str(tmp_path / "gate"), *request.param)
    os.mkfifo(made.gate)
    Path(made.marks).touch()
    return made


def mark(number: int, marks: str, gate: str, takes_s: float, odd: str) -> int:
    """Note that a job runs; an odd one hangs, or dies the first time."""
    with Path(marks).open("a") as file:
        file.write(f"{number} ")
    if odd == "hangs":
        # With the interpreter's lock held: nothing else of this process goes on.
        ctypes.PyDLL(None).open(gate.encode(), os.O_RDONLY)
    if odd == "dies" and Path(marks).read_text().split().count(str(number)) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(takes_s)
    return number


def submitted(client: Client, place: Place, odd: str) -> list[Job[int]]:
    """Submit them all, one by one."""
    return [
        client.submit(
            mark, n, place.marks, place.gate, place.takes_s, odd if n == place.odd else ""
        )
        for n in range(place.number)
    ]


def require_others(jobs: list[Job[int]], odd: int) -> None:
    """Require that all but the odd one have their results."""
    numbers = [number for number in range(len(jobs)) if number != odd]
    assert [jobs[number].result(LIMIT_S) for number in numbers] == numbers


def test_what_was_claimed_with_a_job_that_hangs_is_run_by_others(
    client: Client, place: Place
) -> None:
    """While it hangs, in C code that holds the interpreter's lock; and each is run once."""
    jobs = submitted(client, place, "hangs")
    require_others(jobs, place.odd)
    assert not jobs[place.odd].done()
    place.let_go()
    assert jobs[place.odd].result(LIMIT_S) == place.odd
    assert set(place.ran().values()) == {1}
    for job in jobs:
        assert all(past.end is AttemptEnd.RETURNED for past in job.record.past_attempts)


def test_a_job_that_kills_its_process_costs_no_other_an_attempt(
    client: Client, place: Place
) -> None:
    """Neither those that had ended before it, and were not told yet, nor those behind it."""
    jobs = submitted(client, place, "dies")
    assert [job.result(LIMIT_S) for job in jobs] == list(range(place.number))
    assert {number: n for number, n in place.ran().items() if n > 1} == {place.odd: 2}
    lost = [
        number
        for number, job in enumerate(jobs)
        for past in job.record.past_attempts
        if past.end is AttemptEnd.LOST
    ]
    assert lost == [place.odd]


def test_the_job_that_hangs_can_be_cancelled(client: Client, place: Place) -> None:
    """It alone is ended, with its process; all others have their results."""
    jobs = submitted(client, place, "hangs")
    wait_until(lambda: place.ran()[place.odd] == 1, LIMIT_S)
    assert jobs[place.odd].cancel()
    require_others(jobs, place.odd)
    assert jobs[place.odd].record.state is JobState.CANCELLED
    ran = place.ran()
    assert {number for number in range(place.number) if ran[number] != 1} == set()

"""A process that is to be ended cannot begin another job meanwhile."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from taskkit_worker.handover import Handover


class Forked:
    """A process of a pool, which begins jobs when told to."""

    def __init__(self, handover: Handover) -> None:
        commands, self._tell = os.pipe()
        self._told, answers = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            while os.read(commands, 1):
                with handover.beginning():
                    os.write(answers, b"b")
                    os.read(commands, 1)
                os.write(answers, b"e")
            os._exit(0)

    def begin(self) -> None:
        os.write(self._tell, b"x")

    def go_on(self) -> None:
        os.write(self._tell, b"x")

    def hear(self) -> bytes:
        return os.read(self._told, 1)

    def end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


@pytest.fixture
def handover() -> Handover:
    """As a worker's main process makes it, before it forks its pool."""
    return Handover()


@pytest.fixture
def process(handover: Handover) -> Iterator[Forked]:
    """One process of the pool."""
    forked = Forked(handover)
    yield forked
    forked.end()


def test_the_place_of_a_process_that_begins_a_job_cannot_be_had(
    handover: Handover, process: Forked
) -> None:
    """Whoever wants to end it looks again later."""
    process.begin()
    assert process.hear() == b"b"
    with handover.holding(process.pid) as is_held:
        assert not is_held
    process.go_on()
    assert process.hear() == b"e"
    with handover.holding(process.pid) as is_held:
        assert is_held


def test_a_process_whose_place_is_held_waits(handover: Handover, process: Forked) -> None:
    """And begins when it is free."""
    os.set_blocking(process._told, False)
    with handover.holding(process.pid) as is_held:
        assert is_held
        process.begin()
        with pytest.raises(BlockingIOError):
            process.hear()
    os.set_blocking(process._told, True)
    assert process.hear() == b"b"


def test_each_process_has_its_own_place(handover: Handover, process: Forked) -> None:
    """One that hangs keeps nobody from another."""
    other = Forked(handover)
    process.begin()
    process.hear()
    with handover.holding(other.pid) as is_held:
        assert is_held
    other.end()


def test_a_dead_process_holds_nothing(handover: Handover) -> None:
    """However it ended."""
    forked = Forked(handover)
    forked.begin()
    forked.hear()
    forked.end()
    with handover.holding(forked.pid) as is_held:
        assert is_held

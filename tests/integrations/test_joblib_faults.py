"""What runs by joblib on a stack whose processes die ends right."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from joblib import Parallel, delayed, parallel_config
from waiting import wait_until

import taskkit
from taskkit.integrations import registration

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

registration.offer()


@pytest.fixture(scope="module")
def own_stack() -> Iterator[taskkit.LocalStack]:
    """A stack that these tests may hurt."""
    with taskkit.LocalStack(workers=2) as running:
        yield running


def held(n: int, folder: str) -> int:
    """Return the square; the third one waits until the gate opens, and says which process it is."""
    import os
    import pathlib
    import time

    if n == 3:
        with (pathlib.Path(folder) / "marks").open("a") as file:
            file.write(f"{os.getpid()}\n")
        while not (pathlib.Path(folder) / "gate").exists():
            time.sleep(0.02)
    return n * n


def run(stack: taskkit.LocalStack, folder: Path, hurt: signal.Signals, part: str) -> list[int]:
    """Compute squares, and kill the pool process of the third, or its whole worker, meanwhile.

    The gate opens when the third runs again: what dies could have ended it at the last moment.
    """
    marks = folder / "marks"

    def kill() -> None:
        wait_until(lambda: marks.exists() and marks.read_text().endswith("\n"))
        pid = int(marks.read_text()) if part == "process" else stack.pids()[part]
        assert pid != os.getpid(), "the calls were made here"
        os.kill(pid, hurt)
        wait_until(lambda: len(marks.read_text().split()) == 2)
        (folder / "gate").touch()

    killing = threading.Thread(target=kill)
    killing.start()
    client = stack.client()
    with parallel_config("taskkit", client=client):
        found = Parallel(batch_size=1)(delayed(held)(n, str(folder)) for n in range(20))
    killing.join()
    client.close()
    assert len(marks.read_text().split()) == 2
    return found


SQUARES = [n * n for n in range(20)]


def test_a_killed_pool_process_costs_nothing_but_time(
    own_stack: taskkit.LocalStack, tmp_path: Path
) -> None:
    """Its batch runs again in another."""
    assert run(own_stack, tmp_path, signal.SIGKILL, "process") == SQUARES


def test_a_stopped_worker_is_replaced_in_the_middle_of_a_run(
    own_stack: taskkit.LocalStack, tmp_path: Path
) -> None:
    """The stack starts another, which goes on."""
    before = own_stack.pids()["worker"]
    assert run(own_stack, tmp_path, signal.SIGKILL, "worker") == SQUARES
    assert own_stack.pids()["worker"] != before

"""Ending a process ends all that it started."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from taskkit_worker.tree import descendants, end_tree

LIMIT_S = 10.0

STUBBORN = "import signal, time; signal.signal(2, 1); signal.signal(15, 1); time.sleep(60)"

FAMILY = f"""
import os, subprocess, sys, time
from taskkit_worker.tree import adopt_orphans, end_descendants
adopt_orphans()
child = subprocess.Popen([sys.executable, "-c", {STUBBORN!r}])
# A grandchild whose parent ends at once, in a session of its own.
orphan = subprocess.run(
    ["sh", "-c", "setsid sleep 60 >/dev/null 2>&1 & echo $!"], capture_output=True, text=True
)
print(child.pid, orphan.stdout.strip(), flush=True)
sys.stdin.readline()
end_descendants()
print("ended", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def family() -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A process with a child that ignores signals, and an orphan below it."""
    with subprocess.Popen(
        [sys.executable, "-c", FAMILY], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        pids = [int(pid) for pid in process.stdout.readline().split()]
        yield process, pids
        process.kill()
    for pid in pids:
        if psutil.pid_exists(pid):
            os.kill(pid, 9)


def test_descendants_are_those_that_the_system_tells(
    family: tuple[subprocess.Popen[str], list[int]],
) -> None:
    """Orphans that the process has adopted among them, and no more than there are."""
    process, pids = family
    root = psutil.Process(process.pid)
    found = {each.pid for each in descendants(root)}
    assert found == {each.pid for each in root.children(recursive=True)} == set(pids)


def test_descendants_of_any_thread_are_found() -> None:
    """A child belongs to the thread that started it; one that was waited for is gone."""
    started: list[subprocess.Popen[bytes]] = []
    thread = threading.Thread(target=lambda: started.append(subprocess.Popen(["sleep", "60"])))
    thread.start()
    thread.join()
    [child] = started
    own = psutil.Process()
    try:
        assert child.pid in {each.pid for each in descendants(own)}
    finally:
        child.kill()
        child.wait()
    assert child.pid not in {each.pid for each in descendants(own)}


def test_no_descendant_is_left(family: tuple[subprocess.Popen[str], list[int]]) -> None:
    """Neither one that ignores signals nor one whose own parent has ended."""
    process, pids = family
    assert all(map(alive, pids))
    end_tree(process.pid)
    process.wait(LIMIT_S)
    wait_until(lambda: not any(map(alive, pids)))


def test_a_process_ends_its_descendants_and_lives_on(
    family: tuple[subprocess.Popen[str], list[int]],
) -> None:
    """As a pool process does after a job that was stopped; none stays as a zombie."""
    process, pids = family
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "ended\n"
    assert not any(map(psutil.pid_exists, pids))
    assert process.poll() is None


def test_a_process_that_is_gone_is_said_to_be() -> None:
    """For the caller, which has been asked to end it."""
    with subprocess.Popen(["true"]) as process:
        process.wait()
    with pytest.raises(psutil.NoSuchProcess):
        end_tree(process.pid)


def alive(pid: int) -> bool:
    """Return whether the process runs."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition: Callable[[], bool]) -> None:
    """Return when `condition` holds; fail when the time is over."""
    deadline, pause = time.monotonic() + LIMIT_S, threading.Event()
    while not condition():
        assert time.monotonic() < deadline
        pause.wait(0.01)

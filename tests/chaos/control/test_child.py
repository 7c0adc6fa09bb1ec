"""What the control keeps running is started again, and ends with all that it had started."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from chaos.until import until

from .child import Child

FAMILY = 'sleep 300 & echo $$ $! > "$PIDS.new"; mv "$PIDS.new" "$PIDS"; wait'


@pytest.fixture
def pids(tmp_path: Path) -> Callable[[], list[int]]:
    """Wait for the shell's process and its child; return their ids, each time those of new ones."""

    def read_once() -> list[int]:
        path = tmp_path / "pids"
        until(path.exists)
        found = [int(word) for word in path.read_text().split()]
        path.unlink()
        return found

    return read_once


@pytest.fixture
def child(tmp_path: Path) -> Child:
    """A shell that starts a process and waits for it."""
    env = {**os.environ, "PIDS": str(tmp_path / "pids")}
    return Child(["sh", "-c", FAMILY], tmp_path / "log", env)


def are_gone(pids: list[int]) -> bool:
    """Return whether no such process runs; a zombie does not."""
    for pid in pids:
        try:
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                return False
        except psutil.NoSuchProcess:
            pass
    return True


def test_all_of_it_ends_with_the_block(child: Child, pids: Callable[[], list[int]]) -> None:
    """The process, and the one that it started."""
    with child:
        family = pids()
        assert not are_gone(family)
    until(lambda: are_gone(family))


def test_a_killed_one_is_started_again(child: Child, pids: Callable[[], list[int]]) -> None:
    """All of the old one is gone by then."""
    with child:
        before = pids()
        child.kill()
        after = pids()
        assert are_gone(before)
        assert not are_gone(after)
        assert child.starts == 2


def test_one_that_dies_by_itself_is_started_again(
    child: Child, pids: Callable[[], list[int]]
) -> None:
    """Its group goes too, as with a container."""
    with child:
        before = pids()
        psutil.Process(before[0]).kill()
        after = pids()
        assert are_gone(before)
        assert not are_gone(after)

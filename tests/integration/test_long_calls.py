"""A long call among thousands of short ones, on a real stack."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from waiting import wait_until

import taskkit

pytestmark = pytest.mark.stack

ITEMS, LONG = 3000, 100


class Squared:
    """Squares numbers; with one of them it waits until a file is there."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def __call__(self, number: int) -> int:
        while number == LONG and not Path(self._path).exists():
            time.sleep(0.02)
        return number * number


def test_a_long_call_holds_up_no_other(stack: taskkit.LocalStack, tmp_path: Path) -> None:
    """Those that shared its job are done by others, while it goes on."""
    path = tmp_path / "go on"
    client = stack.client()
    try:
        batch = client.map(Squared(path), range(ITEMS))
        futures = batch.futures()
        # The calls before it are in its job, and come with it.
        wait_until(lambda: all(future.done() for future in futures[LONG + 1 :]))
        assert batch[LONG + 1] == (LONG + 1) ** 2
        assert not futures[LONG].done()
        path.touch()
        assert list(batch) == [n * n for n in range(ITEMS)]
    finally:
        path.touch()
        client.close()

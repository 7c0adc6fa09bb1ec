"""How fast this machine is at the moment: who shares its cores and caches changes that by a third.

CPU times of two moments are compared as if it had been equally fast at both.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

EVERY_S = 0.05

WORDS = [f"user{n:03} {n * 7919 % 1009}" for n in range(6000)]


@dataclass
class Pace:
    """The same work, of about a millisecond, done again and again beside what is measured."""

    rounds: int = 0
    cpu_s: float = 0.0
    #: Of all rounds together.
    _is_over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Do it until `end`."""
        while not self._is_over.wait(EVERY_S):
            before = time.thread_time()
            _work()
            self.cpu_s += time.thread_time() - before
            self.rounds += 1

    def end(self) -> None:
        """Do it no more."""
        self._is_over.set()


def _work() -> int:
    found: dict[str, int] = {}
    for word in WORDS:
        user, _, number = word.partition(" ")
        found[number] = found.get(number, 0) + len(user)
    return sum(found.values())


@contextmanager
def paced() -> Iterator[Pace]:
    """Do the work until the end of the block."""
    pace = Pace()
    thread = threading.Thread(target=pace.run, name="pace", daemon=True)
    thread.start()
    try:
        yield pace
    finally:
        pace.end()
        thread.join()

"""Who lived through the faults holds, when all is calm, what it held before."""

from __future__ import annotations

from collections.abc import Iterator

from ..facts import Held
from ..history import History
from ..verdict import Violation

FILES = 8
"""How many file descriptors more are none: a connection that a pool keeps open, a log."""

BYTES = 32 * 2**20
"""How much more memory is none: what an allocator keeps of what it has been given back."""

KEEPERS = frozenset({"redis"})
"""Parts whose memory is the jobs that they keep; they are judged by their files alone."""


def leaks(history: History) -> Iterator[Violation]:
    """Yield the processes that held more after the faults than before them."""
    before = {fact.pid: fact for _, fact in history.of(Held) if fact.when == "before"}
    for _, after in history.of(Held):
        was = before.get(after.pid)
        if after.when == "before" or was is None:
            continue
        about = f"{after.part} ({after.pid})"
        if after.files > was.files + FILES:
            yield Violation(about, f"{about} has {after.files} open files, it had {was.files}")
        if after.part not in KEEPERS and after.rss_bytes > was.rss_bytes + BYTES:
            seen = f"{after.rss_bytes / 2**20:.0f} MiB, it had {was.rss_bytes / 2**20:.0f}"
            yield Violation(about, f"{about} holds {seen}")

"""Who lived through the faults holds, when all is calm, what it held before."""

from __future__ import annotations

from collections.abc import Iterator

from ..facts import Began, Held
from ..history import History
from ..verdict import Violation

FILES = 8
"""How many file descriptors more are none: a connection that a pool keeps open, a log."""

BYTES = 32 * 2**20
"""How much more memory is none: what an allocator keeps of what it has been given back."""

POOLING = frozenset({"server", "redis"})
"""Between them stay as many connections as were needed at once: up to one a client more, of those
that came when nothing was broken yet. That clients who come and go leave nothing behind is for
`tests/integration/test_come_and_go.py` to see."""

KEEPERS = frozenset({"redis"})
"""Parts whose memory is the jobs that they keep; they are judged by their files alone."""


def leaks(history: History) -> Iterator[Violation]:
    """Yield the processes that held more after the faults than before them."""
    clients = len({who for who, _ in history.of(Began)})
    before = {fact.pid: fact for _, fact in history.of(Held) if fact.when == "before"}
    for _, after in history.of(Held):
        was = before.get(after.pid)
        if after.when == "before" or was is None:
            continue
        about = f"{after.part} ({after.pid})"
        if after.files > was.files + FILES + (clients if after.part in POOLING else 0):
            yield Violation(about, f"{about} has {after.files} open files, it had {was.files}")
        if after.part not in KEEPERS and after.rss_bytes > was.rss_bytes + BYTES:
            seen = f"{after.rss_bytes / 2**20:.0f} MiB, it had {was.rss_bytes / 2**20:.0f}"
            yield Violation(about, f"{about} holds {seen}")

"""A log is numbered from 1, or from where it was trimmed, without holes."""

from __future__ import annotations

from collections.abc import Iterator

from ..history import History, Log
from ..verdict import Violation


def log_faults(history: History) -> Iterator[Violation]:
    """Yield the logs that are not whole."""
    owners: dict[str, str] = {}
    for log in history.logs:
        first = owners.setdefault(log.epoch, log.owner)
        if first != log.owner:
            yield Violation(log.owner, f"the logs of {first} and {log.owner} are both {log.epoch}")
        name = f"the log of {log.owner} (epoch {log.epoch})"
        yield from (Violation(log.owner, f"{name} {seen}") for seen in _numbering(log))


def _numbering(log: Log) -> Iterator[str]:
    last_seq = log.first_seq - 1
    for event in log.events:
        if event.seq < log.first_seq:
            yield f"has seq {event.seq}, though it begins at {log.first_seq}"
        elif event.seq == last_seq:
            yield f"has seq {event.seq} twice"
        elif event.seq != last_seq + 1:
            yield f"has no seq {last_seq + 1} to {event.seq - 1}"
        last_seq = max(last_seq, event.seq)

"""What a client received is the log, without holes that it was not told of."""

from __future__ import annotations

from collections.abc import Iterator

from ..facts import Began, CaughtUp, GapTold, Received
from ..history import History, Log, View
from ..verdict import Violation


def gaps(history: History) -> Iterator[Violation]:
    """Yield where a view is not the log: holes, repetitions, other events, an end too early."""
    logs = {log.epoch: log for log in history.logs}
    for (who, epoch), view in history.views.items():
        last_seq = 0
        for fact in view:
            yield from (Violation(who, f"{who}: {seen}") for seen in _order(last_seq, fact))
            last_seq = _place(last_seq, fact)
        log = logs.get(epoch)
        if log is None and epoch in history.abandoned:
            if who not in history.abandoned[epoch]:
                yield from _not_told(history, who, epoch)
            continue
        against = _no_log(epoch, view) if log is None else _against_log(log, view, last_seq)
        yield from (Violation(who, f"{who}: {seen}") for seen in against)


def _place(last_seq: int, fact: Began | Received | GapTold | CaughtUp) -> int:
    """Return how far the client has read after a fact."""
    match fact:
        case Began(seq=seq) | GapTold(seq=seq):
            return seq
        case Received(seq=seq):
            return max(last_seq, seq)
    return last_seq


def _order(last_seq: int, fact: Began | Received | GapTold | CaughtUp) -> Iterator[str]:
    match fact:
        case Received(seq=seq) if seq <= last_seq:
            yield f"{_named(fact)} came again or too late, after seq {last_seq}"
        case Received(seq=seq) if seq > last_seq + 1:
            hole = f"{last_seq + 1} to {seq - 1}"
            yield f"{_named(fact)} came after seq {last_seq}; {hole} are missing, no gap was told"
        case Began(seq=seq) | GapTold(seq=seq) if seq < last_seq:
            yield f"it went back from seq {last_seq} to {seq} of epoch {fact.epoch}"


def _against_log(log: Log, view: View, last_seq: int) -> Iterator[str]:
    events = {event.seq: event for event in log.events}
    for fact in view:
        if not isinstance(fact, Received) or fact.seq < log.first_seq:
            continue
        event = events.get(fact.seq)
        if event is None:
            yield f"{_named(fact)} came, the log of {log.owner} has no such event"
        elif (event.type, event.job) != (fact.type, fact.job):
            other = f"{event.type} of job {event.job or '-'}"
            yield f"{_named(fact)} came, the log of {log.owner} has {other} there"
    is_claimed = any(isinstance(fact, CaughtUp) for fact in view)
    if is_claimed and last_seq < log.last_seq:
        yield (
            f"it holds to have all of epoch {log.epoch} and ends at seq {last_seq}, "
            f"the log of {log.owner} at {log.last_seq}"
        )


def _not_told(history: History, who: str, epoch: str) -> Iterator[Violation]:
    """Yield a violation where a reader of a log that was given up went on as if nothing was."""
    others = (
        view for (name, other), view in history.views.items() if name == who and other != epoch
    )
    if not any(isinstance(fact, GapTold) for view in others for fact in view):
        yield Violation(who, f"{who}: epoch {epoch} was given up, and it was not told")


def _no_log(epoch: str, view: View) -> Iterator[str]:
    came = sum(isinstance(fact, Received) for fact in view)
    # A log without events has no epoch yet: to have all of it is no claim about another.
    is_claimed = epoch and any(isinstance(fact, CaughtUp) for fact in view)
    if came or is_claimed:
        yield f"it received {came} events of epoch {epoch}, which no log has"


def _named(fact: Received) -> str:
    return f"{fact.epoch}:{fact.seq} ({fact.type} of job {fact.job or '-'})"

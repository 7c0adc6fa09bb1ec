"""Ways to spoil a history, and to see that one thing was found and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from chaos.facts import Entry, Fact, Logged, Received
from chaos.story import epoch
from chaos.verdict import Verdict, Violation

ADA, BOB = epoch("ada"), epoch("bob")


def dropped(history: list[Entry], is_meant: Callable[[Entry], bool]) -> list[Entry]:
    """Return a history without some entries, at least one."""
    left = [entry for entry in history if not is_meant(entry)]
    assert len(left) < len(history)
    return left


def changed(history: list[Entry], fact: Fact, **fields: object) -> list[Entry]:
    """Return a history in which one fact is another; all its witnesses saw it so."""
    assert fact in [entry.fact for entry in history]
    other = replace(fact, **fields)
    return [entry._replace(fact=other) if entry.fact == fact else entry for entry in history]


def with_more(history: list[Entry], who: str, *facts: Fact) -> list[Entry]:
    """Return a history with facts at its end."""
    return [*history, *(Entry(history[-1].t + 1, who, fact) for fact in facts)]


def behind(history: list[Entry], fact: Fact, who: str, *facts: Fact) -> list[Entry]:
    """Return a history with facts behind a witness's last seeing of another one."""
    index = max(n for n, entry in enumerate(history) if entry[1:] == (who, fact))
    more = [Entry(history[index].t, who, one) for one in facts]
    return [*history[: index + 1], *more, *history[index + 1 :]]


def received(seq: int, kind: str, job: str, log: str = ADA) -> Received:
    """Return what a client of ada's notes of an event."""
    return Received(epoch=log, seq=seq, type=kind, job=job)


def logged(seq: int, kind: str, job: str, attempt: int = 0) -> Logged:
    """Return an event of ada's log."""
    return Logged(owner="ada", epoch=ADA, seq=seq, type=kind, job=job, attempt=attempt)


def only(verdict: Verdict, kind: str) -> tuple[Violation, ...]:
    """Return the violations of a kind, after making sure that there are no others."""
    found: tuple[Violation, ...] = getattr(verdict, kind)
    assert verdict.violations == found, str(verdict)
    return found


def one(verdict: Verdict, kind: str) -> tuple[str, str]:
    """Return whom the only violation is about and what was seen."""
    (violation,) = only(verdict, kind)
    return violation.about, violation.seen


def attempts(*events: tuple[str, int]) -> list[Entry]:
    """Return the ledger's facts of a job with these events and attempts after its submission."""
    all_events = [("job_submitted", 0), *events]
    return [
        Entry(0.0, "ledger", logged(seq, kind, "a", attempt))
        for seq, (kind, attempt) in enumerate(all_events, 1)
    ]

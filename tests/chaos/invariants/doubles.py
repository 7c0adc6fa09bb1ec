"""A job ends once, in one way, whoever is asked; a key makes one job."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator

from taskkit.protocol.jobs import FINAL

from ..facts import Accepted, Finished, Logged
from ..history import FINAL_STATES, History
from ..verdict import Violation


def doubles(history: History) -> Iterator[Violation]:
    """Yield whatever has more ends, or other ends, than one."""
    yield from _keys(history)
    yield from _conclusions(history)
    yield from _log_against_records(history)
    yield from _clients_against_records(history)


def _keys(history: History) -> Iterator[Violation]:
    jobs: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for who, fact in history.of(Accepted):
        jobs[fact.key].setdefault(fact.job, who)
    for key, found in jobs.items():
        if len(found) > 1:
            told = " and ".join(f"job {job} (told to {who})" for job, who in found.items())
            yield Violation(key, f"key {key} was accepted as {told}")


def _conclusions(history: History) -> Iterator[Violation]:
    times = Counter((who, fact.job) for who, fact in history.of(Finished))
    for (who, job), count in times.items():
        if count > 1:
            yield Violation(job, f"job {job} was concluded {count} times for {who}")


def _log_against_records(history: History) -> Iterator[Violation]:
    finals: defaultdict[str, list[Logged]] = defaultdict(list)
    for _, event in history.of(Logged):
        if event.type in FINAL_STATES:
            finals[event.job].append(event)
    for job, events in finals.items():
        places = ", ".join(f"{one.type} at {one.epoch}:{one.seq}" for one in events)
        record = history.kept.get(job)
        if len(events) > 1:
            yield Violation(job, f"job {job} has {len(events)} final events: {places}")
        elif record is not None and record.state != FINAL_STATES[events[0].type]:
            yield Violation(job, f"job {job} is {record.state} in its record, its log has {places}")
    trimmed = {log.owner for log in history.logs if log.first_seq > 1}
    for job, record in history.kept.items():
        # Where the log's beginning is gone, the event may have gone with it.
        if record.state in FINAL and job not in finals and record.owner not in trimmed:
            yield Violation(job, f"job {job} is {record.state} in its record, its log has no end")


def _clients_against_records(history: History) -> Iterator[Violation]:
    # A job without a record is lost, not doubled.
    for who, fact in history.of(Finished):
        record = history.kept.get(fact.job)
        if record is not None and record.state != fact.state:
            yield Violation(
                fact.job, f"job {fact.job} is {record.state} in its record, {fact.state} for {who}"
            )

"""The jobs that this client knows, kept current by folding events into their records."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from ..protocol.events import Event, JobSubmitted
from ..protocol.jobs import JobRecord, JobState
from ..protocol.lifecycle import apply, submitted
from ..protocol.needs import needs_of

STRAYS = 10_000
"""How many jobs of others (or not yet told ours) are followed in case they turn out to be ours."""


class Follower(Protocol):
    """Who wants to know of a job's changes."""

    def follow(self, record: JobRecord) -> None:
        """Take the job's record; from any thread, so an older one may come after a newer one."""

    def lose(self, error: BaseException) -> None:
        """The server does not know the job any more."""


Told = list[tuple[Follower, JobRecord]]


class Board:
    """Maps job ids to their followers; lets go of them once their job is final.

    Followers are told when the lock is free again: what they call may wait for another thread,
    which may want the lock.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._followed: dict[str, tuple[JobRecord, list[Follower]]] = {}
        self._strays: OrderedDict[str, JobRecord] = OrderedDict()
        self._passed: OrderedDict[str, int] = OrderedDict()
        #: The newest seq of jobs whose events came when nobody followed them, or no longer.

    def add(self, follower: Follower, record: JobRecord) -> bool:
        """Follow a job from `record` on, or from what events have already told.

        Returns whether the record is older than events that have passed: under a key, the answer to
        a submission may be a job that was there before, as it was a moment ago. The server must be
        asked, since those events will not come again.
        """
        with self._lock:
            known, followers = self._followed.pop(record.id, (None, []))
            known = known or self._strays.pop(record.id, None)
            newest = known if known is not None and known.seq > record.seq else record
            is_behind = self._passed.get(record.id, 0) > newest.seq
            told = self._changed(newest, [*followers, follower])
        _tell(told)
        return is_behind

    def fold(self, events: Iterable[Event]) -> list[str]:
        """Take events in the order of the log.

        Returns the ids of jobs whose records miss something that came before, since events were
        lost on the way: the server must be asked for them.
        """
        stale: list[str] = []
        told: Told = []
        with self._lock:
            for event in events:
                try:
                    told += self._fold_one(event)
                except ValueError:  # it may not follow what is known of the job
                    if event.job in self._followed:
                        stale.append(event.job)
                    # A stray that turns out to be ours begins again with the server's record.
                    self._strays.pop(event.job, None)
        _tell(told)
        return stale

    def _fold_one(self, event: Event) -> Told:
        if event.job not in self._followed:
            self._fold_stray(event)
            return []
        record, followers = self._followed[event.job]
        return self._changed(apply(record, event), followers)

    def replace(self, record: JobRecord) -> None:
        """Take a whole record from the server; an older one changes nothing."""
        told: Told = []
        with self._lock:
            entry = self._followed.get(record.id)
            if entry is not None and record.seq > entry[0].seq:
                told = self._changed(record, entry[1])
        _tell(told)

    def waiting(self) -> dict[str, str]:
        """Return, of the jobs that are queued, one of each kind of needs: its lane and id."""
        with self._lock:
            queued = [record for record, _ in self._followed.values() if _is_queued(record)]
        return {needs_of(record.options).lane: record.id for record in queued}

    def note_waits(self, lane: str, words: str) -> None:
        """Note what queued jobs of a lane wait for; "" where it is only for their turn."""
        told: Told = []
        with self._lock:
            for record, followers in list(self._followed.values()):
                is_meant = _is_queued(record) and record.waits_for != words
                if is_meant and needs_of(record.options).lane == lane:
                    told += self._changed(replace(record, waits_for=words), followers)
        _tell(told)

    def forget(self, job_id: str, error: BaseException) -> None:
        """Tell the followers of a job that the server knows no longer."""
        with self._lock:
            _, followers = self._followed.pop(job_id, (None, []))
        for follower in followers:
            follower.lose(error)

    def active(self) -> list[str]:
        """Return the ids of all jobs that are followed, none of them final."""
        with self._lock:
            return list(self._followed)

    def _changed(self, record: JobRecord, followers: list[Follower]) -> Told:
        if record.is_final:
            self._followed.pop(record.id, None)
            self._pass(record.id, record.seq)
        else:
            self._followed[record.id] = (record, followers)
        return [(follower, record) for follower in followers]

    def _fold_stray(self, event: Event) -> None:
        # A job's events may be here before the answer to the request that submitted it.
        match event:
            case JobSubmitted():
                self._strays[event.job] = submitted(event)
                if len(self._strays) > STRAYS:
                    id, record = self._strays.popitem(last=False)
                    self._pass(id, record.seq)
            case _ if event.job in self._strays:
                self._strays[event.job] = apply(self._strays[event.job], event)
            case _:
                self._pass(event.job, event.seq)

    def _pass(self, job_id: str, seq: int) -> None:
        self._passed[job_id] = seq
        if len(self._passed) > STRAYS:
            self._passed.popitem(last=False)


def _is_queued(record: JobRecord) -> bool:
    return record.state is JobState.QUEUED


def _tell(told: Told) -> None:
    for follower, record in told:
        follower.follow(record)

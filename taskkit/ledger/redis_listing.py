"""Lists of jobs in Redis: sorted sets of ids, read down from a place."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from ..protocol.jobs import JobRecord, JobState
from ..protocol.wire import options_from_wire
from .connection import refusals
from .failures import no_place
from .keys import Keys
from .terms import JobFilter, JobPage, JobRef

READ = 200
"""How many jobs are looked at in one step."""

Records = Callable[[Sequence[JobRef]], list[JobRecord | None]]


class RedisListing:
    """Finds jobs by what a filter asks for, and reads whole only those that match.

    A place is a score of the sorted set: unlike a job it cannot expire.
    """

    def __init__(self, redis: Any, keys: Keys, records: Records) -> None:
        self._redis = redis
        self._keys = keys
        self._records = records

    def page(
        self,
        owner: str,
        *,
        limit: int,
        place: str | None,
        before: str | int | None,
        matching: JobFilter,
        look_at: float,
    ) -> JobPage:
        """See `base.Ledger.page`."""
        key = self._keys.jobs(owner)
        if matching.session:  # the narrowest list that has all that match
            key = self._keys.session(owner, matching.session)
        newest = self._bound(key, before) if place is None else _score(place)
        if newest is None:
            return JobPage(records=(), next=None)
        if matching.until is not None:
            newest = min(newest, float(matching.until))
        found: list[JobRef] = []
        looked_at = 0
        while True:
            count = min(READ, limit + 1) if looked_at == 0 else READ
            refs = self._below(key, owner, newest, matching.since, count)
            for ref, score in self._matching(key, refs, matching):
                if len(found) == limit:
                    return self._page(found, matching, newest)
                found.append(ref)
                newest = score
            if len(refs) < count:
                return self._page(found, matching, None)
            newest = refs[-1][1]
            looked_at += len(refs)
            if looked_at >= look_at:
                return self._page(found, matching, newest)

    def _page(self, refs: Sequence[JobRef], matching: JobFilter, end: float | None) -> JobPage:
        # Between the two readings a job may have expired, or moved on to a state not asked for.
        kept = (record for record in self._records(refs) if record is not None)
        records = tuple(record for record in kept if matching.fits(record))
        return JobPage(records=records, next=None if end is None else repr(end))

    def _bound(self, key: str, before: str | int | None) -> float | None:
        """Return the score below which jobs are listed; None where there are none below it."""
        if before is None:
            return math.inf
        if isinstance(before, int):
            return float(before)
        with refusals():
            score: float | None = self._redis.zscore(key, before)
        return score

    def _below(
        self, key: str, owner: str, newest: float, since: int | None, count: int
    ) -> list[tuple[JobRef, float]]:
        with refusals():
            page = self._redis.zrevrangebyscore(
                key,
                f"({newest!r}",
                "-inf" if since is None else since,
                start=0,
                num=count,
                withscores=True,
            )
        return [(JobRef(owner, id.decode()), score) for id, score in page]

    def _matching(
        self, key: str, refs: Sequence[tuple[JobRef, float]], matching: JobFilter
    ) -> list[tuple[JobRef, float]]:
        """Return those that match, by the few fields that filters go by."""
        with refusals():
            pipe = self._redis.pipeline(transaction=False)
            for ref, _ in refs:
                pipe.hmget(self._keys.job(ref), "state", "task", "created_at", "options")
            heads = pipe.execute()
            gone = [ref.id for (ref, _), head in zip(refs, heads, strict=True) if head[0] is None]
            if gone:
                self._redis.zrem(key, *gone)
        return [
            (ref, score)
            for (ref, score), head in zip(refs, heads, strict=True)
            if head[0] is not None and matching.fits(_head(ref.id, *head))
        ]


def _score(place: str) -> float:
    try:
        score = float(place)
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        raise no_place()
    return score


def _head(
    id: str, state: bytes, task: bytes, created_at: bytes, options: bytes | None
) -> JobRecord:
    return JobRecord(
        id=id,
        task=task.decode(),
        state=JobState(state.decode()),
        created_at=int(created_at),
        options=options_from_wire(json.loads(options or b"{}")),
    )

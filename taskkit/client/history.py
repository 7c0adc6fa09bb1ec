"""Which of the jobs that the ledger keeps are asked for, and their records page by page."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from ..protocol import wire
from ..protocol.jobs import JobRecord, JobState
from .http import Http

PAGE = 200
"""How many jobs are asked for at once."""

Since = datetime | timedelta | str
States = JobState | str | Iterable[JobState | str]
Query = list[tuple[str, str | int]]


def query(
    *,
    name: str | None = None,
    state: States | None = None,
    since: Since | None = None,
    session: str | None = None,
    now: datetime,
) -> Query:
    """Return the filters of ``GET /jobs``; what is None is not asked.

    Raises:
        ValueError: A state that there is not, or a time that is none.
        TypeError: `since` is something else.
    """
    asked: Query = []
    if name is not None:
        asked.append(("name", name))
    asked += [("state", one) for one in _states(state)]
    if since is not None:
        asked.append(("since", _moment(since, now).isoformat()))
    if session is not None:
        asked.append(("session", session))
    return asked


def records(http: Http, asked: Query, limit: int, *, page: int | None = None) -> list[JobRecord]:
    """Return the newest records that are asked for, newest first, `limit` at most."""
    found: list[JobRecord] = []
    place: Query = []
    while len(found) < limit:
        size = min(page or PAGE, limit - len(found))
        answer = http.get("/jobs", [*asked, *place, ("limit", size)])
        found += map(wire.record_from_wire, answer["jobs"])
        if "next" not in answer:  # a server of the release before, whose short page is the last
            place = [("before", found[-1].id)] if len(answer["jobs"]) == size else []
        else:  # a page may be short, or empty, and not the last
            place = [("cursor", answer["next"])] if answer["next"] is not None else []
        if not place:
            break
    return found


def _states(state: States | None) -> list[JobState]:
    given = () if state is None else (state,) if isinstance(state, str) else state
    try:
        return [JobState(one) for one in given]
    except ValueError as error:
        raise ValueError(f"state: {error}; the states are {', '.join(JobState)}") from None


def _moment(since: Since, now: datetime) -> datetime:
    if isinstance(since, timedelta):
        return now - since
    if isinstance(since, str):
        try:
            since = datetime.fromisoformat(since)
        except ValueError as error:
            raise ValueError(f"since is a time such as 2026-11-24T03:22 ({error})") from None
    if not isinstance(since, datetime):
        raise TypeError(f"since is a datetime, a timedelta or ISO 8601 text, not {since!r:.200}")
    # A time without a zone is the reader's own.
    return since.astimezone(UTC)

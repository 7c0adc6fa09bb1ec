"""Lists of jobs, page by page: what every ledger promises of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from taskkit.ledger import JobFilter, JobRef, Ledger
from taskkit.protocol.errors import InvalidRequest
from taskkit.protocol.jobs import JobState
from taskkit.protocol.options import JobOptions
from taskkit.protocol.spec import JobSpec

Submit = Callable[..., Any]

short_retention = pytest.mark.parametrize(
    "timings", [{"retention_s": 0.02}], ids=["retention of 20 ms"]
)


def fill(ledger: Ledger, many: int, *, every: int = 1) -> list[str]:
    """Submit so many jobs, every so many of them in a session; return all ids, newest first."""
    specs = [
        (
            f"fill-{n}",
            JobSpec(task="demo", options=JobOptions(session="" if n % every else "s")),
        )
        for n in range(many)
    ]
    return [one.record.id for one in ledger.submit("ada", specs)][::-1]


def walk(ledger: Ledger, between: Callable[[], object] = lambda: None, **asked: Any) -> list[str]:
    """Return the ids of all pages; something may happen between them."""
    found: list[str] = []
    place: str | None = None
    while True:
        page = ledger.page("ada", place=place, **asked)
        found += [record.id for record in page.records]
        if page.next is None:
            return found
        assert page.next != place, "a page begins where the one before it began"
        place = page.next
        between()


def test_some_records_come_in_the_order_in_which_they_are_asked_for(ledger: Ledger) -> None:
    """None in the place of a job that is not known, or is another owner's."""
    last, first = fill(ledger, 2)
    asked = [
        JobRef("ada", first),
        JobRef("eve", first),
        JobRef("ada", "f" * 32),
        JobRef("ada", last),
    ]
    found = [record and record.id for record in ledger.records(asked)]
    assert found == [first, None, None, last]
    assert ledger.records([]) == []


@pytest.mark.parametrize("limit", [1, 7, 199, 200, 201, 450, 1000])
def test_pages_have_every_job_once(ledger: Ledger, limit: int) -> None:
    """Also where many were made within a millisecond; the last page is the only one without
    another behind it."""
    made = fill(ledger, 450 if limit > 1 else 30)
    assert walk(ledger, limit=limit) == made


def test_pages_are_full_where_the_next_one_is_needed(ledger: Ledger) -> None:
    """A page that is the whole list says so, to the job."""
    fill(ledger, 3)
    sizes = {limit: ledger.page("ada", limit=limit) for limit in (2, 3, 4)}
    assert [len(page.records) for page in sizes.values()] == [2, 3, 3]
    assert [page.next is None for page in sizes.values()] == [False, True, True]


def test_jobs_that_are_submitted_meanwhile_shift_no_page(ledger: Ledger, submit: Submit) -> None:
    """They are newer than where the list began; none of the others is told twice or left out."""
    made = fill(ledger, 20)
    keys = iter(range(100))
    found = walk(ledger, lambda: submit(f"late-{next(keys)}"), limit=3)
    assert found == made


def test_many_that_submit_while_one_reads_shift_no_page(ledger: Ledger, submit: Submit) -> None:
    """The same with threads: what was there when the list began is told once, in order."""
    made = fill(ledger, 60)
    is_read = threading.Event()

    def keep_submitting(name: int) -> None:
        for n in range(150):
            submit(f"{name}-{n}")
            if is_read.is_set():
                return

    with ThreadPoolExecutor(3) as pool:
        for name in range(3):
            pool.submit(keep_submitting, name)
        try:
            lists = [walk(ledger, limit=5) for _ in range(5)]
        finally:
            is_read.set()
    for found in lists:
        assert found[-60:] == made
        assert len(set(found)) == len(found)


@short_retention
def test_a_place_outlives_the_job_that_was_there(
    ledger: Ledger, submit: Submit, advance: Callable[[float], None]
) -> None:
    """The list goes on where it was, though the page's last job is not kept any more."""
    oldest, last, newest = submit("oldest"), submit("last"), submit("newest")
    page = ledger.page("ada", limit=2)
    assert [record.id for record in page.records] == [newest.id, last.id]
    ledger.cancel(last)
    advance(0.03)
    rest = ledger.page("ada", limit=2, place=page.next)
    assert ledger.job(last) is None
    assert [record.id for record in rest.records] == [oldest.id]


def test_a_filter_takes_as_many_pages_as_it_needs(ledger: Ledger) -> None:
    """Each looks at so many jobs and no more, and may have found none among them."""
    made = fill(ledger, 1000)
    wanted = [made[n] for n in (0, 450, 999)]
    for id in wanted:
        assert ledger.cancel(ref_of(id)) is not None
    cancelled = JobFilter(states=frozenset({JobState.CANCELLED}))
    first = ledger.page("ada", matching=cancelled, limit=2, look_at=200)
    assert [record.id for record in first.records] == wanted[:1]
    assert first.next is not None
    assert walk(ledger, matching=cancelled, limit=2, look_at=200) == wanted
    assert walk(ledger, matching=cancelled, limit=2) == wanted


def ref_of(id: str) -> Any:
    """Return a job of ada's."""
    return JobRef("ada", id)


def test_a_session_is_paged_like_all_jobs(ledger: Ledger) -> None:
    """By its own list."""
    made = fill(ledger, 300, every=3)
    in_session = [id for n, id in enumerate(reversed(made)) if n % 3 == 0][::-1]
    assert walk(ledger, matching=JobFilter(session="s"), limit=40) == in_session


def test_a_time_ends_a_list_at_both_ends(
    ledger: Ledger, submit: Submit, advance: Callable[[float], None], clock: Any
) -> None:
    """`since` is in it, `until` is not: spans that follow one another have each job once."""
    first = submit("first")
    advance(0.01)
    second = submit("second")
    created = ledger.job(second)
    assert created is not None
    at = created.created_at
    assert walk(ledger, matching=JobFilter(since=at)) == [second.id]
    assert walk(ledger, matching=JobFilter(until=at)) == [first.id]
    assert walk(ledger, matching=JobFilter(since=at, until=at)) == []
    assert walk(ledger, matching=JobFilter(until=at + 1)) == [second.id, first.id]


def test_a_part_of_a_name_finds_a_job(ledger: Ledger, submit: Submit) -> None:
    """In capitals or not, in the title, the task's name and the id."""
    fit = submit("fit", task="ising", options=JobOptions(name="Große Fläche"))
    other = submit("other", task="demo")

    def found(text: str) -> list[str]:
        return walk(ledger, matching=JobFilter(text=text))

    assert found("große") == found("FLÄCHE") == found("ISI") == [fit.id]
    assert found(other.id[3:20].upper()) == [other.id]
    assert found("nothing like it") == []


@pytest.mark.parametrize("place", ["", "x", "nan", "inf", "-"])
def test_a_place_that_no_list_ended_at_is_refused(ledger: Ledger, place: str) -> None:
    """Not taken for the beginning or the end."""
    with pytest.raises(InvalidRequest, match="cursor"):
        ledger.page("ada", place=place)

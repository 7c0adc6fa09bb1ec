"""Jobs by the first digits of their ids."""

from __future__ import annotations

from typing import Any

import pytest

from taskkit.cli.ids import meant, whole
from taskkit.protocol.errors import JobNotFound, RequestError

JOBS: list[dict[str, Any]] = [
    {"id": "3f2a9c1e" + "0" * 24, "task": "fit", "state": "running", "options": {}},
    {"id": "3f2a9c1e" + "1" * 24, "task": "fit", "state": "failed", "options": {"name": "sweep"}},
    {"id": "3f2b" + "2" * 28, "task": "plot", "state": "queued", "options": {}},
]


class Listing:
    """What is asked for recent jobs."""

    def __init__(self) -> None:
        self.asked = 0

    def get(self, path: str, params: Any) -> Any:
        assert path == "/jobs"
        self.asked += 1
        return {"jobs": JOBS}


def found(*given: str) -> tuple[list[str], int]:
    listing: Any = Listing()
    return whole(listing, given), listing.asked


def test_a_beginning_stands_for_the_one_job_that_has_it() -> None:
    """In either case of letters; the server is asked once for all of them."""
    assert found("3f2b", "3F2A9C1E0") == ([JOBS[2]["id"], JOBS[0]["id"]], 1)


def test_a_whole_id_is_not_looked_for() -> None:
    """It may be of a job that is older than what is listed."""
    assert found("ab" * 16) == (["ab" * 16], 0)


def test_the_same_job_twice_is_one() -> None:
    """`taskkit cancel 3f2b 3f2b2` cancels once."""
    assert found("3f2b", "3f2b2") == ([JOBS[2]["id"]], 1)


def test_an_ambiguous_beginning_names_the_jobs_by_what_tells_them_apart() -> None:
    """With name and state, in one sentence."""
    with pytest.raises(RequestError) as caught:
        found("3f2a")
    assert str(caught.value) == (
        "3f2a is the beginning of 2 jobs' ids, give more digits: "
        "3f2a9c1e0 (fit, running), 3f2a9c1e1 (sweep, failed)."
    )


@pytest.mark.parametrize("text", ["3f2", "", "fit", "3f2g", "a" * 33])
def test_what_can_be_no_id_is_refused_before_anything_is_asked(text: str) -> None:
    """It may be a name; four digits are the least."""
    with pytest.raises(RequestError, match="is no job's id: give its 4 first"):
        found(text)


def test_an_unknown_beginning_says_among_how_many_it_was_looked_for() -> None:
    """Where there may be more jobs than were listed."""
    with pytest.raises(JobNotFound, match=r"^No job has an id that begins with 9999\.$"):
        found("9999")
    many = [{"id": f"{n:032x}"} for n in range(500)]
    with pytest.raises(JobNotFound, match="of the newest 500 has an id"):
        meant("9999", many)

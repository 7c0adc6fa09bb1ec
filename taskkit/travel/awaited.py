"""A job as an argument of another one: on the worker its result stands in its place."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

Reduced = tuple[Callable[..., Any], tuple[Any, ...]]


class Awaited(Protocol):
    """A job, as far as it travels."""

    def reference(self) -> str:
        """Return what names it to the ledger: its id, or ``key:`` and its key."""

    def work(self) -> str:
        """Return what names the work that it stands for, in whichever kernel."""


_here = threading.local()


def stand_in(job: Awaited) -> Reduced:
    """Return what is pickled in a job's place, as ``__reduce__`` does.

    Raises:
        TypeError: It is no argument of a job.
    """
    reduce: Callable[[Awaited], Reduced] | None = getattr(_here, "reduce", None)
    if reduce is None:
        raise TypeError(
            "a job travels as an argument of another one, by itself or within lists and dicts; "
            "a function that needs its result takes it as a parameter"
        )
    return reduce(job)


def result_of(place: int) -> Any:
    """Stand for the result of the job at a place of `JobSpec.after`."""
    raise RuntimeError(f"the result of job {place} is known to the worker alone")


@contextmanager
def collecting() -> Iterator[list[Awaited]]:
    """Let jobs be pickled within the block; yield those that were, in the order of their places."""
    jobs: list[Awaited] = []

    def reduce(job: Awaited) -> Reduced:
        place = next((n for n, known in enumerate(jobs) if known is job), len(jobs))
        if place == len(jobs):
            jobs.append(job)
        return result_of, (place,)

    with _reducing(reduce):
        yield jobs


@contextmanager
def by_work() -> Iterator[None]:
    """Let jobs be pickled within the block as what they stand for, whichever they are this time."""
    with _reducing(lambda job: (result_of, (job.work(),))):
        yield


@contextmanager
def by_place(jobs: Sequence[Awaited]) -> Iterator[None]:
    """Let these jobs be pickled within the block, each as its place among them."""
    places = {id(job): place for place, job in enumerate(jobs)}
    with _reducing(lambda job: (result_of, (places[id(job)],))):
        yield


@contextmanager
def _reducing(reduce: Callable[[Awaited], Reduced]) -> Iterator[None]:
    before = getattr(_here, "reduce", None)
    _here.reduce = reduce
    try:
        yield
    finally:
        _here.reduce = before

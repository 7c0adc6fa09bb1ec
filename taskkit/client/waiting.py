"""`as_completed` and `wait` of the standard library, for batches too."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from typing import Any

from .batch import Batch


def as_completed(
    jobs: Batch[Any] | Iterable[Future[Any]], timeout: float | None = None
) -> Iterator[Future[Any]]:
    """Yield jobs, or of a batch its items' futures, as they become final, those that are first.

    Raises:
        TimeoutError: Not all were final `timeout` seconds after the call.
    """
    return concurrent.futures.as_completed(_jobs(jobs), timeout)


def wait(
    jobs: Batch[Any] | Iterable[Future[Any]],
    timeout: float | None = None,
    return_when: str = concurrent.futures.ALL_COMPLETED,
) -> tuple[set[Future[Any]], set[Future[Any]]]:
    """Wait, and return the jobs, or a batch's items' futures: those that are final, and others."""
    done, not_done = concurrent.futures.wait(_jobs(jobs), timeout, return_when)
    return done, not_done


def _jobs(jobs: Batch[Any] | Iterable[Future[Any]]) -> list[Future[Any]]:
    return jobs.futures() if isinstance(jobs, Batch) else list(jobs)

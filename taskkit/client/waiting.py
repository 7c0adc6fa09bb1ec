"""`as_completed` and `wait` of the standard library, for batches too."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterable, Iterator
from typing import Any

from .batch import Batch
from .job import Job


def as_completed(
    jobs: Batch[Any] | Iterable[Job[Any]], timeout: float | None = None
) -> Iterator[Job[Any]]:
    """Yield jobs as they become final, those that are already first.

    Raises:
        TimeoutError: Not all were final `timeout` seconds after the call.
    """
    return concurrent.futures.as_completed(_jobs(jobs), timeout)  # type: ignore[return-value]


def wait(
    jobs: Batch[Any] | Iterable[Job[Any]],
    timeout: float | None = None,
    return_when: str = concurrent.futures.ALL_COMPLETED,
) -> tuple[set[Job[Any]], set[Job[Any]]]:
    """Wait, and return the jobs that are final and those that are not."""
    done, not_done = concurrent.futures.wait(_jobs(jobs), timeout, return_when)
    return done, not_done  # type: ignore[return-value]


def _jobs(jobs: Batch[Any] | Iterable[Job[Any]]) -> list[Job[Any]]:
    return list(jobs.jobs) if isinstance(jobs, Batch) else list(jobs)

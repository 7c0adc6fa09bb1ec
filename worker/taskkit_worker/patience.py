"""Waiting for what is away: work that is done, or about to be, is not given up for that."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from taskkit.blobs import Blobs, Buffer, Content
from taskkit.protocol.errors import NotReachable, Unavailable

T = TypeVar("T")

FIRST_WAIT_S, LONGEST_WAIT_S = 0.05, 2.0

TOLD_AFTER_S = 5.0
"""Then a job's output says what it waits for."""


def patiently(
    call: Callable[[], T],
    away: tuple[type[Exception], ...] = (Unavailable,),
    tell: Callable[[Exception], object] = lambda _error: None,
) -> T:
    """Return what `call` returns, however long the ledger cannot be reached.

    away: what it raises as long as that is so. tell: called with it each time.
    """
    wait_s = FIRST_WAIT_S
    while True:
        try:
            return call()
        except away as error:
            tell(error)
            time.sleep(wait_s)
            wait_s = min(LONGEST_WAIT_S, 2 * wait_s)


class PatientBlobs:
    """A store that is waited for within a job, until it is there or the job is ended; see `Blobs`.

    A server that keeps the blobs may be restarted, a bucket out of reach, a disk full for a while.
    """

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def missing(self, digests: Iterable[str]) -> list[str]:
        """Return those that are not there."""
        asked = list(digests)
        return _patiently_in_a_job(lambda: self._blobs.missing(asked))

    def write(self, digest: str, content: Content) -> None:
        """Keep a blob."""
        _patiently_in_a_job(lambda: self._blobs.write(digest, content))

    def keep(self, content: Buffer) -> str:
        """Keep bytes that were just made, and return their digest."""
        return _patiently_in_a_job(lambda: self._blobs.keep(content))

    def read(
        self, digest: str, *, size_bytes: int | None = None, is_checked: bool = False
    ) -> memoryview:
        """Return a blob's bytes."""
        return _patiently_in_a_job(
            lambda: self._blobs.read(digest, size_bytes=size_bytes, is_checked=is_checked)
        )


def _patiently_in_a_job(call: Callable[[], T]) -> T:
    began, is_told = time.monotonic(), False

    def tell(error: Exception) -> None:
        nonlocal is_told
        if not is_told and time.monotonic() - began >= TOLD_AFTER_S:
            is_told = True
            print(f"taskkit: waits, since {error}", file=sys.stderr)  # noqa: T201 — job output

    return patiently(call, (Unavailable, NotReachable), tell)

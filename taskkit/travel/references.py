"""References to values that were sent before: `Client.put` makes them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..blobs.manifest import digests_of, is_packed

_here = threading.local()


class Reference:
    """A value that was sent once. As an argument, in a closure, or within either, it is the value.

    It travels with what it refers to, so it costs a few bytes in as many jobs as use it. The value
    is kept for as long as a job needs it, and for a day after it was last used.
    """

    def __init__(self, sent: bytes, about: str = "a value") -> None:
        self._sent = sent
        #: As `Outgoing` sends it.
        self._about = about

    @property
    def sent(self) -> bytes:
        """The value's pickle, or, where that is large, the digests of its blobs."""
        return self._sent

    def __repr__(self) -> str:
        return f"<Reference to {self._about}>"

    def __reduce__(self) -> tuple[Callable[[bytes], Any], tuple[bytes]]:
        noted: set[str] | None = getattr(_here, "noted", None)
        if noted is None:
            raise TypeError("a Reference travels with a job, as an argument of it or in a closure")
        if is_packed(self._sent):
            noted.update(digests_of(self._sent))
        return value_of, (self._sent,)


def value_of(sent: bytes) -> Any:
    """Return the value that a reference stands for, where it arrives."""
    read: Callable[[bytes], Any] | None = getattr(_here, "read", None)
    if read is None:
        raise RuntimeError("what a reference stands for is known where its job runs")
    return read(sent)


@contextmanager
def noting() -> Iterator[set[str]]:
    """Let references be pickled within the block; yield the digests of the blobs that they need."""
    before, _here.noted = getattr(_here, "noted", None), set()
    try:
        yield _here.noted
    finally:
        _here.noted = before


@contextmanager
def reading(read: Callable[[bytes], Any]) -> Iterator[None]:
    """Let references be loaded within the block; `read` brings the value of what was sent."""
    before, _here.read = getattr(_here, "read", None), read
    try:
        yield
    finally:
        _here.read = before

"""Many short calls of one function that travel as one job, and what came of each."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..protocol.errors import JobTimedOut
from ..protocol.jobs import ErrorInfo
from .classes import OWN_CLASSES
from .references import Reference, reading

BLOCK_BYTES = 65_536
"""About how large the pickle of one block of calls is."""

MOST_BYTES = 32 * BLOCK_BYTES
"""How large it may become where later calls are larger than the first."""

RELEASED = "the last of these calls; the others go to other jobs"
"""What a chunk reports, as the message of its progress, when its time is up within a call: the
total is how many calls it makes at most. Whoever sent it need not wait for it with the others."""

BLOCK_CALLS = 1024
"""How many calls a block has at most."""

Call = tuple[Any, ...]
"""The positional arguments of one call."""


class Blocks:
    """The calls of a map as they were when it was called, pickled many at a time."""

    def __init__(self, calls: Sequence[Call], dump: Callable[[Sequence[Call]], bytes]) -> None:
        """Pickle them.

        Raises:
            LargeCallsError: They are too large to share jobs.
            Exception: Whatever `dump` raises.
        """
        self.size = max(1, min(BLOCK_CALLS, BLOCK_BYTES // _checked(dump(calls[:1]), BLOCK_BYTES)))
        #: Calls a block, the last one may have fewer.
        self._pickles: list[bytes] = []
        for at in range(0, len(calls), self.size):
            self._pickles.append(dump(calls[at : at + self.size]))
            _checked(self._pickles[-1], MOST_BYTES)

    def most_calls(self, size_bytes: int) -> int:
        """Return about how many of the calls have at most this size, at least one block."""
        return self.size * max(1, size_bytes // len(self._pickles[0]))

    def call(self, index: int) -> Call:
        """Return the arguments of one call, as they were."""
        block, place = divmod(index, self.size)
        with reading(Reference):
            found: Call = OWN_CLASSES.load(self._pickles[block])[place]
        return found

    def chunk(self, start: int, stop: int, stop_s: float | None) -> Chunk:
        """Return the calls from `start` to before `stop` as a chunk."""
        first, last = start // self.size, (stop - 1) // self.size
        pickles = tuple(self._pickles[first : last + 1])
        skip = start - first * self.size
        return Chunk(pickles, skip, stop - start, stop_s)


class LargeCallsError(Exception):
    """The calls are so large that what they bring outweighs what a job costs."""


def _checked(pickled: bytes, most_bytes: int) -> int:
    if len(pickled) > most_bytes:
        raise LargeCallsError
    return len(pickled)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some calls of a map, for a worker."""

    pickles: tuple[bytes, ...]
    #: Blocks of calls.
    skip: int
    #: How many calls of the first block are not meant.
    calls: int
    stop_s: float | None
    #: After how long no further call is begun, in seconds; None for never.

    def run(
        self,
        function: Callable[..., Any],
        load: Callable[[bytes], Sequence[Call]],
        tell: Callable[[BaseException], Raised],
    ) -> Outcomes:
        """Make the calls one after another, at least the first.

        Raises:
            CallsFailed: Some raised an exception; it has the outcomes of all.
            JobTimedOut, KeyboardInterrupt: The job is ended.
        """
        outcomes: list[Any] = []
        first: BaseException | None = None
        _here.run = run = _Run(self.calls, self.stop_s)
        took_s = 0.0
        try:
            for calls in self._blocks(load):
                # What all calls of a block cost together is no measure of one of them.
                began = time.perf_counter()
                for args in run.in_time(calls):
                    try:
                        outcomes.append(function(*args))
                    except (KeyboardInterrupt, JobTimedOut):
                        raise
                    except BaseException as error:  # noqa: BLE001  # the edge around user code
                        first = first or error
                        outcomes.append(tell(error))
                took_s += time.perf_counter() - began
                if run.is_ended:
                    break
        finally:
            _here.run = None
        found = Outcomes(outcomes, took_s)
        if first is not None:
            raise CallsFailed(found) from first
        return found

    def _blocks(self, load: Callable[[bytes], Sequence[Call]]) -> Iterator[Sequence[Call]]:
        left, skip = self.calls, self.skip
        for pickled in self.pickles:
            part = load(pickled)[skip : skip + left]
            left, skip = left - len(part), 0
            yield part


class _Run:
    """How far a chunk is; another thread may look."""

    def __init__(self, calls: int, stop_s: float | None) -> None:
        self._calls = calls
        self._until = math.inf if stop_s is None else time.perf_counter() + stop_s
        self._begun = 0
        self.is_ended = False
        #: Whether a call was not made, for time was up.

    def in_time(self, calls: Iterable[Call]) -> Iterator[Call]:
        """Yield calls for as long as there is time; the first of all in any case."""
        clock, until = time.perf_counter, self._until
        for args in calls:
            # In this order: whoever has seen that time is up has seen every call that is made.
            self._begun += 1
            if clock() > until and self._begun > 1:
                self._begun -= 1
                self.is_ended = True
                return
            yield args

    def kept(self) -> int | None:
        """Return how many calls are made at most, once that is known and less than all."""
        if time.perf_counter() <= self._until:
            return None
        begun = max(1, self._begun)
        return begun if begun < self._calls else None


class _Place:
    """Holds the chunk that runs in this process, which runs one job at a time."""

    run: _Run | None = None


_here = _Place()


def kept_calls() -> int | None:
    """Return how many calls the chunk that runs here makes at most, once its time is up.

    None before, where it makes all of its calls, and where no chunk runs. From any thread.
    """
    run = _here.run
    return None if run is None else run.kept()


@dataclass(frozen=True, slots=True)
class Raised:
    """What a call raised, in the place of its value."""

    error: ErrorInfo
    pickled: bytes | None
    #: The exception itself; None where it cannot be pickled.


@dataclass(frozen=True, slots=True, repr=False)
class Outcomes:
    """What came of a chunk's calls, in their order; fewer than the calls where time was up."""

    values: list[Any]
    #: Values, and `Raised` where there is none.
    took_s: float
    #: By the calls alone.

    def __repr__(self) -> str:
        shown = ", ".join(f"{value!r:.40}" for value in self.values[:5])
        more = ", …" if len(self.values) > 5 else ""
        return f"<{len(self.values):,} results: {shown}{more}>"


class CallsFailed(Exception):
    """Some calls of a chunk raised an exception; its cause is, on the worker, the first of them."""

    def __init__(self, outcomes: Outcomes) -> None:
        super().__init__(outcomes)
        self.outcomes = outcomes

    def __str__(self) -> str:
        failed = [value for value in self.outcomes.values if isinstance(value, Raised)]
        return (
            f"{len(failed)} of {len(self.outcomes.values)} calls failed: {failed[0].error.summary}"
        )

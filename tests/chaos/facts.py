"""What was seen while faults were made, one frozen class a fact, in the past tense.

A fact holds strings and numbers only, so that a line of JSON is all there is to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Step = Literal["begin", "end"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Something that was seen; `Entry` says when and by whom."""


# Of a client


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted(Fact):
    """The client was told that its request under an idempotency key became this job."""

    key: str
    #: Unique over all owners of the run; the same key noted twice is the same request.
    job: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Began(Fact):
    """The client's watcher reads a log from after this place; not noted means from its start."""

    epoch: str
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Received(Fact):
    """The client's watcher took one event."""

    epoch: str
    seq: int
    type: str
    job: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GapTold(Fact):
    """The client was told that it missed something; it resumed after `seq`, with fresh records."""

    epoch: str
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaughtUp(Fact):
    """The client holds that it has all of a log. Noted when nothing more will be logged."""

    epoch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished(Fact):
    """The client's future was concluded; one for each call of a done callback."""

    job: str
    state: str
    #: A final one of `taskkit.protocol.jobs.JobState`.
    value: Any = None
    #: What it was concluded with, as JSON; for a failed job, what tells its error from others.


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten(Fact):
    """The client was told that the server knows the job no longer."""

    job: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Left(Fact):
    """The client was closed; what comes later is not told to it."""


# Of the task that a job runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran(Fact):
    """The task's own code began or ended in this process: its side effect."""

    job: str
    attempt: int
    pid: int
    step: Step


# Of the ledger, read at the end


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged(Fact):
    """An event is in an owner's log."""

    owner: str
    #: ``@workers`` for the log of the workers.
    epoch: str
    seq: int
    type: str
    job: str = ""
    attempt: int = 0
    #: 0 where the event names none.


@dataclass(frozen=True, slots=True, kw_only=True)
class Trimmed(Fact):
    """An owner's log begins at `first_seq`; what was before is no longer there."""

    owner: str
    epoch: str
    first_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept(Fact):
    """The ledger's record of a job."""

    owner: str
    job: str
    state: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandoned(Fact):
    """A log was given up, since its numbers stand for other events now; readers must be told."""

    epoch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Fact):
    """What a process of the stack held before all faults, or when all was calm after them."""

    part: str
    pid: int
    when: Literal["before", "after"]
    rss_bytes: int
    #: Resident, as the kernel counts it.
    files: int
    #: Open file descriptors.


# Of whoever makes the faults


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultBegan(Fact):
    """From now on something is broken."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultEnded(Fact):
    """It is mended."""

    name: str


class Entry(NamedTuple):
    """A fact with its time and its witness."""

    t: float
    #: Seconds on `time.monotonic`, which all processes of one machine share.
    who: str
    #: ``client-3``, ``job``, ``ledger`` or ``fault``.
    fact: Fact


FACTS: dict[str, type[Fact]] = {kind.__name__: kind for kind in Fact.__subclasses__()}
"""The name in a line of the record -> the class."""

"""How far a reader has read a log, and the only place that knows about loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .events import Event


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a log: everything up to and including `seq` of `epoch` was read."""

    epoch: str = ""
    #: The log's identity; another epoch is another log, whose numbers mean nothing here.
    seq: int = 0
    at: int = field(default=0, compare=False)
    #: When the event at `seq` happened, as it says itself; 0 where that is not known. It tells the
    #: log that was read from one that was restored from an older copy and has grown again.

    def receive(self, epoch: str, events: Sequence[Event]) -> Received:
        """Take a stretch of the log and say what is new in it.

        `events` are in order and without holes among themselves, as a ledger gives them. Those
        already read are dropped. Where the stretch begins behind a hole, or comes from another
        epoch, nothing is taken and `Received.is_gap` is True: the reader must resume from its
        cursor, or start over from a snapshot.
        """
        if epoch != self.epoch:
            return Received(self, (), is_gap=True)
        fresh = tuple(event for event in events if event.seq > self.seq)
        if not fresh:
            return Received(self, (), is_gap=False)
        if fresh[0].seq != self.seq + 1:
            return Received(self, (), is_gap=True)
        return Received(Cursor(epoch, fresh[-1].seq, fresh[-1].at), fresh, is_gap=False)


@dataclass(frozen=True, slots=True)
class Received:
    """What `Cursor.receive` made of a stretch of the log."""

    cursor: Cursor
    #: Where the reader stands now.
    fresh: tuple[Event, ...]
    #: What it had not read before, in order.
    is_gap: bool
    #: Whether something is missing before the stretch.

"""What a job's own process has in place of ledger and blobs: somebody to ask."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence

from taskkit.blobs import Blobs, Buffer, Content
from taskkit.blobs.content import flat, pieces
from taskkit.blobs.store import hash_and_write
from taskkit.ledger import JobRef, Lease, StoredResult, Write
from taskkit.protocol import wire
from taskkit.protocol.events import Event

from ..patience import PatientBlobs
from ..performance import Performed
from .frames import PIECE_BYTES, Says
from .line import Line


class Remote:
    """Takes what the job says, and brings what it is made of; see `Takes` and `Source`."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def append(self, _lease: Lease, number: int, events: Sequence[Event]) -> Write:
        """Have a batch of events taken; see `Ledger`."""
        answer = self._line.ask(
            Says.APPEND, number=number, events=[_said(event) for event in events]
        )
        return Write(answer.facts["write"])

    def function(self, _owner: str, _digest: str) -> bytes | None:
        """Return the function that the job calls."""
        answer = self._line.ask(Says.FUNCTION)
        return bytes(answer.body) if answer.facts["is_found"] else None

    def result(self, ref: JobRef) -> StoredResult | None:
        """Return what a job has returned that this one is given."""
        answer = self._line.ask(Says.JOB_RESULT, job=ref.id)
        media_type = answer.facts["media_type"]
        if media_type is None:
            return None
        return StoredResult(media_type=media_type, body=bytes(answer.body))

    def end(self, performed: Performed) -> None:
        """Say what became of the task, and return when that is said."""
        result = performed.result
        self._line.say_last(
            Says.RESULT,
            b"" if result is None else result.body,
            outcome=_said(performed.outcome),
            is_retryable=performed.is_retryable,
            media_type=None if result is None else result.media_type,
            blobs=[] if result is None else list(result.blobs),
            sheets=[sheet.text for sheet in performed.sheets],
        )


class RemoteBlobs:
    """The owner's store; see `OwnsBlobs` and `Blobs`."""

    def __init__(self, line: Line, *, is_there: bool) -> None:
        self._line = line
        self._is_there = is_there
        self._writing = threading.Lock()
        #: One blob at a time: what is displayed is kept while the result is.

    def of(self, _owner: str) -> Blobs | None:
        """Return it."""
        return self if self._is_there else None

    def patient(self, _owner: str) -> Blobs | None:
        """Return it as one that is waited for."""
        return PatientBlobs(self) if self._is_there else None

    def missing(self, digests: Iterable[str]) -> list[str]:
        """Return those that are not there."""
        found: list[str] = self._line.ask(Says.MISSING, digests=list(digests)).facts["digests"]
        return found

    def write(self, digest: str, content: Content) -> None:
        """Keep a blob."""
        with self._writing:
            at = 0
            for piece in pieces(content):
                view = flat(piece)
                for part in (view[n : n + PIECE_BYTES] for n in range(0, view.nbytes, PIECE_BYTES)):
                    self._line.ask(Says.PIECE, part, at=at)
                    at += part.nbytes
            if at:  # nobody keeps what is nothing
                self._line.ask(Says.WRITE, digest=digest)

    def keep(self, content: Buffer) -> str:
        """Keep bytes that were just made, and return their digest."""
        return hash_and_write(self, content)

    def read(
        self, digest: str, *, size_bytes: int | None = None, is_checked: bool = False
    ) -> memoryview:
        """Return a blob's bytes."""
        whole, at = memoryview(bytearray()), 0
        while True:
            answer = self._line.ask(
                Says.READ, digest=digest, at=at, size_bytes=size_bytes, is_checked=is_checked
            )
            if at == 0:
                whole = memoryview(bytearray(answer.facts["size_bytes"]))
            whole[at : at + len(answer.body)] = answer.body
            at += len(answer.body)
            if at >= whole.nbytes:
                return whole


def _said(event: Event) -> dict[str, object]:
    said = wire.event_to_wire(event)
    return {"type": said["type"], "data": said["data"]}

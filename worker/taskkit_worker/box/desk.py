"""What a job's own process is given of what it asks for: its own owner's, and its job's, alone."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Callable, Mapping
from typing import IO, Any

from taskkit.blobs import Blobs, digest_of
from taskkit.blobs.digest import is_digest
from taskkit.ledger import Claim, JobRef, StoredResult, Write
from taskkit.protocol.errors import BlobDamaged, BlobNotFound, DiskFull, TaskkitError
from taskkit.protocol.events import Event, UsageReported
from taskkit.protocol.jobs import Usage
from taskkit.protocol.limits import MAX_BLOB_BYTES

from ..performance import Source
from ..reporter import Takes
from .frames import PIECE_BYTES, Frame, GarbledError, Says, Told
from .hearsay import Hearsay, digests


class Desk:
    """Of one attempt."""

    def __init__(
        self,
        claim: Claim,
        *,
        reports: Takes,
        source: Source,
        blobs: Blobs | None,
        measure: Callable[[], Usage],
    ) -> None:
        self._lease, self._spec = claim.lease, claim.spec
        self._owner = claim.lease.ref.owner
        self._reports = reports
        self._source = source
        self._blobs = blobs
        self._measure = measure
        #: Says what the job's processes take; nobody takes their own word for that.
        self._hearsay = Hearsay()
        self._number = 0
        self.is_wanted = True
        #: Whether the lease still held when it was last heard.
        self._read: tuple[str, memoryview] | None = None
        #: The blob of which a piece was asked for last.
        self._spool: IO[bytes] | None = None
        #: What has come of the one that is being written.

    def answer(self, asked: Frame) -> Frame:
        """Return what it is answered.

        Raises:
            GarbledError: It asks what it never would if it were what it should be.
        """
        number = asked.facts.get("id")
        if type(number) is not int or not 0 < number < 2**53:
            raise GarbledError("it asks for no answer")
        try:
            facts, body = self._answer(asked)
        except TaskkitError as error:
            return Frame(
                Told.ANSWER, {"id": number, "error": type(error).__name__, "why": str(error)}
            )
        return Frame(Told.ANSWER, {"id": number, **facts}, body)

    def close(self) -> None:
        """Let go of what was half written or read."""
        self._read = None
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    def _answer(self, asked: Frame) -> tuple[dict[str, object], bytes | memoryview]:
        facts = asked.facts
        match asked.kind:
            case Says.APPEND:
                return self._append(facts.get("number"), facts.get("events")), b""
            case Says.FUNCTION:
                return self._function()
            case Says.JOB_RESULT:
                return self._job_result(facts.get("job"))
            case Says.MISSING:
                missing = self._store().missing(digests(facts.get("digests")))
                return {"digests": missing}, b""
            case Says.READ:
                return self._piece(facts)
            case Says.PIECE:
                self._add(facts.get("at"), asked.body)
                return {}, b""
            case Says.WRITE:
                self._write(facts.get("digest"))
                return {}, b""
        raise GarbledError("it asks for what there is not")

    def _append(self, number: object, said: object) -> dict[str, object]:
        # The next, or the last again: whether that had arrived was not known.
        if type(number) is not int or number not in (self._number, self._number + 1) or not number:
            raise GarbledError("it does not count what it says")
        heard = self._hearsay.events(said)
        self._number = number
        answer = self._reports.append(self._lease, number, [self._seen(event) for event in heard])
        self.is_wanted = answer is not Write.FENCED
        return {"write": answer.value}

    def _seen(self, event: Event) -> Event:
        return UsageReported(usage=self._measure()) if isinstance(event, UsageReported) else event

    def _function(self) -> tuple[dict[str, object], bytes]:
        if self._spec.function is None:
            raise GarbledError("it asks for a function, and has none")
        found = self._source.function(self._owner, self._spec.function)
        return {"is_found": found is not None}, found or b""

    def _job_result(self, job: object) -> tuple[dict[str, object], bytes]:
        if not isinstance(job, str) or job not in self._spec.after:
            raise GarbledError("it asks for a job's result that it was not given")
        found: StoredResult | None = self._source.result(JobRef(self._owner, job))
        if found is None:
            return {"media_type": None}, b""
        return {"media_type": found.media_type}, found.body

    def _store(self) -> Blobs:
        if self._blobs is None:
            raise BlobNotFound("this worker was told of no place for blobs")
        return self._blobs

    def _piece(self, facts: Mapping[str, Any]) -> tuple[dict[str, object], memoryview]:
        match facts:
            case {"digest": str(digest), "at": int(at), "is_checked": bool(is_checked)} if (
                is_digest(digest) and 0 <= at <= MAX_BLOB_BYTES
            ):
                size = facts.get("size_bytes")
            case _:
                raise GarbledError("it asks for no piece of a blob")
        if size is not None and (type(size) is not int or not 0 <= size <= MAX_BLOB_BYTES):
            raise GarbledError("it asks for a blob of no size")
        if at == 0 or self._read is None or self._read[0] != digest:
            found = self._store().read(digest, size_bytes=size, is_checked=is_checked)
            self._read = (digest, found)
        view = self._read[1]
        if at + PIECE_BYTES >= view.nbytes:
            self._read = None  # whoever has the last piece asks for no other
        return {"size_bytes": view.nbytes}, view[at : at + PIECE_BYTES]

    def _add(self, at: object, body: bytes | bytearray | memoryview) -> None:
        if self._spool is None:
            self._spool = tempfile.TemporaryFile(prefix="taskkit-blob-")  # noqa: SIM115
        if at == 0:  # one that was begun before was given up
            self._spool.seek(0)
            self._spool.truncate()
        if type(at) is not int or at != self._spool.tell() or at + len(body) > MAX_BLOB_BYTES:
            raise GarbledError("it writes what is no piece of a blob")
        try:
            self._spool.write(body)
            self._spool.flush()
        except OSError as error:
            self._spool = None
            raise DiskFull(f"a result cannot be kept on its way: {error}") from None

    def _write(self, digest: object) -> None:
        if not is_digest(digest) or self._spool is None or not self._spool.tell():
            raise GarbledError("it writes what is no blob")
        content = memoryview(mmap.mmap(self._spool.fileno(), 0, access=mmap.ACCESS_READ))
        # A store may believe who writes into it; this one is a stranger.
        if digest_of(content) != digest:
            raise BlobDamaged(f"blob {digest}: its content was changed while it was kept")
        self._store().write(str(digest), content)

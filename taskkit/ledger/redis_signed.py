"""The ledger on Redis where Redis is not trusted: what is run or unpickled is signed.

Signed when it is written, by the server (jobs, functions) or a worker (results, exceptions), and
verified when it is read, by the other. JSON that is only shown is not. A job is handed to a worker
unverified, so that it can end it with words; see `protocol.signed_spec.open_spec`.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..protocol import wire
from ..protocol.cursor import Cursor
from ..protocol.errors import BadSignature, FunctionNotFound
from ..protocol.events import Event, JobFailed, JobSucceeded
from ..protocol.jobs import JobRecord, ResultInfo
from ..protocol.signed_spec import kept_as, open_spec, sign_spec
from ..protocol.signing import Keyring
from ..protocol.spec import JobSpec, function_digest
from .redis import RedisLedger
from .terms import (
    JobRef,
    Lease,
    LogPage,
    Made,
    Ran,
    StoredResult,
    Submission,
    WakeUp,
)

FUNCTION, RESULT = "the function", "the result"


class SignedLedger(RedisLedger):
    """`RedisLedger` that signs and verifies. With a ring of no keys it refuses what is signed."""

    def __init__(self, url: str, keys: Keyring, **terms: Any) -> None:
        super().__init__(url, **terms)
        self._signing = keys

    def submit(
        self,
        owner: str,
        requests: Sequence[tuple[str, JobSpec]],
        *,
        message: WakeUp | None = None,
    ) -> list[Submission]:
        signed = [(key, sign_spec(spec, owner, self._signing)) for key, spec in requests]
        try:
            return super().submit(owner, signed, message=message)
        except FunctionNotFound as error:
            digest = function_digest(str(error.details["function"]))
            if not self._sign_anew(owner, digest):
                raise FunctionNotFound(function=digest) from None
        return self.submit(owner, requests, message=message)

    def spec(self, ref: JobRef) -> JobSpec | None:
        spec = super().spec(ref)
        return spec and open_spec(spec, ref.owner, self._signing)

    def made(self, ref: JobRef) -> Made | None:
        made = super().made(ref)
        if made is None:
            return None
        spec = made.spec
        if spec.function is not None and not spec.payload:  # there is nothing left to verify
            return replace(made, spec=replace(spec, function=function_digest(spec.function)))
        return replace(made, spec=open_spec(spec, ref.owner, self._signing))

    def put_function(self, owner: str, digest: str, pickled: bytes) -> None:
        signed = self._signing.sign(pickled, FUNCTION, owner, digest)
        super().put_function(owner, kept_as(digest, self._signing), signed)

    def function(self, owner: str, digest: str) -> bytes | None:
        for place in range(max(1, len(self._signing.keys))):
            signed = super().function(owner, kept_as(digest, self._signing, place))
            if signed is not None:
                return bytes(self._signing.open(signed, FUNCTION, owner, digest))
        return None

    def _sign_anew(self, owner: str, digest: str) -> bool:
        """Keep under the first key what is kept under another; return whether there was any."""
        try:
            pickled = self.function(owner, digest) if self._signing else None
        except BadSignature:
            return False  # the client sends it again
        if pickled is not None:
            self.put_function(owner, digest, pickled)
        return pickled is not None

    # Results

    def result(self, ref: JobRef) -> StoredResult | None:
        stored = super().result(ref)
        if stored is None or stored.media_type == wire.JSON:
            return stored
        return replace(stored, body=self._opened(ref, stored.media_type, stored.body))

    def _ending(
        self,
        lease: Lease,
        outcome: JobSucceeded | JobFailed,
        result: StoredResult | None,
        is_retryable: bool,
        ran: Ran | None,
        *another: str | int,
    ) -> tuple[str | bytes | int, ...]:
        if self._signing and result is not None and result.media_type != wire.JSON:
            whose = (*lease.ref, result.media_type)
            result = replace(result, body=self._signing.sign(result.body, RESULT, *whose))
            if isinstance(outcome, JobSucceeded) and outcome.result.inline is not None:
                inline = b64encode(result.body).decode()
                outcome = replace(outcome, result=replace(outcome.result, inline=inline))
        return super()._ending(lease, outcome, result, is_retryable, ran, *another)

    def records(self, refs: Sequence[JobRef]) -> list[JobRecord | None]:
        found = zip(refs, super().records(refs), strict=True)
        return [
            replace(record, result=self._inline_opened(ref, record.result))
            if record is not None and record.result is not None
            else record
            for ref, record in found
        ]

    def read(self, log: str, after: Cursor, *, limit: int = 500) -> LogPage:
        return self._page_opened(log, super().read(log, after, limit=limit))

    def follow(self, cursors: Mapping[str, Cursor], *, timeout_s: float) -> dict[str, LogPage]:
        pages = super().follow(cursors, timeout_s=timeout_s)
        return {log: self._page_opened(log, page) for log, page in pages.items()}

    def _page_opened(self, owner: str, page: LogPage) -> LogPage:
        if not any(isinstance(event, JobSucceeded) for event in page.events):
            return page
        return replace(page, events=tuple(self._event_opened(owner, one) for one in page.events))

    def _event_opened(self, owner: str, event: Event) -> Event:
        if not isinstance(event, JobSucceeded):
            return event
        return replace(event, result=self._inline_opened(JobRef(owner, event.job), event.result))

    def _inline_opened(self, ref: JobRef, result: ResultInfo) -> ResultInfo:
        """Return what is known of a result; without itself where its signature is wrong.

        Who then asks for it is told.
        """
        if result.inline is None or result.media_type == wire.JSON:
            return result
        try:
            body = self._opened(ref, result.media_type, b64decode(result.inline))
        except (BadSignature, ValueError):
            return replace(result, inline=None)
        return replace(result, inline=b64encode(body).decode())

    def _opened(self, ref: JobRef, media_type: str, body: bytes) -> bytes:
        return bytes(self._signing.open(body, RESULT, *ref, media_type))

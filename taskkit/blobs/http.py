"""Blobs of a server, over HTTP, with a cache on this side."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from ..protocol.errors import (
    BlobDamaged,
    DecodeError,
    NotReachable,
    OffsetMismatch,
    PayloadTooLarge,
)
from .cache import Cache
from .content import Buffer, Content, flat
from .patience import Patience
from .sender import Sender, checked
from .store import hash_and_write

PART_BYTES = 16 * 2**20
"""How much is sent in one request. Of one that is cut, what arrived is kept."""

PIECE_BYTES = 2**20
ASKED_AT_ONCE = 10_000


class HttpStore:
    """What the routes under ``/blobs`` offer. A transfer that is cut goes on where it was.

    Safe from any thread. pause: how to wait some seconds between one try and the next.
    """

    def __init__(
        self, http: Sender, cache: Cache, *, pause: Callable[[float], object] = time.sleep
    ) -> None:
        self._http = http
        self._cache = cache
        self._pause = pause

    def missing(self, digests: Iterable[str]) -> list[str]:
        """Return those that the server does not have; see `Blobs`."""
        asked = list(dict.fromkeys(digests))
        found: list[str] = []
        for at in range(0, len(asked), ASKED_AT_ONCE):
            body = json.dumps({"digests": asked[at : at + ASKED_AT_ONCE]}).encode()
            headers = {"Content-Type": "application/json"}
            answer = checked(self._http.send("POST", "/blobs/missing", headers, body))
            found += json.loads(answer.data)["missing"]
        return found

    def write(self, digest: str, content: Content) -> None:
        """Send a blob to the server; see `Blobs`.

        Raises:
            NotReachable: The connection was cut again and again.
        """
        if not isinstance(content, Buffer):
            self._cache.write(digest, content)
            content = self._cache.read(digest)
        view = flat(content)
        patience = Patience(self._pause)
        while True:
            offset = 0
            try:
                for offset in self._parts(digest, view):
                    patience.went_on(offset)
                return
            except (NotReachable, OffsetMismatch, BlobDamaged) as error:
                patience.wait(error)

    def keep(self, content: Buffer) -> str:
        """Keep bytes that were just made, and return their digest; see `Blobs`."""
        return hash_and_write(self, content)

    def read(
        self, digest: str, *, size_bytes: int | None = None, is_checked: bool = False
    ) -> memoryview:
        """Return a blob's bytes, mapped from the cache; see `Blobs`.

        Raises:
            NotReachable: The connection was cut again and again.
        """
        patience = Patience(self._pause)
        while self._cache.missing([digest]):
            try:
                for offset in self._received(digest):
                    patience.went_on(offset)
                self._cache.finish(digest)
            except (NotReachable, OffsetMismatch, BlobDamaged) as error:
                patience.wait(error)
        return self._cache.read(digest, size_bytes=size_bytes, is_checked=is_checked)

    def _parts(self, digest: str, view: memoryview) -> Iterator[int]:
        """Send what the server lacks; yield how much it has by then."""
        offset, is_complete = self._progress(digest, view.nbytes)
        while not is_complete:
            yield offset
            part = view[offset : offset + PART_BYTES]
            end = offset + part.nbytes
            headers = {
                "Content-Type": "application/partial-upload",
                "Upload-Offset": str(offset),
                "Upload-Length": str(view.nbytes),
                "Upload-Complete": "?1" if end == view.nbytes else "?0",
            }
            answer = checked(self._http.send("PUT", f"/blobs/{digest}", headers, part))
            answer.drain_conn()
            is_complete, offset = _is_complete(answer), end
            if offset == view.nbytes and not is_complete:
                raise DecodeError(f"the server does not say whether it has blob {digest}")

    def _progress(self, digest: str, size_bytes: int) -> tuple[int, bool]:
        """Return how many bytes the server has, and whether it has the blob."""
        answer = self._http.send("HEAD", f"/blobs/{digest}", {})
        answer.drain_conn()
        if answer.status == 404:
            offset, is_complete = 0, False
        else:
            offset = int(checked(answer).headers.get("Upload-Offset") or 0)
            is_complete = _is_complete(answer)
        _require_fit(answer, size_bytes)
        if offset > size_bytes:
            raise BlobDamaged(f"the server has more bytes of blob {digest} than it has")
        return offset, is_complete

    def _received(self, digest: str) -> Iterator[int]:
        """Receive what the cache lacks; yield how much it has by then."""
        partial = self._cache.partial(digest)
        offset = partial.offset()
        headers = {"Accept-Encoding": "identity"}
        if offset:
            headers |= {"Range": f"bytes={offset}-", "If-Range": f'"{digest}"'}
        answer = self._http.send("GET", f"/blobs/{digest}", headers)
        if answer.status == 416 and offset:  # all of it had come before
            answer.drain_conn()
            return
        size_bytes = int(checked(answer).headers.get("Content-Length") or 0)
        partial.require_room(size_bytes)
        offset = _start(answer)
        try:
            for piece in answer.stream(PIECE_BYTES, decode_content=False):
                offset = partial.append(offset, piece)
                yield offset
        except HTTPError as error:
            raise NotReachable(f"blob {digest} was cut at byte {offset:,}: {error}") from error
        finally:
            answer.release_conn()


def _is_complete(answer: BaseHTTPResponse) -> bool:
    return answer.headers.get("Upload-Complete") == "?1"


def _start(answer: BaseHTTPResponse) -> int:
    """Return the place in the blob where an answer's bytes begin. Source: RFC 9110, 14.4."""
    if answer.status != 206:
        return 0
    text = answer.headers.get("Content-Range", "")
    start = text.removeprefix("bytes ").partition("-")[0]
    if not start.isdecimal():
        raise DecodeError(f"the server answers a range without saying which: {text[:80]!r}")
    return int(start)


def _require_fit(answer: BaseHTTPResponse, size_bytes: int) -> None:
    """Refuse, before it is sent, what the server says it will not take."""
    limit = answer.headers.get("Upload-Limit", "").partition("max-size=")[2].partition(",")[0]
    if limit.isdecimal() and size_bytes > int(limit):
        raise PayloadTooLarge(
            f"a value takes {size_bytes / 2**20:,.0f} MiB; the server takes "
            f"{int(limit) / 2**20:,.0f} MiB at most"
        )

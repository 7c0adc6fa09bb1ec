"""What a job displays, kept as blobs where it is not small."""

from __future__ import annotations

import sys
import threading
from base64 import b64encode
from typing import NamedTuple

from taskkit.blobs import Blobs, digest_of
from taskkit.protocol.errors import (
    BlobNotFound,
    DiskFull,
    NotReachable,
    PayloadTooLarge,
    Unavailable,
)
from taskkit.protocol.jobs import Figure
from taskkit.travel.values import readable

MOST_FIGURES = 8
"""Of an attempt: a panel is no gallery."""

MOST_BYTES = 2**20
"""Of all of an attempt's figures together; a saved notebook has them all."""

INLINE_BYTES = 2048
"""Up to this size a figure travels in the event itself."""


class _Displayed(NamedTuple):
    media_type: str
    data: bytes
    text: str
    is_named: bool


class Figures:
    """Those of one attempt. Safe from any thread."""

    def __init__(self, blobs: Blobs | None) -> None:
        self._blobs = blobs
        #: None where nobody keeps blobs.
        self._lock = threading.Lock()
        self._displayed: dict[str, _Displayed] = {}
        self._unnamed = 0
        self._kept: dict[bytes, Figure] = {}
        #: What has been kept already, by its bytes.
        self._is_told = False
        #: Whether the job was told that there are too many.
        self.is_new = False
        #: Whether something was added since `snapshot`.

    def add(self, name: str | None, media_type: str, data: bytes, text: str) -> None:
        """Add a figure, or put it in the place of the one that has this name."""
        shown = _Displayed(media_type, data, readable(text), name is not None)
        with self._lock:
            if name is None:
                self._unnamed += 1
            key = str(self._unnamed) if name is None else readable(name[:100])
            if self._displayed.get(key) == shown:
                return
            self._displayed[key] = shown
            is_to_be_told = self._make_room() and not self._is_told
            self._is_told |= is_to_be_told
            self.is_new = True
        if is_to_be_told:
            note = (
                f"taskkit: the last {MOST_FIGURES} figures are shown, of {MOST_BYTES // 2**20} MiB "
                'in all; display(…, name="…") takes the place of an earlier one'
            )
            print(note, file=sys.stderr)  # noqa: T201 — into the job's own output

    def snapshot(self) -> tuple[Figure, ...]:
        """Return all figures as they are, each of them kept.

        Raises:
            Unavailable: One cannot be kept at the moment; call it again.
        """
        with self._lock:
            displayed = dict(self._displayed)
            self.is_new = False
        try:
            kept = {key: self._keep(key, shown) for key, shown in displayed.items()}
        except BaseException:
            self.is_new = True
            raise
        self._kept = {displayed[key].data: figure for key, figure in kept.items()}
        return tuple(kept.values())

    def _make_room(self) -> bool:
        """Let go of what is too much, first of what has no name; return whether there was any."""
        figures = self._displayed
        size = sum(len(shown.data) for shown in figures.values())
        before = len(figures)
        while len(figures) > MOST_FIGURES or (size > MOST_BYTES and len(figures) > 1):
            unnamed = [key for key, shown in figures.items() if not shown.is_named]
            size -= len(figures.pop((unnamed or list(figures))[0]).data)
        return len(figures) < before

    def _keep(self, name: str, shown: _Displayed) -> Figure:
        known = self._kept.get(shown.data)
        digest = inline = None
        text = shown.text
        if known is not None:
            digest, inline = known.digest, known.inline
        elif len(shown.data) <= INLINE_BYTES:
            inline = b64encode(shown.data).decode()
        else:
            digest, why_not = self._written(shown.data)
            text = f"{text} ({why_not})" if why_not else text
        return Figure(
            name=name,
            media_type=shown.media_type,
            size_bytes=len(shown.data),
            digest=digest,
            inline=inline,
            text=text,
        )

    def _written(self, data: bytes) -> tuple[str | None, str]:
        """Return the digest of what is kept now, or why it is not: that is not worth a job."""
        if self._blobs is None:
            return None, "not kept: this worker was told of no place for blobs"
        digest = digest_of(data)
        try:
            if self._blobs.missing([digest]):
                self._blobs.write(digest, data)
        except (BlobNotFound, DiskFull, PayloadTooLarge) as error:
            return None, f"not kept: {error}"
        except NotReachable as error:
            raise Unavailable(str(error)) from None
        return digest, ""

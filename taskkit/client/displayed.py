"""What jobs display, brought for panels and for who asks, once a client."""

from __future__ import annotations

import threading
from base64 import b64decode, b64encode
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..blobs.store import Blobs
from ..protocol.errors import BlobDamaged, BlobNotFound, NotReachable, Unavailable
from ..protocol.jobs import Figure
from .errands import Errands

KEPT_BYTES = 16 * 2**20
"""What was brought last is kept, as far as there is room: a panel asks again and again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Displayed:
    """A figure, table or image that a job has displayed; shown in a cell it is that."""

    name: str
    #: What the job calls it; else its number among those that have no name.
    media_type: str
    data: bytes = field(repr=False)
    text: str
    #: What it is in words.

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        is_text = self.media_type.startswith("text/") or self.media_type == "image/svg+xml"
        data = self.data.decode(errors="replace") if is_text else b64encode(self.data).decode()
        return {"text/plain": self.text, self.media_type: data}


class Contents:
    """The bytes of figures. Safe from any thread; its own one begins when first needed."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._errands = Errands("taskkit-figures")
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._gone: set[str] = set()
        self._underway: dict[str, _Underway] = {}

    def get(
        self, figure: Figure, arrived: Callable[[], object], *, wait_s: float = 0.0
    ) -> bytes | None:
        """Return what a figure is: empty where it is not to be had, None where it is not here yet.

        It is waited for `wait_s` seconds at most; comes it later, `arrived()` is called, in a
        thread of the client's. While the server is away, ask again.
        """
        if figure.inline is not None:
            return b64decode(figure.inline)
        if figure.digest is None:
            return b""
        with self._lock:
            found = self._found(figure.digest)
            if found is not None:
                return found
            underway = self._underway.get(figure.digest)
            is_new = underway is None
            if underway is None:
                underway = self._underway[figure.digest] = _Underway()
            underway.arrived.append(arrived)
        if is_new:
            self._errands.run(partial(self._bring, figure.digest, figure.size_bytes, underway))
        underway.is_over.wait(wait_s)
        with self._lock:
            return self._found(figure.digest)

    def read(self, figure: Figure) -> Displayed:
        """Return a figure with its bytes.

        Raises:
            BlobNotFound: They are no longer kept, or never were.
            BlobDamaged, NotReachable, Unavailable: They are not to be had.
        """
        if figure.inline is not None:
            data = b64decode(figure.inline)
        elif figure.digest is None:
            raise BlobNotFound(f"figure {figure.name!r} was not kept: {figure.text}")
        else:
            data = bytes(self._blobs.read(figure.digest, size_bytes=figure.size_bytes))
        return Displayed(
            name=figure.name, media_type=figure.media_type, data=data, text=figure.text
        )

    def stop(self) -> None:
        """End the thread after what it is at."""
        self._errands.stop()

    def _found(self, digest: str) -> bytes | None:
        if digest in self._kept:
            self._kept.move_to_end(digest)
            return self._kept[digest]
        return b"" if digest in self._gone else None

    def _bring(self, digest: str, size_bytes: int, underway: _Underway) -> None:
        data: bytes | None = None
        try:
            data = bytes(self._blobs.read(digest, size_bytes=size_bytes))
        except (BlobNotFound, BlobDamaged):
            data = b""
        except (NotReachable, Unavailable):
            pass  # who still wants it asks again
        finally:
            with self._lock:
                del self._underway[digest]
                self._keep(digest, data)
            underway.is_over.set()
        if data is not None:
            for arrived in underway.arrived:
                arrived()

    def _keep(self, digest: str, data: bytes | None) -> None:
        if data:
            self._kept[digest] = data
            while len(self._kept) > 1 and sum(map(len, self._kept.values())) > KEPT_BYTES:
                self._kept.popitem(last=False)
        elif data is not None:
            self._gone.add(digest)


class _Underway:
    """A figure that is being brought."""

    def __init__(self) -> None:
        self.is_over = threading.Event()
        self.arrived: list[Callable[[], object]] = []

"""What every store of blobs can do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

from .content import Buffer, Content
from .digest import digest_of

if TYPE_CHECKING:
    from .partial import Partial

LEFTOVER_S = 24 * 3600.0
"""How long a half-written blob is kept, so that its upload can go on."""


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """One blob of a store."""

    digest: str
    size_bytes: int
    written_at: int
    #: When it was written, or in a folder last asked for by `missing`; ms since the Unix epoch.


class Blobs(Protocol):
    """A store as those see it who send and receive."""

    def missing(self, digests: Iterable[str]) -> list[str]:
        """Return those that are not here, each once, in their order.

        Who asks means to use them: in a folder, those that are here count as written now, so that
        a collector which spares young blobs does not take them in between.

        Raises:
            Unavailable: The store cannot be asked at the moment.
        """

    def write(self, digest: str, content: Content) -> None:
        """Keep a blob; one that is here already is not written again.

        Raises:
            BlobDamaged: The content does not have this digest, e.g. because it was changed
                meanwhile. Nothing is kept.
            DiskFull: There is no room. Nothing is left behind.
            PayloadTooLarge: The store takes no blob of this size.
            Unavailable: The store cannot be written at the moment.
        """

    def keep(self, content: Buffer) -> str:
        """Keep bytes that were just made, so that nobody keeps them yet; return their digest.

        It may spare reading them twice, and is in vain where they are here already.

        Raises:
            DiskFull, PayloadTooLarge, Unavailable: As `write`.
        """

    def read(
        self, digest: str, *, size_bytes: int | None = None, is_checked: bool = False
    ) -> memoryview:
        """Return a blob's bytes as memory of the caller's own, which may be written.

        Where the bytes are in a file they are mapped: nothing is read before it is used, what is
        not written is shared with all who read the blob, and what is written touches neither the
        file nor them. Each call gives other memory.

        `size_bytes`: how large it must be. `is_checked`: whether to compare all of it with the
        digest, at some GB/s.

        Raises:
            BlobNotFound: It is not here.
            BlobDamaged: It has another size or other bytes. It is set aside, so that it is missing
                from now on and can be written anew.
            Unavailable: The store cannot be read at the moment.
        """


class BlobStore(Blobs, Protocol):
    """A store as those see it who keep it."""

    def delete(self, digests: Iterable[str]) -> None:
        """Remove blobs, if they are here. Who has mapped one keeps its memory."""

    def listing(self) -> Iterator[BlobInfo]:
        """Yield all blobs, in no order."""

    def sweep(self, older_than_s: float = LEFTOVER_S) -> int:
        """Remove what was begun and not touched for so long; return how many files that were."""

    def open(self, digest: str) -> BinaryIO:
        """Return a blob as an open file, which stays readable when the blob is deleted.

        Raises:
            BlobNotFound: It is not here.
            Unavailable: The store cannot be read at the moment.
        """

    def partial(self, digest: str) -> Partial:
        """Return a blob as it arrives in parts; `finish` keeps it."""

    def finish(self, digest: str) -> None:
        """Keep a blob all of whose parts have come.

        Raises:
            BlobDamaged: They do not have this digest; they are dropped.
            DiskFull, Unavailable: See `write`.
        """


def hash_and_write(store: Blobs, content: Buffer) -> str:
    """Do as `Blobs.keep`, where it cannot be hashed while it is written."""
    digest = digest_of(content)
    if store.missing([digest]):
        store.write(digest, content)
    return digest

"""Blobs at a URL: S3, Google's or Azure's storage, whatever fsspec reaches."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, BinaryIO

from ..protocol.errors import BlobDamaged, BlobNotFound, Unavailable
from .cache import Cache
from .content import Buffer, Content, flat, pieces
from .digest import hasher, is_digest
from .partial import Partial
from .store import LEFTOVER_S, BlobInfo, hash_and_write

PIECE_BYTES = 4 * 2**20
_ASKED_AT_ONCE = 16
_TIMES = ("LastModified", "last_modified", "mtime", "updated", "created")
"""What file systems call the time of a file's last change."""


class UrlStore:
    """Keeps each blob in ``<url>/<first two digits>/<digest>``; what is read is kept in `cache`.

    A blob is seen by others when all of it is there, as object stores have it. `options` are those
    of the file system, such as keys.

    Source: fsspec's documentation, "Transactions": files opened with ``autocommit=False``.
    """

    def __init__(self, url: str, cache: Cache, **options: Any) -> None:
        import fsspec  # type: ignore[import-untyped]

        # What others have written since must be seen.
        self._files, self._root = fsspec.url_to_fs(url, use_listings_cache=False, **options)
        self._cache = cache

    def missing(self, digests: Iterable[str]) -> list[str]:
        """Return those that are not here; see `Blobs`."""
        asked = list(dict.fromkeys(digests))
        with self._errors(), ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
            found = list(pool.map(self._files.exists, map(self._path, asked)))
        return [digest for digest, is_here in zip(asked, found, strict=True) if not is_here]

    def write(self, digest: str, content: Content) -> None:
        """Keep a blob; see `Blobs`."""
        path = self._path(digest)
        with self._errors():
            if self._files.exists(path):
                return
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            file = self._files.open(path, "wb", autocommit=False)
            try:
                self._fill(file, digest, content)
            except BaseException:
                file.close()
                file.discard()
                # fsspec 2026.9 has files in memory seen before they are committed.
                if self._files.protocol == "memory":
                    self._files.rm_file(path)
                raise
            file.close()
            file.commit()

    def keep(self, content: Buffer) -> str:
        """Keep bytes that were just made, and return their digest; see `Blobs`."""
        return hash_and_write(self, content)

    def read(
        self, digest: str, *, size_bytes: int | None = None, is_checked: bool = False
    ) -> memoryview:
        """Return a blob's bytes, mapped from the cache; see `Blobs`."""
        self._fetch(digest)
        return self._cache.read(digest, size_bytes=size_bytes, is_checked=is_checked)

    def open(self, digest: str) -> BinaryIO:
        """Return a blob as an open file in the cache; see `BlobStore`."""
        self._fetch(digest)
        return self._cache.open(digest)

    def delete(self, digests: Iterable[str]) -> None:
        """Remove blobs, here and in the cache; see `BlobStore`."""
        for digest in digests:
            with self._errors(), suppress(FileNotFoundError):
                self._files.rm_file(self._path(digest))
            self._cache.delete([digest])

    def listing(self) -> Iterator[BlobInfo]:
        """Yield all blobs; see `BlobStore`."""
        with self._errors():
            found = self._files.find(self._root, detail=True)
        for path, info in found.items():
            digest = path.rpartition("/")[2]
            if is_digest(digest):
                yield BlobInfo(digest, info["size"], _written_at(info))

    def sweep(self, older_than_s: float = LEFTOVER_S) -> int:
        """Remove what was begun in the cache; see `BlobStore`."""
        return self._cache.sweep(older_than_s)

    def partial(self, digest: str) -> Partial:
        """Return a blob as it arrives in the cache; see `BlobStore`."""
        return self._cache.partial(digest)

    def finish(self, digest: str) -> None:
        """Keep a blob that has arrived in the cache; see `BlobStore`."""
        self._cache.finish(digest)
        self.write(digest, self._cache.read(digest))

    def _fetch(self, digest: str) -> None:
        if not self._cache.missing([digest]):
            return
        try:
            with self._errors():
                file = self._files.open(self._path(digest), "rb", cache_type="none")
        except FileNotFoundError:
            raise BlobNotFound(f"blob {digest} is not in the store") from None
        with file:
            self._cache.write(digest, self._downloaded(file))

    def _downloaded(self, file: Any) -> Iterator[bytes]:
        while True:
            with self._errors():
                piece: bytes = file.read(PIECE_BYTES)
            if not piece:
                return
            yield piece

    def _fill(self, file: Any, digest: str, content: Content) -> None:
        taken = hasher(0)
        for piece in pieces(content):
            view = flat(piece)
            for at in range(0, view.nbytes, PIECE_BYTES):
                # A copy: what is judged must be what is sent, whoever writes to it meanwhile.
                part = bytes(view[at : at + PIECE_BYTES])
                taken.update(part)
                file.write(part)
        if taken.hexdigest() != digest:
            raise BlobDamaged(f"blob {digest}: its content was changed while it was kept")

    def _path(self, digest: str) -> str:
        if not is_digest(digest):
            raise BlobNotFound(f"{str(digest)[:80]!r} is not the digest of a blob")
        return f"{self._root.rstrip('/')}/{digest[:2]}/{digest}"

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (FileNotFoundError, BlobDamaged):
            raise
        except OSError as error:
            raise Unavailable(f"the store of blobs does not answer: {error}") from error


def _written_at(info: dict[str, Any]) -> int:
    """Return ms since the Unix epoch; now, where the file system does not say."""
    moment = next((info[name] for name in _TIMES if info.get(name) is not None), time.time())
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return round((moment.timestamp() if isinstance(moment, datetime) else moment) * 1000)

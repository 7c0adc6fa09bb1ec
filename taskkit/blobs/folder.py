"""Blobs as files in a folder."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ..protocol.errors import BlobDamaged, BlobNotFound, Unavailable
from .content import Buffer, Content
from .digest import digest_of, hasher, is_digest
from .disk import disk_errors, place, private_folder, require_room, temporary, write_hashed
from .mapping import mapped
from .partial import Partial
from .store import LEFTOVER_S, BlobInfo

_FRESH = "00/new"
"""Where bytes are whose digest is not known yet, for `sweep` to find what a crash left of them."""


class FolderStore:
    """Keeps each blob in ``<first two digits>/<digest>``; several processes may share the folder.

    A file gets its name when it is whole, so that a crash leaves only files with other names, which
    `sweep` removes. Files have mode 0600, folders 0700.

    is_durable: whether what was written survives a power cut, for which the disk is waited for.
    """

    def __init__(self, folder: Path, *, is_durable: bool = True) -> None:
        self.folder = folder.absolute()
        self._is_durable = is_durable

    def missing(self, digests: Iterable[str]) -> list[str]:
        """Return those that are not here; see `Blobs`."""
        with disk_errors(self.folder):
            return [digest for digest in dict.fromkeys(digests) if not self._is_kept(digest)]

    def write(self, digest: str, content: Content) -> None:
        """Keep a blob; see `Blobs`."""
        path = self._path(digest)
        with disk_errors(self.folder):
            if self._is_kept(digest):
                return
            private_folder(path.parent, is_durable=self._is_durable)
            require_room(path.parent, _size_bytes(content))
            with temporary(path) as (handle, half):
                # What was written is judged, not what was given: that may change meanwhile.
                if self._written(handle, content) != digest:
                    raise BlobDamaged(f"blob {digest}: its content was changed while it was kept")
                place(handle, half, path, is_durable=self._is_durable)

    def keep(self, content: Buffer) -> str:
        """Keep bytes that were just made, hashed while they are written; see `Blobs`."""
        with disk_errors(self.folder):
            fresh = self.folder / _FRESH
            private_folder(fresh.parent, is_durable=self._is_durable)
            require_room(fresh.parent, _size_bytes(content))
            with temporary(fresh) as (handle, half):
                digest = self._written(handle, content)
                if not self._is_kept(digest):
                    path = self._path(digest)
                    private_folder(path.parent, is_durable=self._is_durable)
                    place(handle, half, path, is_durable=self._is_durable)
        return digest

    def read(
        self, digest: str, *, size_bytes: int | None = None, is_checked: bool = False
    ) -> memoryview:
        """Return a blob's bytes, mapped; see `Blobs`."""
        with self.open(digest) as file:
            try:
                view = mapped(file)
            except OSError as error:
                raise Unavailable(f"blob {digest} cannot be mapped: {error}") from error
        if size_bytes is not None and view.nbytes != size_bytes:
            self._set_aside(digest)
            raise BlobDamaged(
                f"blob {digest} has {view.nbytes:,} bytes in {self.folder} instead of "
                f"{size_bytes:,}: submit again, so that it is written anew"
            )
        if is_checked and digest_of(view) != digest:
            self._set_aside(digest)
            raise BlobDamaged(
                f"blob {digest} has other bytes in {self.folder} than it was written with: "
                "submit again, so that it is written anew"
            )
        return view

    def open(self, digest: str) -> BinaryIO:
        """Return a blob as an open file; see `BlobStore`."""
        try:
            return self._path(digest).open("rb")
        except FileNotFoundError:
            raise BlobNotFound(f"blob {digest} is not in {self.folder}") from None
        except OSError as error:
            raise Unavailable(f"blob {digest} cannot be read: {error}") from error

    def delete(self, digests: Iterable[str]) -> None:
        """Remove blobs; see `BlobStore`."""
        with disk_errors(self.folder):
            for digest in digests:
                self._path(digest).unlink(missing_ok=True)

    def listing(self) -> Iterator[BlobInfo]:
        """Yield all blobs; see `BlobStore`."""
        for path, status in self._files():
            if is_digest(path.name):
                written_at = status.st_mtime_ns // 1_000_000
                yield BlobInfo(path.name, status.st_size, written_at)

    def sweep(self, older_than_s: float = LEFTOVER_S) -> int:
        """Remove leftovers; see `BlobStore`."""
        before = time.time() - older_than_s
        swept = 0
        for path, status in self._files():
            if not is_digest(path.name) and status.st_mtime < before:
                with disk_errors(self.folder):
                    path.unlink(missing_ok=True)
                swept += 1
        return swept

    def partial(self, digest: str) -> Partial:
        """Return a blob as it arrives; see `BlobStore`."""
        return Partial(self._path(digest), is_durable=self._is_durable)

    def finish(self, digest: str) -> None:
        """Keep a blob that has arrived; see `BlobStore`."""
        self.partial(digest).finish()

    def _written(self, handle: int, content: Content) -> str:
        taken = hasher(0)
        write_hashed(handle, content, taken, is_durable=self._is_durable)
        return taken.hexdigest()

    def _path(self, digest: str) -> Path:
        if not is_digest(digest):
            raise BlobNotFound(f"{str(digest)[:80]!r} is not the digest of a blob")
        return self.folder / digest[:2] / digest

    def _is_kept(self, digest: str) -> bool:
        try:
            os.utime(self._path(digest))
        except FileNotFoundError:
            return False
        return True

    def _set_aside(self, digest: str) -> None:
        path = self._path(digest)
        with suppress(OSError):  # another reader has done it, or the folder may not be written
            path.replace(path.with_suffix(".damaged"))

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        with disk_errors(self.folder):
            for path in self.folder.glob("[0-9a-f][0-9a-f]/*"):
                with suppress(FileNotFoundError):  # gone meanwhile
                    yield path, path.stat()


def _size_bytes(content: Content) -> int:
    return memoryview(content).nbytes if isinstance(content, Buffer) else 0

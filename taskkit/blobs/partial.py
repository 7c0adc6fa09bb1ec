"""A blob that arrives in parts, of which each is kept, so that the rest may come later."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..protocol.errors import BlobDamaged, OffsetMismatch
from .content import Buffer, flat
from .digest import digest_of_file
from .disk import disk_errors, place, private_folder, require_room


class Partial:
    """The file that a blob grows in before it gets its name.

    Several may fill it at once, from threads and processes: as all send the same bytes, what one
    has brought the others need not. A sender that has died holds nobody up, since the file is
    locked for one piece at a time.
    """

    def __init__(self, path: Path, *, is_durable: bool) -> None:
        self._path = path
        self._half = path.with_name(f".{path.name}.part")
        self._is_durable = is_durable

    def offset(self) -> int:
        """Return how many bytes are here, from the beginning on."""
        with disk_errors(self._path.parent):
            for path in (self._path, self._half, self._path):  # it may get its name in between
                with suppress(FileNotFoundError):
                    return path.stat().st_size
        return 0

    def require_room(self, size_bytes: int) -> None:
        """Refuse what the disk has no room for.

        Raises:
            DiskFull: So many bytes more would fill it.
        """
        with disk_errors(self._path.parent):
            private_folder(self._path.parent, is_durable=self._is_durable)
            require_room(self._path.parent, size_bytes)

    def append(self, offset: int, piece: Buffer) -> int:
        """Add a piece that begins at `offset`, but for what is here already; return its end.

        Raises:
            OffsetMismatch: Bytes before it are missing; ``details["expected_offset"]`` has where
                to go on.
            DiskFull: There is no room; what had come is dropped, to leave room to others.
            Unavailable: The disk refuses it.
        """
        view = flat(piece)
        end = offset + view.nbytes
        with disk_errors(self._path.parent), self._locked() as handle:
            if self._path.exists():
                return end
            size = os.fstat(handle).st_size
            if offset > size:
                raise offset_mismatch(size, offset)
            try:
                while size < end:
                    size += os.pwrite(handle, view[size - offset :], size)
            except OSError:
                self._half.unlink(missing_ok=True)
                raise
        return end

    def finish(self) -> None:
        """Give the file its name, if its bytes have that digest.

        Raises:
            BlobDamaged: They do not; they are dropped.
            DiskFull, Unavailable: The disk refuses it.
        """
        digest = self._path.name
        with disk_errors(self._path.parent), self._locked() as handle:
            if self._path.exists():
                self._half.unlink(missing_ok=True)
                return
            if digest_of_file(self._half) != digest:
                self._half.unlink(missing_ok=True)
                raise BlobDamaged(f"blob {digest} did not arrive as it was sent: send it again")
            place(handle, self._half, self._path, is_durable=self._is_durable)

    def drop(self) -> None:
        """Forget what has come."""
        with disk_errors(self._path.parent):
            self._half.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Give the file, open, to nobody else; made if it is not there."""
        private_folder(self._path.parent, is_durable=self._is_durable)
        while True:
            handle = os.open(self._half, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                # Who had the lock before may have renamed or removed the file.
                if self._is_current(handle):
                    yield handle
                    return
            finally:
                os.close(handle)

    def _is_current(self, handle: int) -> bool:
        try:
            return os.path.samestat(os.fstat(handle), self._half.stat())
        except FileNotFoundError:
            return False


def offset_mismatch(expected: int, provided: int) -> OffsetMismatch:
    """Return the error that says where an upload must go on."""
    return OffsetMismatch(
        f"the upload must go on at byte {expected:,}, not {provided:,}",
        expected_offset=expected,
        provided_offset=provided,
    )

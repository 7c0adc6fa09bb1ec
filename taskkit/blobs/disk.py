"""Writing files so that they are whole or not there at all."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from ..protocol.errors import DiskFull, TaskkitError, Unavailable
from .content import Content, flat, pieces

RESERVE_BYTES = 32 * 2**20
"""Room that blobs leave free: the ledger may be on the same disk, and must be able to write."""

PART_BYTES = 2**20
"""Hashed and written at a time: what is larger would not stay in a processor's cache."""

BEGUN_BYTES = 8 * 2**20
"""So much is written before the disk is told to begin with it."""


class Hasher(Protocol):
    """What takes bytes to hash."""

    def update(self, data: memoryview, /) -> object:
        """Take some more."""


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Tell what the disk refuses within the block in our own words.

    Raises:
        DiskFull: There is no room left.
        Unavailable: It refused something else.
    """
    try:
        yield
    except TaskkitError:  # some are an OSError too
        raise
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull(
                f"The disk of {folder} is full: make room, or keep blobs on another disk."
            ) from error
        raise Unavailable(f"blobs cannot be kept in {folder}: {error}") from error


def require_room(folder: Path, size_bytes: int) -> None:
    """Refuse what the disk has no room for, before it is begun.

    Raises:
        DiskFull: Fewer than `RESERVE_BYTES` would be left.
    """
    free = shutil.disk_usage(folder).free
    if free - size_bytes < RESERVE_BYTES:
        raise DiskFull(
            f"The disk of {folder} has {free / 2**20:.0f} MiB free; {size_bytes / 2**20:.0f} are "
            f"wanted, and {RESERVE_BYTES // 2**20} must stay free: make room, or keep blobs on "
            "another disk."
        )


def private_folder(folder: Path, *, is_durable: bool) -> None:
    """Make a folder that only its user can enter, if it is not there."""
    if folder.is_dir():
        return
    if not folder.parent.is_dir():
        private_folder(folder.parent, is_durable=is_durable)
    folder.mkdir(mode=0o700, exist_ok=True)
    if is_durable:
        sync_folder(folder.parent)


@contextmanager
def temporary(path: Path) -> Iterator[tuple[int, Path]]:
    """Give an open new file beside `path`, and its name; it is gone after the block, or renamed."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        yield handle, Path(name)
    finally:
        os.close(handle)
        with suppress(FileNotFoundError):
            Path(name).unlink()


def write_hashed(handle: int, content: Content, taken: Hasher, *, is_durable: bool) -> None:
    """Write all of it from the file's beginning on, and have `taken` take what was written.

    That is a copy of each part, which nobody changes meanwhile, and is hashed while it is in the
    processor's cache. What is to be durable the disk begins to write at once, not at the `fsync`.
    """
    part = memoryview(bytearray(PART_BYTES))
    written = begun = 0
    for piece in pieces(content):
        view = flat(piece)
        while view:
            size = min(PART_BYTES, view.nbytes)
            part[:size] = view[:size]
            taken.update(part[:size])
            _write_all(handle, part[:size])
            view, written = view[size:], written + size
            if is_durable and written - begun >= BEGUN_BYTES:
                begin_to_store(handle, begun, written - begun)
                begun = written


def _write_all(handle: int, view: memoryview) -> None:
    while view:  # the system may take less at a time
        view = view[os.write(handle, view) :]


_SYNC_FILE_RANGE_WRITE = 2


def begin_to_store(handle: int, offset: int, size_bytes: int) -> None:
    """Have Linux begin to bring a part of a file to the disk, and do not wait for it.

    Promises nothing; an error is told by the next `fsync`. Source: sync_file_range(2).
    """
    with suppress(OSError, AttributeError):  # another system
        call = ctypes.CDLL(None).sync_file_range
        call.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
        call(handle, offset, size_bytes, _SYNC_FILE_RANGE_WRITE)


def place(handle: int, temporary: Path, path: Path, *, is_durable: bool) -> None:
    """Give a written file its name; where that is to be durable, it survives a power cut.

    Source: Linux man-pages, fsync(2): a file's folder needs an fsync of its own.
    """
    if is_durable:
        os.fsync(handle)
    temporary.replace(path)
    if is_durable:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make durable which names a folder holds."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

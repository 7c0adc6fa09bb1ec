"""A small disk of its own, and a way to fill it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DISK_BYTES = 64 * 2**20


class NoDiskError(Exception):
    """This machine does not allow one; the message says why."""


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Have a new folder be a disk of `DISK_BYTES` within the block.

    Raises:
        NoDiskError: Nothing can be mounted here.
    """
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NoDiskError("there is no mount here") from None
    if mounted.returncode != 0:
        raise NoDiskError(f"mount is not allowed: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Leave not a byte of room on a disk."""
    path = disk / "filler"
    with path.open("wb", buffering=0) as file:
        for size_bytes in (2**16, 1):
            try:
                while True:
                    file.write(b"x" * size_bytes)
            except OSError:
                continue
    try:
        yield
    finally:
        path.unlink()

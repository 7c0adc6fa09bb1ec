"""A file's bytes as private memory."""

from __future__ import annotations

import mmap
import os
import sys
from typing import Any, BinaryIO

_OPTIONS: dict[str, Any] = {"trackfd": False} if sys.version_info >= (3, 13) else {}
"""Before Python 3.13 each mapping holds a file descriptor for as long as it lives."""


def mapped(file: BinaryIO) -> memoryview:
    """Return what a file holds as memory that can be written without touching the file.

    The pages are the system's own, shared by all who map the file, until one is written.

    Raises:
        OSError: The file cannot be mapped.
    """
    if os.fstat(file.fileno()).st_size == 0:  # there is no mapping of nothing
        return memoryview(bytearray())
    return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY, **_OPTIONS))

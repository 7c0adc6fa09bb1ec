"""What `bare_parts` and its processes have in common: how values travel, and by what."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import redis

if TYPE_CHECKING:
    import numpy as np

JOBS = "jobs"

LARGE_BYTES = 2**20


class Kept(NamedTuple):
    """A large array in a file."""

    path: Path
    dtype: str


def packed(value: Any, folder: str) -> Any:
    """Return a value as it travels; a large array is in a file, on the disk, by then."""
    if getattr(value, "nbytes", 0) < LARGE_BYTES:
        return value
    kept = Kept(Path(folder) / uuid.uuid4().hex, value.dtype.str)
    with kept.path.open("wb") as file:
        file.write(memoryview(value).cast("B"))
        file.flush()
        os.fsync(file.fileno())
    return kept


def unpacked(value: Any) -> Any:
    """Return what was packed; an array is mapped, and one's own to change."""
    return _mapped(value) if isinstance(value, Kept) else value


def _mapped(kept: Kept) -> np.ndarray:
    import numpy as np  # here, for whoever has no arrays

    return np.memmap(kept.path, kept.dtype, mode="c")


def patient(url: str) -> Any:
    """Return a client that waits for a list as long as it takes."""
    return redis.Redis.from_url(url, socket_timeout=None)

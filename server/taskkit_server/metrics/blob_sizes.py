"""How many bytes of large values there are: added up now and then, by one server of all."""

from __future__ import annotations

import os
from pathlib import Path

SIZE = "blobs_bytes"
"""Under which name the ledger keeps the sum."""


def local_folder(place: str | None) -> Path | None:
    """Return the folder that holds the blobs; None for a URL, and where none are kept."""
    if not place or "://" in place:
        return None
    return Path(place)


def size_of(folder: Path) -> int:
    """Return how many bytes the files in a folder have. Those that go meanwhile count or not."""
    total, folders = 0, [folder]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(Path(entry.path))
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return total

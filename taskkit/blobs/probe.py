"""How a client finds out that it has the server's folder of blobs before it.

A path alone says nothing: another machine may have a folder of that name, a container another disk.
So the server writes a file with random content there and tells it; who finds it shares the folder.
"""

from __future__ import annotations

import os
import secrets
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from .disk import disk_errors, private_folder
from .folder import FolderStore

PREFIX = ".probe-"
KEPT_S = 60.0
"""A client looks at once; what is older is removed when the next one asks."""


def offer(store: FolderStore) -> dict[str, str]:
    """Write a file into the store and return what a client needs to find it, ready for JSON.

    Raises:
        DiskFull, Unavailable: It cannot be written.
    """
    probe = {
        "folder": str(store.folder),
        "name": PREFIX + secrets.token_hex(16),
        "content": secrets.token_hex(16),
    }
    with disk_errors(store.folder):
        private_folder(store.folder, is_durable=False)
        for path in store.folder.glob(f"{PREFIX}*"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < time.time() - KEPT_S:
                    path.unlink()
        handle = os.open(store.folder / probe["name"], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(probe["content"])
    return probe


def accept(probe: Mapping[str, Any]) -> FolderStore | None:
    """Return the server's store, if its file is here with that content and the folder is ours."""
    match probe:
        case {"folder": str(folder), "name": str(name), "content": str(content)}:
            path = Path(folder)
        case _:
            return None
    if not path.is_absolute() or not name.startswith(PREFIX) or "/" in name:
        return None
    try:
        status = path.lstat()
        is_ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid()
        if not is_ours or status.st_mode & 0o022 or not os.access(path, os.W_OK):
            return None
        found = (path / name).read_text(encoding="ascii")
    except (OSError, ValueError):
        return None
    return FolderStore(path) if found and found == content else None

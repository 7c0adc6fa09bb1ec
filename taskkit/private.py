"""Folders and files that are their user's alone, where the processes of a stack find each other.

The supervisor imports this as it starts, and all parts wait for that: what takes a while to import
is imported where it is used.
"""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from .protocol.errors import NotReachable


def runtime_folder() -> Path:
    """Return the folder of what lives as long as a stack; it need not exist.

    ``$XDG_RUNTIME_DIR/taskkit`` where that variable is set, else what the platform uses.
    """
    # platformdirs passes over an XDG_RUNTIME_DIR whose mode is not 0700, so that two stacks meant
    # to be apart would meet. The folder in it is ours alone and checked, which is enough.
    if base := os.environ.get("XDG_RUNTIME_DIR"):
        return Path(base).absolute() / "taskkit"
    import warnings

    import platformdirs

    try:
        with warnings.catch_warnings():
            # It warns where XDG_RUNTIME_DIR is unset; its fallback is checked before it is used.
            warnings.simplefilter("ignore")
            return platformdirs.user_runtime_path("taskkit")
    except OSError as error:
        raise NotReachable(f"There is no private folder for the connection file: {error}") from None


def private_folder(path: Path) -> Path:
    """Make `path` a folder that only its user can enter, and return it.

    Raises:
        NotReachable: It belongs to somebody else, or others can write in it.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    _refuse_foreign(path, path.lstat())
    path.chmod(0o700)
    return path


def write_private(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON with mode 0600 in one step: a reader sees the old content or the new."""
    import tempfile

    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.flush()
            os.fsync(handle)
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise


def read_private(path: Path) -> dict[str, Any] | None:
    """Return the JSON object in `path`, None where there is none.

    Raises:
        NotReachable: The file belongs to somebody else, or others can write it.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return None
    with os.fdopen(handle, encoding="utf-8") as file:
        _refuse_foreign(path, os.fstat(handle))
        try:
            content = json.load(file)
        except ValueError:
            return None
    return content if isinstance(content, dict) else None


def _refuse_foreign(path: Path, status: os.stat_result) -> None:
    if sys.platform == "win32":
        return  # The profile folders of Windows are private by their access lists.
    is_folder_or_file = stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)
    if status.st_uid != os.getuid() or status.st_mode & 0o022 or not is_folder_or_file:
        raise NotReachable(
            f"{path} belongs to another user or others can write it, so it is not trusted: "
            "remove it, or set XDG_RUNTIME_DIR to a folder of your own."
        )

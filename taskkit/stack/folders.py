"""The folders of one stack, and the locks that keep a second one out of them."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from ..private import private_folder, read_private, runtime_folder
from ..protocol.errors import Unavailable

MIN_FREE_BYTES = 32 * 1024 * 1024
"""Below this much room the ledger could not keep what it accepts, so no stack is started."""

_SOCKET_PATH_MAX = 90
# A unix socket's path has 104 bytes on macOS and 108 on Linux; supervisor appends a pid.


@dataclass(frozen=True, slots=True)
class Folders:
    """Where a stack keeps what it needs."""

    data: Path
    #: Outlives the stack: the ledger, the logs, the token.
    run: Path
    #: Lives as long as the stack: connection file, control socket, configuration.
    temporary: tuple[Path, ...] = ()
    #: Removed when the stack has ended.

    @classmethod
    def of_user(cls) -> Folders:
        """Return the folders of `taskkit up`: by platformdirs, so that XDG variables move them."""
        return cls(platformdirs.user_data_path("taskkit").absolute(), runtime_folder())

    @classmethod
    def of_its_own(cls, data: Path | None = None) -> Folders:
        """Return folders that no other stack has; all but a given `data` go with the stack."""
        root = Path(tempfile.mkdtemp(prefix="taskkit-"))
        return cls((data or root / "data").absolute(), root / "run", (root,))

    @property
    def logs(self) -> Path:
        """What the parts write, one file a part."""
        return self.data / "logs"

    @property
    def redis(self) -> Path:
        """The append-only files of the embedded Redis."""
        return self.data / "redis"

    @property
    def blobs(self) -> Path:
        """What is large of arguments and results."""
        return self.data / "blobs"

    @property
    def parts(self) -> Path:
        """The parts' commands and variables, secrets among them."""
        return self.run / "parts"

    def create(self) -> None:
        """Make the folders.

        Raises:
            Unavailable: They cannot be made, or the disk is full.
        """
        try:
            for folder in (self.data, self.run, self.logs, self.redis, self.blobs, self.parts):
                private_folder(folder)
            free = shutil.disk_usage(self.data).free
        except OSError as error:
            raise unwritable(error, self.data) from error
        if free < MIN_FREE_BYTES:
            raise Unavailable(
                f"The disk of {self.data} is full ({free // 2**20} MB are free): "
                "make room, or set XDG_DATA_HOME to a folder on another disk."
            )

    def remove(self) -> None:
        """Remove the temporary folders."""
        for folder in self.temporary:
            shutil.rmtree(folder, ignore_errors=True)

    def lock(self) -> list[int]:
        """Take both folders for one stack; return the open files that hold them.

        The locks end with the last process that has these files open, however it ends.

        Raises:
            Unavailable: Another stack has one of them.
        """
        held: list[int] = []
        for folder in (self.run, self.data):
            handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            held.append(handle)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                for each in held:
                    os.close(each)
                raise Unavailable(self._taken(folder)) from None
        return held

    def _taken(self, folder: Path) -> str:
        known = read_private(self.run / "stack.json") or {}
        if url := known.get("url"):
            return (
                f"A stack is already running at {url}: "
                "`taskkit status` shows it, `taskkit down` stops it."
            )
        return f"Another stack uses {folder}: stop it, or set XDG_DATA_HOME and XDG_RUNTIME_DIR."

    def socket(self) -> tuple[Path, Folders]:
        """Return a path for the control socket, and the folders with those made for it."""
        path = self.run / "supervisor.sock"
        if len(os.fsencode(path)) <= _SOCKET_PATH_MAX:
            return path, self
        short = Path(tempfile.mkdtemp(prefix="taskkit-", dir="/tmp"))
        return short / "s", Folders(self.data, self.run, (*self.temporary, short))


def unwritable(error: OSError, folder: Path) -> Unavailable:
    """Return the sentence for a folder that cannot be written."""
    where = error.filename or folder
    return Unavailable(
        f"Cannot write to {where} ({error.strerror}): make it writable, or set XDG_DATA_HOME "
        "(data) and XDG_RUNTIME_DIR (connection file) to folders of your own."
    )

"""What the parts write, followed as it grows."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

_TAIL_BYTES = 16_384


class LogFollower:
    """Reads the lines that come to a folder's log files, across their rotation."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self._files = {name: _Followed(folder / f"{name}.log") for name in names}

    def skip(self) -> None:
        """Pass over what is there already."""
        for followed in self._files.values():
            followed.skip()

    def lines(self) -> Iterator[tuple[str, str]]:
        """Return (part, line) for what was written since the last call; do not wait."""
        for name, followed in self._files.items():
            for line in followed.lines():
                yield name, line


class _Followed:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: io.BufferedReader | None = None
        self._rest = b""

    def skip(self) -> None:
        if self._open():
            assert self._file is not None  # noqa: S101 — for the type checker; _open says so
            self._file.seek(0, os.SEEK_END)

    def lines(self) -> Iterator[str]:
        yield from self._read()
        if self._was_rotated():
            self._close()
            yield from self._read()

    def _read(self) -> Iterator[str]:
        if not self._open() or self._file is None:
            return
        *whole, self._rest = (self._rest + self._file.read()).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace").rstrip("\r")

    def _open(self) -> bool:
        if self._file is None:
            try:
                self._file = self._path.open("rb")
            except OSError:
                return False
        return True

    def _was_rotated(self) -> bool:
        if self._file is None:
            return False
        try:
            here, there = os.fstat(self._file.fileno()), self._path.stat()
        except OSError:
            return False  # between the two renames of a rotation
        return here.st_ino != there.st_ino or there.st_size < self._file.tell()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None


def last_lines(path: Path, count: int = 12, *, since: int = 0) -> list[str]:
    """Return the last lines of a file that were written after byte `since`."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(since if since <= size else 0, size - _TAIL_BYTES))
            text = file.read(_TAIL_BYTES).decode(errors="replace")
    except OSError:
        return []
    return text.splitlines()[-count:]

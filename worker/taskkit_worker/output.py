"""Catches what a job writes: Python's streams, C code, child processes and loggers alike.

File descriptors 1 and 2 point at one nameless file for as long as the job runs, so what was written
comes out in its order. A file, not a pipe: a pipe that nobody empties in time would block C code
that writes while it holds the interpreter's lock.
"""

from __future__ import annotations

import codecs
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedWriter, FileIO, TextIOWrapper

CHUNK_BYTES = 65_536
"""How much text one event carries at most."""

LIMIT_BYTES = 64 * 2**20
"""How much one attempt may write; the rest is dropped, with a line that says so."""


class OutputFile:
    """Collects the output of one process, one attempt after another."""

    def __init__(self) -> None:
        self._fd = -1
        self._read = 0
        self._is_over_limit = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    @contextmanager
    def capturing(self) -> Iterator[None]:
        """Catch output within the block; what was written stays readable until the next one."""
        self._begin()
        saved = os.dup(1), os.dup(2)
        self._point_at(self._fd, self._fd)
        try:
            yield
        finally:
            _flush()
            self._point_at(*saved)
            for fd in saved:
                os.close(fd)

    def take(self, *, is_last: bool = False) -> str:
        """Return what was written since the last call, at most `CHUNK_BYTES`; "" if nothing."""
        if not is_last:
            _flush()
        raw = os.pread(self._fd, CHUNK_BYTES, self._read)
        self._read += len(raw)
        if self._read > LIMIT_BYTES and not self._is_over_limit:
            return self._decoder.decode(raw) + self._stop()
        is_end = is_last and len(raw) < CHUNK_BYTES
        return self._decoder.decode(raw, is_end)

    def _begin(self) -> None:
        # A file of its own for each attempt: what an earlier job left running writes into its own.
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = _anonymous_file()
        self._read = 0
        self._is_over_limit = False
        self._decoder.reset()

    def _stop(self) -> str:
        self._is_over_limit = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        self._point_at(nowhere, nowhere)
        os.close(nowhere)
        return f"\n[taskkit: output beyond {LIMIT_BYTES // 2**20} MiB is dropped]\n"

    @staticmethod
    def _point_at(out: int, err: int) -> None:
        os.dup2(out, 1)
        os.dup2(err, 2)


def _anonymous_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("taskkit-output")
    with tempfile.TemporaryFile(prefix="taskkit-output-") as file:
        return os.dup(file.fileno())


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # closed or replaced by the job: nothing of it can be saved
            continue


def prepare_process() -> None:
    """Give a pool process plain streams on 1 and 2, and loggers that write to them."""
    sys.stdout = _stream(1)
    sys.stderr = _stream(2)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in ("celery", "kombu", "billiard"):
        logging.getLogger(name).setLevel(logging.WARNING)


def _stream(fd: int) -> TextIOWrapper:
    raw = FileIO(fd, "w", closefd=False)
    return TextIOWrapper(
        BufferedWriter(raw), encoding="utf-8", errors="replace", line_buffering=True
    )

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
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import TextIO

CHUNK_BYTES = 65_536
"""How much text one event carries at most."""

LIMIT_BYTES = 64 * 2**20
"""How much one attempt may write; the rest is dropped, with a line that says so."""


class OutputFile:
    """Collects the output of one process, one attempt after another."""

    def __init__(self) -> None:
        self._fd = -1
        self._read = 0
        self._is_cut = False
        self._is_cut_told = False
        self._is_capturing = False
        self._switching = threading.Lock()
        #: Held to point descriptors 1 and 2 elsewhere, which two threads do.
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    @contextmanager
    def capturing(self) -> Iterator[None]:
        """Catch output within the block; what was written stays readable until the next one."""
        self._begin()
        saved = os.dup(1), os.dup(2)
        streams = sys.stdout, sys.stderr
        with self._switching:
            self._is_capturing = True
            _point_at(self._fd, self._fd)
        try:
            yield
        finally:
            _flush()
            with self._switching:
                self._is_capturing = False
                _point_at(*saved)
            for fd in saved:
                os.close(fd)
            # The next job gets what this one got, whatever this one has put there or closed.
            sys.stdout, sys.stderr = _alive(streams[0], 1), _alive(streams[1], 2)

    def take(self, *, is_last: bool = False) -> str:
        """Return what was written since the last call, at most `CHUNK_BYTES`; "" if nothing."""
        if not is_last:
            _flush()
        self._cut()
        raw = os.pread(self._fd, CHUNK_BYTES, self._read)
        self._read += len(raw)
        is_end = is_last and len(raw) < CHUNK_BYTES
        text = self._decoder.decode(raw, is_end)
        if self._is_cut and self._read == LIMIT_BYTES and not self._is_cut_told:
            self._is_cut_told = True
            text += f"\n[taskkit: output beyond {LIMIT_BYTES // 2**20} MiB is dropped]\n"
        return text

    def _begin(self) -> None:
        # A file of its own for each attempt: what an earlier job left running writes into its own.
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = _anonymous_file()
        self._read = 0
        self._is_cut = self._is_cut_told = False
        self._decoder.reset()

    def _cut(self) -> None:
        """Keep the file, which is memory, within the limit."""
        if os.fstat(self._fd).st_size <= LIMIT_BYTES:
            return
        # Again and again: child processes go on writing to it.
        os.ftruncate(self._fd, LIMIT_BYTES)
        self._is_cut = True
        with self._switching:
            if self._is_capturing:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                _point_at(nowhere, nowhere)
                os.close(nowhere)


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
        except Exception:  # noqa: BLE001, S112  # the edge around what the job may have put there
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


def _alive(stream: TextIO, fd: int) -> TextIO:
    return _stream(fd) if stream.closed else stream


def _stream(fd: int) -> TextIOWrapper:
    raw = FileIO(fd, "w", closefd=False)
    return TextIOWrapper(
        BufferedWriter(raw), encoding="utf-8", errors="replace", line_buffering=True
    )

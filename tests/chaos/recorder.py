"""`Recorder` and `read`: facts as lines of JSON in one file that several processes append to.

A line is ``{"t": 12.5, "who": "client-3", "fact": "Accepted", "key": "k", "job": "j"}``.
"""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Self

from .facts import FACTS, Entry, Fact

START = b'{"t": '
"""How every line begins, and nothing else that `json.dumps` writes in a string does."""


class Recorder:
    """Appends facts to a file; threads and processes may share the file, and each its recorder.

    A line is one ``write`` to a file opened with O_APPEND, which Linux does not mix with others on
    a local file system. What was noted survives the death of the process, not that of the machine.

    >>> with Recorder(path) as recorder:
    ...     recorder.note("client-3", Accepted(key="k", job="j"))
    """

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def note(self, who: str, fact: Fact) -> None:
        """Append a fact, as of now; lines of one recorder are in the order of their times."""
        head = {"who": who, "fact": type(fact).__name__}
        rest = json.dumps(head | asdict(fact), default=repr)[1:].encode() + b"\n"
        with self._lock:
            line = START + b"%.6f, " % time.monotonic() + rest
            written = os.write(self._file, line)
        if written != len(line):
            raise OSError(f"{written} of {len(line)} bytes of a fact were written: {line!r}")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def read(path: Path) -> list[Entry]:
    """Return the facts of a file, in its order.

    Half a line is skipped: the last one, and one inside whose writer was killed over it.

    Raises:
        ValueError: A line is no fact; the message says which.
    """
    *lines, _half = path.read_bytes().split(b"\n")
    return [_entry(line, f"{path}:{number}") for number, line in enumerate(lines, 1)]


def _entry(line: bytes, where: str) -> Entry:
    try:
        try:
            obj = json.loads(line)
        except ValueError:
            # What another process appended to half a line is whole.
            obj = json.loads(line[line.rindex(START) :])
        t, who, kind = obj.pop("t"), obj.pop("who"), FACTS[obj.pop("fact")]
        return Entry(t, who, kind(**obj))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{where} is no fact ({error!r}): {line!r}") from error

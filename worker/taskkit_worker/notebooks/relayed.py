"""What a kernel's cells say of their progress, taken for the job: `taskkit.inside.relay`."""

from __future__ import annotations

import json
import os
import select
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from taskkit.inside.place import place
from taskkit.inside.say import say
from taskkit.protocol.errors import DecodeError
from taskkit.protocol.wire import event_from

BAR = 0
"""The number of the bar that is the cell's."""

_BYTES = 2**20
_WAKE = b"!"


def begin(address: str) -> str:
    """Return what a kernel executes before its first cell; it leaves no name behind."""
    return (
        "try:\n"
        f"    __import__('taskkit.inside.relay', fromlist=['begin']).begin({address!r})\n"
        "except Exception:\n"
        "    pass\n"
    )


class Relayed:
    """Listens to one kernel, in a thread."""

    def __init__(self, path: Path) -> None:
        self.address = os.fspath(path)
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._line.bind(self.address)
        self._taking = threading.Lock()
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="taskkit-relayed", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_over = True
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as waking:
            waking.sendto(_WAKE, self.address)
        self._thread.join()
        self._line.close()

    def end_cell(self) -> None:
        """Take what the cell has said until its end, and forget how far it was."""
        with self._taking:
            self._take()
            if place.listener is not None:
                place.listener.drop_bar(BAR)

    def _run(self) -> None:
        arrives = select.poll()
        arrives.register(self._line, select.POLLIN)
        while not self._is_over:
            arrives.poll()
            with self._taking:
                self._take()

    def _take(self) -> None:
        while True:
            try:
                said = self._line.recv(_BYTES, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            _tell(said)


def _tell(said: bytes) -> None:
    """Tell the job's listener; what is none of ours is passed over."""
    listener = place.listener
    if said == _WAKE or listener is None:
        return
    try:
        told: dict[str, Any] = json.loads(said)
        for values, step in told.get("points", ()):
            listener.report({str(name): float(value) for name, value in values.items()}, step)
        for kind, data in told.get("facts", ()):
            say(event_from(kind, data, seq=0, at=0, job=""))
        if "progress" in told:
            done, total, message = told["progress"]
            listener.bar(BAR, str(message), float(done), total, is_over=False)
    except (ValueError, TypeError, AttributeError, DecodeError):
        return

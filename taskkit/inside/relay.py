"""In the kernel of a notebook that is a job: what its cells say, on its way to the job's process.

Who runs the notebook has the kernel call `begin` before its first cell. A datagram each tenth of a
second at most has the latest progress and the points reported since.
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import threading
from collections.abc import Mapping
from typing import Any

from ..protocol.events import Event
from ..protocol.wire import event_data
from .place import place

INTERVAL_S = 0.1
MOST_POINTS = 200
"""In one datagram: what is more is thinned out, as the panel's curves are."""

MOST_FACTS = 64
"""Those that wait; of more, the earlier ones go, as in a job."""

_NAME_CHARS = 100


class Relay:
    """Takes what the kernel's cells say. A `Listener`; see there."""

    def __init__(self, address: str) -> None:
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._line.setblocking(False)
        self._line.connect(address)
        self._latest: tuple[float, float | None, str] | None = None
        self._sent: tuple[float, float | None, str] | None = None
        self._points: list[tuple[Mapping[str, float], float | None]] = []
        self._facts: list[tuple[str, str]] = []
        self._sending = threading.Lock()
        self._pid = os.getpid()

    def start(self) -> None:
        """Send from now on what is new."""
        threading.Thread(target=self._run, name="taskkit-relay", daemon=True).start()

    def progress(self, done: float, total: float | None, message: str, /) -> None:
        """Take how far a cell is."""
        self._latest = (done, total, message)

    def report(self, values: Mapping[str, float], step: float | None, /) -> None:
        """Take values by their names, at a step."""
        self._points.append((values, step))

    def display(self, name: str | None, media_type: str, data: bytes, text: str, /) -> None:
        """Nothing: what a kernel displays is in its notebook."""

    def bar(
        self, number: int, name: str, done: float, total: float | None, /, *, is_over: bool
    ) -> None:
        """Nothing: tqdm draws in the notebook."""

    def drop_bar(self, number: int, /) -> None:
        """Nothing, likewise."""

    def say(self, event: Event, /) -> None:
        """Take a fact."""
        self._facts.append((event.type, event_data(event)))

    def flush(self, *_: object) -> None:
        """Send what is new; what cannot be sent now is sent with the next."""
        if os.getpid() != self._pid:
            return
        with self._sending:
            latest, points, facts = self._latest, self._points, self._facts
            if latest is self._sent and not points and not facts:
                return
            said: dict[str, Any] = {}
            if latest is not self._sent and latest is not None:
                said["progress"] = [_number(latest[0]), _number(latest[1]), _text(latest[2])]
            if points:
                taken = len(points)
                said["points"] = [_point(*point) for point in points[:: 1 + taken // MOST_POINTS]]
            if facts:
                told = len(facts)
                said["facts"] = facts[max(0, told - MOST_FACTS) : told]
            try:
                self._line.send(json.dumps(said).encode())
            except BlockingIOError:
                return
            except OSError:  # nobody is there any more, or it is too much at once
                pass
            self._sent = latest
            if points:
                del points[:taken]
            if facts:
                del facts[:told]

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(INTERVAL_S)
            self.flush()


def begin(address: str) -> None:
    """Listen in this process, and send what is said to a socket's address."""
    relay = Relay(address)
    place.listener, place.progress, place.pid = relay, relay.progress, os.getpid()
    place.is_kernel = True
    atexit.register(relay.flush)
    _after_each_cell(relay)
    relay.start()


def _after_each_cell(relay: Relay) -> None:
    from IPython import get_ipython

    shell = get_ipython()
    if shell is not None:
        shell.events.register("post_run_cell", relay.flush)


def _number(value: object) -> float | None:
    try:
        return float(value)  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001  # the edge around user code
        return None


def _text(message: object) -> str:
    try:
        return str(message)[:_NAME_CHARS]
    except Exception:  # noqa: BLE001  # the edge around user code
        return ""


def _point(values: Mapping[str, float], step: float | None) -> list[Any]:
    return [{_text(name): value for name, value in values.items()}, step]

"""`Client`: a notebook of the stock build, which notes what it is told."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import socketio
import urllib3

from chaos.facts import Accepted, CaughtUp, Entry, Finished, Received
from chaos.recorder import Recorder
from chaos.until import until

NAME = "client-1"
TRY_AGAIN_AFTER_S = 0.2
TIMEOUT_S = 3.0
CONNECT_WITHIN_S = 20.0


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """Return the facts, with what came from each of the worker's processes in order of its numbers.

    python-engineio 4.15 gives every message a thread of its own, so that on a busy machine one may
    overtake another in the client's last step. That is not what is judged here; what is missing
    stays missing, and what came twice stays there twice.
    """
    found = list(entries)
    places: defaultdict[str, list[tuple[int, Received]]] = defaultdict(list)
    for index, entry in enumerate(found):
        if isinstance(entry.fact, Received):
            places[entry.fact.epoch].append((index, entry.fact))
    for view in places.values():
        facts = sorted((fact for _, fact in view), key=lambda fact: fact.seq)
        for (index, _), fact in zip(view, facts, strict=True):
            found[index] = found[index]._replace(fact=fact)
    return found


class Client:
    """Submits jobs and listens, from its making until `close`.

    Its Socket.IO client has its defaults: it connects again by itself.
    """

    def __init__(self, url: str, recorder: Recorder) -> None:
        self._url = url
        self._recorder = recorder
        self._http = urllib3.PoolManager(retries=False, timeout=TIMEOUT_S)
        self._is_closed = threading.Event()
        self.due = 0
        #: How many jobs it was told to submit.
        self.accepted: list[str] = []
        self.finished: set[str] = set()
        self.last_news_t = time.monotonic()
        self._socket = socketio.Client()
        self._socket.on("started", self._take)
        self._socket.on("finished", self._take)
        until(self._connect, CONNECT_WITHIN_S, what="a connection")

    def submit(self, keys: Sequence[str], seconds: float, pause_s: float) -> None:
        """Have a job accepted for each key, with a pause after each; ask until that is so."""
        self.due += len(keys)
        for key in keys:
            while (job := self._asked(seconds)) is None:
                if self._is_closed.wait(TRY_AGAIN_AFTER_S):
                    return
            self._recorder.note(NAME, Accepted(key=key, job=job))
            self.accepted.append(job)
            self._is_closed.wait(pause_s)

    def has_all(self) -> bool:
        """Return whether every accepted job is finished, as far as it was told."""
        return self.finished.issuperset(self.accepted)

    @property
    def is_connected(self) -> bool:
        """Whether its socket is connected."""
        return bool(self._socket.connected)

    def hold_to_have_all(self, epochs: Iterable[str]) -> None:
        """Note that it misses nothing: it is connected, and was told of no gap."""
        for epoch in epochs:
            self._recorder.note(NAME, CaughtUp(epoch=epoch))

    def close(self) -> None:
        """Disconnect, and stop submitting."""
        self._is_closed.set()
        self._socket.shutdown()
        self._http.clear()

    def _connect(self) -> bool:
        with suppress(socketio.exceptions.ConnectionError):
            self._socket.connect(self._url)
        return self.is_connected

    def _asked(self, seconds: float) -> str | None:
        try:
            reply = self._http.request("POST", f"{self._url}/tasks", json={"seconds": seconds})
        except urllib3.exceptions.HTTPError:
            return None
        return str(reply.json()["id"]) if reply.status == 202 else None

    def _take(self, message: dict[str, Any]) -> None:
        self.last_news_t = time.monotonic()
        self._recorder.note(NAME, Received(**message))
        if message["type"] == "job_succeeded":
            self._recorder.note(NAME, Finished(job=message["job"], state="succeeded"))
            self.finished.add(message["job"])

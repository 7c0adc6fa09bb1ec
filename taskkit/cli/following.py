"""Jobs followed from a terminal: each change as it is told, whatever is cut or restarted.

As a client does, but without what a client is for: no result is fetched, no pickle is loaded.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol

from ..client.board import Board
from ..client.http import Http
from ..client.watcher import Watcher
from ..connection import Connection
from ..protocol import wire
from ..protocol.cursor import Cursor
from ..protocol.errors import JobNotFound, TaskkitError
from ..protocol.events import Event
from ..protocol.jobs import JobRecord

RECHECK_S = 5.0
"""How often the server is asked, whatever events say."""


class Follower(Protocol):
    """Who is told of a job, from any thread. What comes may be older than what came before."""

    def follow(self, record: JobRecord) -> None:
        """Take the job's record."""

    def lose(self, error: BaseException) -> None:
        """The server does not know the job any more."""


class Feed:
    """Tells followers of jobs what becomes of them."""

    def __init__(self, connection: Connection, http: Http) -> None:
        self._http = http
        place = http.get("/hello")["logs"]["jobs"]
        self._board = Board()
        self._watcher = Watcher(
            connection,
            http,
            Cursor(place["epoch"], place["seq"]),
            take=self._take,
            resynchronise=self._ask_all,
        )
        self._is_behind = threading.Event()
        self._asked_at = time.monotonic()

    def follow(self, id: str, follower: Follower) -> None:
        """Tell `follower` of a job: how it stands, and each change.

        Raises:
            JobNotFound: There is none of this id.
        """
        record = wire.record_from_wire(self._http.get(f"/jobs/{id}"))
        follower.follow(record)
        if not record.is_final and self._board.add(follower, record):
            self._is_behind.set()

    def start(self) -> None:
        """Begin to read what happens since this was made."""
        self._watcher.start()

    def look_after(self) -> None:
        """Ask the server where events may not have told all; from time to time, in any case."""
        now = time.monotonic()
        if self._is_behind.is_set() or now - self._asked_at > RECHECK_S:
            self._is_behind.clear()
            self._asked_at = now
            self._ask_all()

    def connection(self) -> str:
        """Return "" while news arrive, else what is being done about it."""
        return self._watcher.connection()

    def stop(self) -> None:
        """End; returns at once."""
        self._watcher.stop()

    def _take(self, events: Sequence[Event]) -> None:
        if self._board.fold(events):
            self._is_behind.set()

    def _ask_all(self) -> None:
        for id in self._board.active():
            with suppress(TaskkitError):
                try:
                    self._board.replace(wire.record_from_wire(self._http.get(f"/jobs/{id}")))
                except JobNotFound as error:
                    self._board.forget(id, error)


@contextmanager
def feed(connection: Connection, http: Http) -> Iterator[Feed]:
    """Return a feed for as long as a block."""
    made = Feed(connection, http)
    made.start()
    try:
        yield made
    finally:
        made.stop()

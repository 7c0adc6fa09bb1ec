"""`taskkit top`: workers and jobs, live."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from .terminal import console

if TYPE_CHECKING:
    from rich.text import Text

    from ..client.http import Http
    from ..connection import Connection
    from ..protocol.workers import WorkerInfo

DRAW_EVERY_S = 0.5
WORKERS_EVERY_S = 2.0
"""How often the workers are asked for; jobs tell of themselves."""

MOST_ASKED = 20
"""How many jobs are asked for one by one, between two drawings."""


def top() -> None:
    """Watch workers and jobs, live.

    Ctrl-C ends it. Into a pipe, it says once how things stand.
    """
    from ..client.http import Http
    from ..connection import find

    connection = find()
    http = Http(connection)
    watched = Watched(connection, http)
    if not console.is_terminal:
        watched.begin()
        for line in watched.lines(console.width, None):
            typer.echo(line.plain.rstrip())
        return
    try:
        _live(watched)
    except KeyboardInterrupt:
        return
    finally:
        watched.stop()


def _live(watched: Watched) -> None:
    from rich.console import Group
    from rich.live import Live

    watched.begin()
    watched.follow()
    with Live(console=console, screen=True, auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            # One column is left: some terminals begin a line when the last one is written.
            lines = watched.lines(console.width - 1, console.height)
            live.update(Group(*lines), refresh=True)
            time.sleep(DRAW_EVERY_S)
            watched.look_after()


class Watched:
    """A server that is looked at: jobs by its log, workers by asking."""

    def __init__(self, connection: Connection, http: Http) -> None:
        from ..client.watcher import Watcher
        from ..protocol.cursor import Cursor
        from .overview import Jobs

        self._url, self._http = connection.url, http
        place = http.get("/hello")["logs"]["jobs"]
        self._jobs = Jobs()
        self._workers: list[WorkerInfo] = []
        self._asked_at = 0.0
        self._watcher = Watcher(
            connection,
            http,
            Cursor(place["epoch"], place["seq"]),
            take=self._jobs.take,
            resynchronise=self._list,
        )

    def begin(self) -> None:
        """Ask for all that is shown.

        Raises:
            TaskkitError: The server does not tell.
        """
        self._list()
        self._ask_workers()
        self._ask_jobs()

    def follow(self) -> None:
        """Begin to read what happens."""
        self._watcher.start()

    def stop(self) -> None:
        """End."""
        self._watcher.stop()

    def look_after(self) -> None:
        """Ask what the log does not tell; what the server cannot say now, it can later."""
        from ..protocol.errors import TaskkitError

        if self._watcher.connection().startswith("reconnecting"):
            return
        with suppress(TaskkitError):
            if time.monotonic() - self._asked_at > WORKERS_EVERY_S:
                self._ask_workers()
            self._ask_jobs()

    def lines(self, width: int, height: int | None) -> list[Text]:
        """Return what is to be seen now."""
        from .screenful import screenful

        now_ms = time.time_ns() // 1_000_000
        return screenful(
            self._jobs.overview(self._workers, now_ms),
            url=self._url,
            now_ms=now_ms,
            width=width,
            height=height,
            trouble=self._watcher.connection(),
        )

    def _list(self) -> None:
        from ..client.history import records
        from .overview import LISTED

        found = records(self._http, [], LISTED)
        self._jobs.begin_with(found, is_all=len(found) < LISTED)

    def _ask_workers(self) -> None:
        from ..protocol import wire

        self._asked_at = time.monotonic()
        found = self._http.get("/workers")["workers"]
        self._workers = [wire.worker_from_wire(obj) for obj in found]

    def _ask_jobs(self) -> None:
        from ..protocol import wire
        from ..protocol.errors import JobNotFound

        running = [id for worker in self._workers for id in worker.jobs]
        for id in self._jobs.unknown(running)[:MOST_ASKED]:
            try:
                self._jobs.put([wire.record_from_wire(self._http.get(f"/jobs/{id}"))])
            except JobNotFound:
                self._jobs.forget(id)

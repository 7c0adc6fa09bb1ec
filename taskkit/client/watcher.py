"""The background thread that reads what happens; it resumes from its cursor, whatever is cut."""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from ..connection import Connection
from ..protocol import wire
from ..protocol.cursor import Cursor
from ..protocol.errors import Forbidden, TaskkitError, Unauthorized
from ..protocol.events import Event
from .http import Http

SILENCE_S = 15.0
"""Without a word for this long the socket is given up, and events are asked for over HTTP."""

RESYNCHRONISED_S = 10.0
"""For how long it is said that the log went on without this client."""

FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0
"""How long is waited before the next try to connect: twice as long each time, and half as long or
half as much again by chance, so that those who lost the same server do not come back together."""

LOG = "jobs"

_LOGGER = logging.getLogger("taskkit.client.socket")
_LOGGER.addHandler(logging.NullHandler())
# Engine.IO's own logger would print errors of a lost connection, into the cell that ran last.


class Watcher:
    """Reads the owner's log from a cursor on, over Socket.IO or, where it is silent, over HTTP."""

    def __init__(
        self,
        connection: Connection,
        http: Http,
        cursor: Cursor,
        *,
        take: Callable[[Sequence[Event]], None],
        resynchronise: Callable[[], None],
        look_round: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = connection
        self._http = http
        self._cursor = cursor
        self._take = take
        self._resynchronise = resynchronise
        self._look_round = look_round
        #: Called about once a second.
        self._lock = threading.Lock()
        self._starting = threading.Lock()
        self._is_over = threading.Event()
        self._is_cut = threading.Event()
        self._heard_at = time.monotonic()
        self._away_since: float | None = None
        self._jumped_at = -math.inf
        self._behind: Cursor | None = None
        self._refusal = ""
        #: Why the server tells nothing any more, where it said so.
        self._socket: Any = None
        self._thread = threading.Thread(target=self._run, name="taskkit-watch", daemon=True)

    def start(self) -> None:
        """Begin to read; once is enough, more do no harm."""
        # Not the lock under which events are taken: what a job calls back may submit another one.
        with self._starting:
            if self._thread.ident is None:
                self._thread.start()

    def stop(self) -> None:
        """End; returns at once."""
        self._is_over.set()
        self._is_cut.set()

    def connection(self) -> str:
        """Return "" while news arrive as they should, else what is being done about it."""
        since, now = self._away_since, time.monotonic()
        if self._is_over.is_set():
            return ""
        if since is not None and self._refusal:
            return f"nothing more is told: {self._refusal}"
        if since is not None:
            return f"reconnecting for {now - since:.0f} s"
        if now - self._jumped_at < RESYNCHRONISED_S:
            return "resynchronised: some of what was printed meanwhile may be missing"
        return ""

    def _run(self) -> None:
        wait_s = FIRST_WAIT_S
        while not self._is_over.is_set():
            try:
                self._connect()
                wait_s = FIRST_WAIT_S
                self._watch()
            except Exception:  # noqa: BLE001, S110  # the edge of this thread: it may never print
                pass
            finally:
                self._hang_up()
            if self._is_over.is_set():
                return
            self._away_since = self._away_since or time.monotonic()
            self._poll()
            self._look_round()
            self._is_over.wait(by_chance(wait_s))
            wait_s = min(LONGEST_WAIT_S, 2 * wait_s)

    def _connect(self) -> None:
        # Here, in the background: it takes a while.
        from .socket import Socket

        socket = self._socket = Socket(self._connection, _LOGGER)
        socket.on("batch", self._on_batch)
        socket.on("head", self._on_head)
        socket.on("gap", self._on_gap)
        socket.on("disconnect", self._on_disconnect)
        self._is_cut.clear()
        self._behind = None
        at = self._cursor
        place = {"epoch": at.epoch, "after": at.seq, "at": at.at}
        socket.open({LOG: place}, wait_s=5)
        self._is_back()

    def _is_back(self) -> None:
        self._heard_at = time.monotonic()
        self._refusal = ""
        since, self._away_since = self._away_since, None
        if since is not None and self._jumped_at > since:
            self._jumped_at = self._heard_at  # while it was away, something else was told

    def _watch(self) -> None:
        while not self._is_cut.wait(1.0):
            self._look_round()
            if time.monotonic() - self._heard_at > SILENCE_S:
                return

    def _hang_up(self) -> None:
        socket, self._socket = self._socket, None
        if socket is not None and socket.connected:
            socket.disconnect()

    def _poll(self) -> None:
        """Read once over HTTP, to the end of the log."""
        try:
            while not self._is_over.is_set():
                at = self._cursor
                params: dict[str, str | int] = {"log": LOG, "after": at.seq, "at": at.at}
                page = self._http.get("/events", {**params, "epoch": self._cursor.epoch})
                if page["is_gap"]:
                    self._start_over(Cursor(page["epoch"], page["head"]))
                    return
                self._on_batch(page)
                if self._cursor.seq >= page["head"]:
                    return
        except (Unauthorized, Forbidden) as error:
            self._refusal = str(error)
        except TaskkitError:
            return

    def _on_batch(self, packet: dict[str, Any]) -> None:
        self._heard_at = time.monotonic()
        events = [wire.event_from_wire(obj) for obj in packet["events"]]
        with self._lock:
            received = self._cursor.receive(packet["epoch"], events)
            if received.is_gap and not self._cursor.epoch:
                # The log had no epoch when this client came: it had no events.
                received = Cursor(packet["epoch"]).receive(packet["epoch"], events)
            self._cursor = received.cursor
            if received.fresh:
                self._take(received.fresh)
        if received.is_gap:
            self._is_cut.set()

    def _on_head(self, packet: dict[str, Any]) -> None:
        self._heard_at = time.monotonic()
        behind, self._behind = self._behind, Cursor(packet["epoch"], packet["seq"])
        # What a head names has been sent before the next one; else something was lost on the way.
        is_lost = behind is not None and behind.epoch == self._cursor.epoch
        if is_lost and behind is not None and behind.seq > self._cursor.seq:
            self._is_cut.set()

    def _on_gap(self, packet: dict[str, Any]) -> None:
        self._heard_at = time.monotonic()
        self._start_over(Cursor(packet["epoch"], packet["seq"]))

    def _on_disconnect(self, _reason: object = None) -> None:
        self._is_cut.set()

    def _start_over(self, cursor: Cursor) -> None:
        with self._lock:
            self._cursor = cursor
        self._resynchronise()
        self._jumped_at = time.monotonic()


def by_chance(wait_s: float) -> float:
    """Return a wait of half to one and a half times as long."""
    return wait_s * (0.5 + random.random())  # noqa: S311  # nobody is to guess nothing

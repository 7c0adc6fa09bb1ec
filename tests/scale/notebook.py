"""A notebook as the servers see it: REST, one WebSocket, a cursor. Thousands fit into a process.

It does what `taskkit.client.watcher` does, by the same rules and with the same `Cursor`, but on
asyncio and without keeping jobs.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import socketio

from taskkit.client.watcher import FIRST_WAIT_S, LONGEST_WAIT_S, SILENCE_S, by_chance
from taskkit.protocol.cursor import Cursor
from taskkit.protocol.events import JobCancelled, JobFailed, JobSucceeded
from taskkit.protocol.wire import event_from_wire

FINAL = (JobSucceeded.type, JobFailed.type, JobCancelled.type)


@dataclass
class Seen:
    """What the notebooks of a process have met with, all together."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def count(self, what: str, times: int = 1) -> None:
        self.counts[what] += times

    def fault(self, text: str) -> None:
        if len(self.faults) < 20:
            self.faults.append(text)


class Notebook:
    """One reader of its user's log, and a submitter."""

    def __init__(
        self,
        url: str,
        user: str,
        token: str,
        http: aiohttp.ClientSession,
        seen: Seen,
        *,
        page: bool,
    ) -> None:
        self.user = user
        self.cursor = Cursor()
        self.is_open = False
        self._url, self._token, self._http, self._seen = url, token, http, seen
        self._logs = ("jobs", "workers") if page else ("jobs",)
        self._workers: dict[str, Any] = {"epoch": "", "after": 0}
        self._finals: Counter[str] = Counter()
        self._cut = asyncio.Event()
        self._heard_at = time.monotonic()
        self._behind: Cursor | None = None
        self._task: asyncio.Task[None] | None = None
        self._headers = {"Authorization": f"Bearer {token}"}

    async def join(self) -> None:
        """Ask where the log ends, and read from there on; return when the socket is open."""
        place = (await self._get("/hello"))["logs"]["jobs"]
        self.cursor = Cursor(place["epoch"], place["seq"])
        self._task = asyncio.create_task(self._run())
        while not self.is_open:
            await asyncio.sleep(0.02)

    async def leave(self) -> None:
        """Close the socket."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def submit(self, jobs: list[dict[str, Any]]) -> list[str]:
        """Send jobs in one request, again and again until they are accepted; return their ids."""
        wait_s = 0.2
        while True:
            try:
                async with self._http.post(
                    f"{self._url}/v1/jobs", json={"jobs": jobs}, headers=self._headers
                ) as answer:
                    if answer.status < 300:
                        made = (await answer.json())["jobs"]
                        return [one["job"]["id"] for one in made]
                    self._seen.count(f"submission answered {answer.status}")
            except (aiohttp.ClientError, TimeoutError):
                self._seen.count("submission cut")
            await asyncio.sleep(by_chance(wait_s))
            wait_s = min(LONGEST_WAIT_S, 2 * wait_s)

    def twice_final(self) -> int:
        """Return how many jobs were told final more than once."""
        return sum(times > 1 for times in self._finals.values())

    async def _run(self) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            socket = socketio.AsyncClient(
                reconnection=False, handle_sigint=False, http_session=self._http
            )
            try:
                await self._connect(socket)
                wait_s = FIRST_WAIT_S
                await self._watch()
                self._seen.count("cut")
            except socketio.exceptions.ConnectionError as error:
                self._seen.count("refused")
                self._seen.counts[f"refused: {str(error)[:60]}"] += 1
            finally:
                self.is_open = False
                await _hang_up(socket)
            await self._poll()
            await asyncio.sleep(by_chance(wait_s))
            wait_s = min(LONGEST_WAIT_S, 2 * wait_s)

    async def _connect(self, socket: socketio.AsyncClient) -> None:
        socket.on("batch", self._on_batch)
        socket.on("head", self._on_head)
        socket.on("gap", self._on_gap)
        socket.on("disconnect", lambda _reason=None: self._cut.set())
        self._cut.clear()
        self._behind = None
        at = self.cursor
        logs: dict[str, Any] = {"jobs": {"epoch": at.epoch, "after": at.seq, "at": at.at}}
        if "workers" in self._logs:
            logs["workers"] = self._workers
        await socket.connect(
            self._url,
            auth={"token": self._token, "logs": logs},
            transports=["websocket"],
            wait_timeout=10,
        )
        self._heard_at = time.monotonic()
        self.is_open = True
        self._seen.count("opened")

    async def _watch(self) -> None:
        while not self._cut.is_set():
            try:
                await asyncio.wait_for(self._cut.wait(), 1.0)
            except TimeoutError:
                if time.monotonic() - self._heard_at > SILENCE_S:
                    self._seen.count("silent")
                    return

    async def _poll(self) -> None:
        at = self.cursor
        query = {"log": "jobs", "epoch": at.epoch, "after": str(at.seq), "at": str(at.at)}
        try:
            page = await self._get("/events", query)
        except (aiohttp.ClientError, TimeoutError):
            return
        self._seen.count("polled")
        if page["is_gap"]:
            self._lost(page)
        else:
            self._take(page)

    async def _get(self, path: str, query: dict[str, str] | None = None) -> dict[str, Any]:
        url = f"{self._url}/v1{path}"
        async with self._http.get(url, params=query, headers=self._headers) as answer:
            answer.raise_for_status()
            told: dict[str, Any] = await answer.json()
            return told

    async def _on_batch(self, packet: dict[str, Any]) -> None:
        self._seen.count("packets")
        if packet["log"] == "workers":
            last = packet["events"][-1]
            self._workers = {"epoch": packet["epoch"], "after": last["seq"], "at": last["at"]}
        else:
            self._take(packet)

    def _take(self, packet: dict[str, Any]) -> None:
        self._heard_at = time.monotonic()
        events = [event_from_wire(one) for one in packet["events"]]
        if not self.cursor.epoch and events:
            self.cursor = Cursor(packet["epoch"])
        received = self.cursor.receive(packet["epoch"], events) if events else None
        if received is None:
            return
        if received.is_gap:
            self._seen.count("holes")
            self._seen.fault(f"{self.user}: at {self.cursor.seq}, then {events[0].seq}")
            self._cut.set()
            return
        self._seen.count("events", len(received.fresh))
        self._seen.count("events again", len(events) - len(received.fresh))
        for event in received.fresh:
            if event.type in FINAL:
                self._finals[event.job] += 1
                self._seen.count(event.type)
        self.cursor = received.cursor

    async def _on_head(self, packet: dict[str, Any]) -> None:
        self._seen.count("packets")
        if packet["log"] == "workers":
            return
        self._heard_at = time.monotonic()
        behind, self._behind = self._behind, Cursor(packet["epoch"], packet["seq"])
        if behind and behind.epoch == self.cursor.epoch and behind.seq > self.cursor.seq:
            self._seen.count("behind its head")
            self._cut.set()

    async def _on_gap(self, packet: dict[str, Any]) -> None:
        if packet["log"] == "jobs":
            self._lost(packet)

    def _lost(self, told: dict[str, Any]) -> None:
        self._seen.count("gaps")
        self._seen.fault(f"{self.user}: a gap at {self.cursor.seq}")
        self.cursor = Cursor(told["epoch"], told.get("seq", told.get("head", 0)))


async def _hang_up(socket: socketio.AsyncClient) -> None:
    try:
        async with asyncio.timeout(5):
            await socket.disconnect()
    except (Exception, asyncio.CancelledError):  # noqa: BLE001  # it may be half open, in any state
        pass

"""A feed of the page's own, for more jobs than a test's machine could run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from taskkit.protocol.jobs import JobState

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route, WebSocketRoute

START = 1_780_000_000_000
WORKER = "lab-1-ab"
SOCKET = "0" + json.dumps(
    {"sid": "s", "upgrades": [], "pingInterval": 25_000, "pingTimeout": 20_000, "maxPayload": 10**7}
)
"""What Engine.IO says first (protocol 4)."""


class FakeFeed:
    """Answers a page's requests and speaks to its WebSocket, in place of a server."""

    def __init__(self, page: Page) -> None:
        self.events: list[dict[str, Any]] = []
        self.records: list[dict[str, Any]] = []
        #: What `GET /jobs` lists, newest first.
        self.pages = 0
        self.answers: dict[str, Any] = {"workers": {"workers": []}}
        #: By path, without the beginning, what else is asked for.
        self._sockets: list[WebSocketRoute] = []
        page.route_web_socket("**/socket.io/**", self._open)
        page.route("**/hello", lambda route: route.fulfill(json=self._hello()))
        page.route("**/jobs?**", self._list)
        page.route("**/counts", self._count)
        for path in ("workers", "queues"):
            page.route(f"**/{path}", self._answer)

    def _hello(self) -> dict[str, Any]:
        logs = {
            "jobs": {"epoch": "e", "seq": len(self.events)},
            "workers": {"epoch": "w", "seq": 0},
        }
        return {"owner": "ana", "scopes": ["read", "cancel", "submit"], "logs": logs}

    def _answer(self, route: Route) -> None:
        known = self.answers.get(urlsplit(route.request.url).path.rsplit("/", 1)[-1])
        if known is None:
            route.fulfill(status=404, json={"detail": "no such route"})
        else:
            route.fulfill(json=known)

    def _list(self, route: Route) -> None:
        query = parse_qs(urlsplit(route.request.url).query)
        start, limit = int(query.get("cursor", ["0"])[0]), int(query["limit"][0])
        end = start + limit
        following = str(end) if end < len(self.records) else None
        self.pages += 1
        route.fulfill(json={"jobs": self.records[start:end], "next": following})

    def _count(self, route: Route) -> None:
        states = Counter(one["state"] for one in self.records)
        route.fulfill(json={"counts": {state: states[state] for state in JobState}})

    def _open(self, socket: WebSocketRoute) -> None:
        socket.on_message(lambda text: self._hear(socket, str(text)))
        socket.send(SOCKET)

    def _hear(self, socket: WebSocketRoute, text: str) -> None:
        if text.startswith("40"):
            socket.send('40{"sid":"s"}')
            self._sockets.append(socket)
            for start in range(0, len(self.events), 1000):
                self._send(socket, self.events[start : start + 1000])

    def _send(self, socket: WebSocketRoute, events: Sequence[dict[str, Any]]) -> None:
        batch = {"log": "jobs", "epoch": "e", "events": events, "head": len(self.events)}
        socket.send("42" + json.dumps(["batch", batch]))

    def happens(self, *facts: tuple[str, str, dict[str, Any]], at: int = START) -> None:
        """Append events, each `(job, type, data)`, and send them to who is connected."""
        first = len(self.events)
        for job, kind, data in facts:
            seq = len(self.events) + 1
            self.events.append({"seq": seq, "at": at, "type": kind, "job": job, "data": data})
        for socket in self._sockets:
            self._send(socket, self.events[first:])


def submitted(job: str, name: str) -> tuple[str, str, dict[str, Any]]:
    """Return the event of a job that was submitted."""
    return job, "job_submitted", {"task": "fit", "options": {"name": name}}


def started(job: str) -> tuple[str, str, dict[str, Any]]:
    """Return the event of an attempt that began."""
    return job, "attempt_started", {"attempt": 1, "worker": WORKER}


def progressed(job: str, done: int, total: int) -> tuple[str, str, dict[str, Any]]:
    """Return the event of progress."""
    return job, "progress_reported", {"done": done, "total": total, "message": "relaxing"}


def succeeded(job: str) -> tuple[str, str, dict[str, Any]]:
    """Return the event of a job's end."""
    result = {"media_type": "application/json", "size_bytes": 2, "preview": "42"}
    return job, "job_succeeded", {"result": result}

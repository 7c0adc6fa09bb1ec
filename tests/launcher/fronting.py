"""The forwarder as a browser meets it, and a server that tells what reached it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from taskkit.connection import Connection
from taskkit.launcher.forwarder import application, session


@asynccontextmanager
async def dashboard(find: Callable[[], Connection]) -> AsyncIterator[ClientSession]:
    """Give a browser in front of the dashboard of what `find` finds."""
    async with (
        session() as upstream,
        TestServer(application(upstream, find)) as server,
        ClientSession(server.make_url("/")) as browser,
    ):
        yield browser


class Recorder:
    """A server that keeps the requests that reached it, and answers in two halves."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.may_end = asyncio.Event()
        #: Set once the first half has been seen.
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Take the body as it comes; then answer."""
        self.requests.append(request)
        async for chunk in request.content.iter_any():
            self.bodies.append(chunk)
        answered = web.StreamResponse(headers={"Set-Cookie": "a=1", "X-Kept": "yes"})
        await answered.prepare(request)
        await answered.write(b"first half, ")
        await self.may_end.wait()
        await answered.write(b"second half")
        return answered


@asynccontextmanager
async def recorder(prefix: str = "") -> AsyncIterator[Recorder]:
    """Give a server that records, at `url`."""
    records = Recorder()
    app = web.Application()
    app.router.add_route("*", prefix + "/{path:.*}", records.answer)
    async with TestServer(app) as server:
        records.url = str(server.make_url(prefix or "/")).rstrip("/")
        yield records

"""Passes what a browser asks on to the stack that is there at that moment, and opens it."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Coroutine
from typing import TypeVar

import aiohttp
from aiohttp import WSMsgType, web
from multidict import CIMultiDict
from yarl import URL

from ..connection import Connection
from ..protocol import wire
from ..protocol.errors import Forbidden, Misconfigured, NotReachable, RequestError
from . import headers
from .absence import absent, not_yet, problem

PAGE_WAIT_S = 20.0
"""For how long a page that waits for a stack may have its request held."""

SOCKET_WAIT_S = 8.0
"""For how long a WebSocket waits for one; Socket.IO's client gives up after 10 s."""

_LOOK_EVERY_S = 0.5
_CONNECT_S, _READ_S = 5.0, 60.0
_WAIT = re.compile(r"\brespond-async\b.*\bwait=(\d{1,4})\b")

T = TypeVar("T")


def session() -> aiohttp.ClientSession:
    """Return what the requests to stacks are made with."""
    return aiohttp.ClientSession(
        # A connection that is kept may be one to a stack which has ended.
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=_READ_S),
        auto_decompress=False,
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
    )


def application(upstream: aiohttp.ClientSession, find: Callable[[], Connection]) -> web.Application:
    """Return a web application that is the dashboard of the stack that `find` finds."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", Forwarder(upstream, find).answer)
    return app


class Forwarder:
    """Forwards to whatever stack `find` finds, anew for each request: stacks come and go."""

    def __init__(self, upstream: aiohttp.ClientSession, find: Callable[[], Connection]) -> None:
        self._upstream = upstream
        self._find = find

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request of a browser's."""
        if headers.is_foreign(request.headers):
            return problem(Forbidden("pages of other origins may not use this dashboard"))
        if not request.raw_path.startswith("/"):
            return problem(RequestError("the request must name a path, not an address"))
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._talk(request)
        wait_s = held_s(request)
        try:
            answer = await _patiently(lambda: self._ask(request), wait_s)
        except NotReachable as error:
            return not_yet() if wait_s else absent(request, str(error))
        return await relay(request, answer)

    async def _ask(self, request: web.Request) -> aiohttp.ClientResponse:
        url, sent = self._target(request)
        body = request.content if request.can_read_body else None
        try:
            return await self._upstream.request(
                request.method, url, headers=sent, data=body, allow_redirects=False
            )
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NotReachable(_silence(url)) from error

    async def _talk(self, request: web.Request) -> web.WebSocketResponse:
        """Accept a WebSocket, and pass messages on both ways until either side closes.

        It is accepted before there is one to the stack, since of one that is refused JupyterLab
        writes a traceback to its log (jupyter-server-proxy 4.6.0), with each try of the page's.
        """
        near = web.WebSocketResponse(max_msg_size=0, compress=False)
        await near.prepare(request)
        try:
            far = await _patiently(lambda: self._call(request), SOCKET_WAIT_S)
        except NotReachable:
            await near.close(code=aiohttp.WSCloseCode.TRY_AGAIN_LATER, message=b"no stack")
            return near
        async with far:
            await _first(pass_on(near, far), pass_on(far, near))
        await near.close()
        return near

    async def _call(self, request: web.Request) -> aiohttp.ClientWebSocketResponse:
        url, sent = self._target(request)
        try:
            return await self._upstream.ws_connect(url, headers=sent, max_msg_size=0)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NotReachable(_silence(url)) from error

    def _target(self, request: web.Request) -> tuple[URL, CIMultiDict[str]]:
        """Return where a request goes now, and with which headers."""
        try:
            connection = self._find()
        except Misconfigured as error:
            raise NotReachable(str(error)) from error
        try:
            url = URL(connection.url.rstrip("/") + request.raw_path, encoded=True)
        except ValueError:
            url = URL()
        if url.scheme not in {"http", "https"} or not url.host:
            raise NotReachable("TASKKIT_URL, or the connection file, holds no address of a server.")
        if "token" in url.query:
            url = url.without_query_params("token")  # JupyterLab's, from its own address
        sent = headers.of_request(request.headers, connection.token)
        # For links to the page that are sent to others, for whom Jupyter is no way to it.
        base = URL(connection.url.rstrip("/"), encoded=True)
        sent[wire.ADDRESS] = str(base.with_user(None))
        # What stands before the host would be sent in the token's place.
        return url.with_user(None), sent


async def relay(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    """Pass an answer on as it comes."""
    async with answer:
        if answer.status == web.HTTPUnauthorized.status_code:
            # The page would ask its reader for a token, which is not the reader's to know.
            return problem(
                Forbidden(
                    "the stack does not know the token that JupyterLab has for it: set TASKKIT_URL "
                    "and TASKKIT_TOKEN where JupyterLab is started, or neither"
                )
            )
        passed = web.StreamResponse(
            status=answer.status, reason=answer.reason, headers=headers.of_answer(answer.headers)
        )
        await passed.prepare(request)
        async for chunk in answer.content.iter_any():
            await passed.write(chunk)
        await passed.write_eof()
        return passed


WebSocket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


async def pass_on(source: WebSocket, target: WebSocket) -> None:
    """Send `target` what comes from `source` until that is closed."""
    async for message in source:
        match message.type:
            case WSMsgType.TEXT:
                await target.send_str(message.data)
            case WSMsgType.BINARY:
                await target.send_bytes(message.data)


def held_s(request: web.Request) -> float:
    """Return for how long a request may be held until there is a stack.

    Source: RFC 7240, section 4.3, ``Prefer: respond-async, wait=20``.
    """
    if request.method != "GET":
        return 0.0  # a body can be sent but once
    found = _WAIT.search(request.headers.get("Prefer", ""))
    return min(PAGE_WAIT_S, float(found[1])) if found else 0.0


async def _patiently(call: Callable[[], Awaitable[T]], within_s: float) -> T:
    """Return what `call` returns, calling again while no stack is there; once, if no time is given.

    Raises:
        NotReachable: None came within that time.
    """
    clock = asyncio.get_running_loop()
    until = clock.time() + within_s
    while True:
        try:
            return await call()
        except NotReachable:
            if clock.time() >= until:
                raise
        await asyncio.sleep(_LOOK_EVERY_S)


async def _first(*ways: Coroutine[None, None, None]) -> None:
    """Return when one of these has ended; the others are cancelled."""
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _silence(url: URL) -> str:
    place = f"{url.scheme}://{url.host}:{url.port}"
    why = ", the address in TASKKIT_URL" if os.environ.get("TASKKIT_URL") else ""
    return f"Nothing answers at {place}{why}: start the stack with `taskkit up`."

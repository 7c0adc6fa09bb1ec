"""Turns away what a browser was tricked into, before Flask or Engine.IO see it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from taskkit.protocol import wire
from taskkit.protocol.errors import Forbidden, to_problem

Environ = dict[str, Any]
WsgiApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Gate:
    """WSGI middleware that checks Host (DNS rebinding) and Origin (foreign pages).

    It also drops ``Sec-WebSocket-Extensions``: inflating a frame of 100 kB made Engine.IO allocate
    200 MB before anybody had shown a token, so compression is never agreed on.
    """

    def __init__(self, app: WsgiApp, allowed_hosts: frozenset[str]) -> None:
        self._app = app
        self._allowed = allowed_hosts

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
        reason = self._objection(environ)
        if reason is None:
            return self._app(environ, start_response)
        body = json.dumps(to_problem(Forbidden(reason))).encode()
        headers = [("Content-Type", wire.PROBLEM), ("Content-Length", str(len(body)))]
        start_response("403 Forbidden", headers)
        return [body]

    def _objection(self, environ: Environ) -> str | None:
        host = environ.get("HTTP_HOST", "")
        try:
            name = urlsplit(f"//{host}").hostname or ""
            origin = environ.get("HTTP_ORIGIN")
            is_foreign = origin is not None and urlsplit(origin).netloc != host
        except ValueError:  # such as a bracket without its other half
            return "the Host or the Origin header is malformed"
        if name not in self._allowed:
            return "the Host header names another server; see `taskkit server --allow-host`"
        return "pages of other origins may not use this server" if is_foreign else None

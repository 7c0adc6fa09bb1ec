"""Sees every request: gives it an id, counts it, and tells of it in the log."""

from __future__ import annotations

import json
import logging
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, g, request

from taskkit.logs import about, with_facts
from taskkit.protocol import wire

from .counts import Metrics

logger = logging.getLogger(__name__)

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
WsgiApp = Callable[[Environ, StartResponse], Iterable[bytes]]

SEEN = "taskkit.seen"
"""Where in the environment what is learned of a request is kept."""

REFUSED, NOWHERE, SOCKETS = "(refused)", "(none)", "/socket.io"
"""Routes that are none: what the gate turned away, what leads nowhere, and Engine.IO's."""

_SANE = re.compile(r"[A-Za-z0-9._:@/+=-]{1,128}")


@dataclass(slots=True)
class Seen:
    """One request, as far as it is known."""

    id: str
    begun_at: float = field(default_factory=time.perf_counter)
    route: str = REFUSED
    user: str | None = None
    status: int = 0
    sent: int = 0


class Witness:
    """WSGI middleware around all others.

    Every answer bears the id as ``X-Request-ID``, and one that tells a problem in its body, too. It
    is the client's where that is short and plain.
    """

    def __init__(self, app: WsgiApp, metrics: Metrics, *, is_access_logged: bool) -> None:
        self._app = app
        self._metrics = metrics
        self._is_access_logged = is_access_logged

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        environ[SEEN] = seen = Seen(request_id(environ.get("HTTP_X_REQUEST_ID")))
        if environ.get("PATH_INFO", "").startswith(SOCKETS):
            seen.route = SOCKETS
        with about(request=seen.id):
            if environ.get("HTTP_UPGRADE", "").lower() == "websocket":
                return self._app(environ, start_response)  # it lasts as long as its socket
            self._metrics.in_progress.inc()
            try:
                return self._witnessed(environ, start_response, seen)
            except BaseException:
                self._end(environ, seen, 500)
                raise

    def _witnessed(
        self, environ: Environ, start_response: StartResponse, seen: Seen
    ) -> Iterable[bytes]:
        problem: list[tuple[Any, ...]] = []

        def begin(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            seen.status = int(status[:3])
            given = {name.lower(): value for name, value in headers}
            if environ["REQUEST_METHOD"] != "HEAD":
                seen.sent = int(given.get("content-length", 0))
            headers = [*headers, (wire.REQUEST_ID, seen.id)]
            if given.get("content-type") == wire.PROBLEM:
                problem.append((status, headers, *exc_info))
                return lambda _bytes: None
            return start_response(status, headers, *exc_info)

        body = self._app(environ, begin)
        if problem:
            whole = self._with_id(b"".join(body), seen)
            _close(body)
            status, headers, *exc_info = problem[-1]
            headers = [(n, v) for n, v in headers if n.lower() != "content-length" or not whole]
            if whole:
                headers.append(("Content-Length", str(len(whole))))
            start_response(status, headers, *exc_info)
            self._end(environ, seen)
            return [whole]
        if isinstance(body, environ.get("wsgi.file_wrapper", ())):
            self._end(environ, seen)  # the server sends the file itself, which it must recognise
            return body  # type: ignore[no-any-return]
        return Witnessed(body, lambda: self._end(environ, seen))

    def _with_id(self, body: bytes, seen: Seen) -> bytes:
        try:
            told = json.loads(body)
            code = told["code"]
        except (ValueError, TypeError, KeyError):  # to HEAD nothing is told
            return body
        self._metrics.problem(code)
        whole = json.dumps({**told, "request_id": seen.id}).encode()
        seen.sent = len(whole)
        return whole

    def _end(self, environ: Environ, seen: Seen, status: int | None = None) -> None:
        self._metrics.in_progress.dec()
        duration_s = time.perf_counter() - seen.begun_at
        method, received = environ["REQUEST_METHOD"], environ.get("CONTENT_LENGTH") or "0"
        size = int(received) if received.isdecimal() else 0, seen.sent
        status = status or seen.status
        self._metrics.answered(seen.route, method, status, duration_s, size)
        if self._is_access_logged or status == 500:
            logger.log(
                logging.ERROR if status >= 500 else logging.INFO,
                "%s %s %d",
                method,
                quote(
                    environ.get("PATH_INFO", "")[:200]
                ),  # what is behind the question mark is not told
                status,
                extra=with_facts(
                    request=seen.id,
                    user=seen.user,
                    route=seen.route,
                    status=status,
                    duration_ms=round(1000 * duration_s, 1),
                    sent_bytes=seen.sent,
                ),
            )


class Witnessed:
    """An answer that tells when its last byte was sent, or it was given up."""

    def __init__(self, body: Iterable[bytes], on_end: Callable[[], None]) -> None:
        self._body = body
        self._on_end = on_end
        self._is_over = False

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        """Close the answer; called by the WSGI server in any case."""
        try:
            _close(self._body)
        finally:
            if not self._is_over:
                self._is_over = True
                self._on_end()


def witness(app: Flask, metrics: Metrics, *, is_access_logged: bool) -> None:
    """Have `app`, with all that is before it already, be witnessed."""

    @app.after_request
    def learn(response: Response) -> Response:
        seen = request.environ.get(SEEN)
        if seen is not None:
            rule = request.url_rule
            seen.route = NOWHERE if rule is None else rule.rule
            seen.user = g.get("owner")
        return response

    app.wsgi_app = Witness(  # type: ignore[method-assign]
        app.wsgi_app, metrics, is_access_logged=is_access_logged
    )


def request_id(given: str | None) -> str:
    """Return a request's id: the given one if it is short and plain, else a new one."""
    return given if given and _SANE.fullmatch(given) else uuid.uuid4().hex


def _close(body: Iterable[bytes]) -> None:
    close = getattr(body, "close", None)
    if close is not None:
        close()

"""Takes off each path the prefix under which the Hub's proxy passes requests on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Environ = dict[str, Any]
WsgiApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Mount:
    """WSGI middleware; what comes without the prefix has not come by the proxy, and stays.

    prefix: begins and ends with a slash.
    """

    def __init__(self, app: WsgiApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        path: str = environ.get("PATH_INFO", "")
        if path == self._prefix[:-1]:
            # The page's own addresses are relative: without the slash they lead elsewhere.
            query = environ.get("QUERY_STRING", "")
            place = self._prefix + (f"?{query}" if query else "")
            start_response("308 Permanent Redirect", [("Location", place), ("Content-Length", "0")])
            return []
        if path.startswith(self._prefix):
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + self._prefix[:-1]
            environ["PATH_INFO"] = path[len(self._prefix) - 1 :]
        return self._app(environ, start_response)

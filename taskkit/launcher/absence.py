"""What is answered while there is no stack, or none that may be asked."""

from __future__ import annotations

import html
import json
import re
import secrets
from pathlib import Path
from string import Template

from aiohttp import web

from ..protocol import wire
from ..protocol.errors import TaskkitError, Unavailable, to_problem

PAGE = Template(Path(__file__).with_name("absent.html").read_text(encoding="utf-8"))

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def absent(request: web.Request, why: str) -> web.Response:
    """Return the answer to a request for which there is no stack: a page to people, else JSON."""
    if request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
        return page(why)
    return problem(Unavailable(why))


def not_yet() -> web.Response:
    """Return the answer to a page that waits for a stack and will ask again.

    Source: RFC 7240, section 4.1. Of a failure JupyterLab would write six lines to its log.
    """
    return web.Response(status=202, headers=_HEADERS)


def page(why: str) -> web.Response:
    """Return a page that says what to do, and becomes the dashboard once there is a stack."""
    nonce = secrets.token_urlsafe(16)
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return web.Response(
        status=503,
        text=PAGE.substitute(nonce=nonce, why=_marked_up(why)),
        content_type="text/html",
        headers={
            **_HEADERS,
            "Content-Security-Policy": policy,
            "Referrer-Policy": "no-referrer",
        },
    )


def problem(error: TaskkitError) -> web.Response:
    """Return an error as a program reads it."""
    retry = {"Retry-After": "2"} if isinstance(error, Unavailable) else {}
    return web.Response(
        status=error.status,
        body=json.dumps(to_problem(error)).encode(),
        content_type=wire.PROBLEM,
        headers={**_HEADERS, **retry},
    )


def _marked_up(words: str) -> str:
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(words))

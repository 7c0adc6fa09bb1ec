"""The pages: what happens, live, and each job at ``/``; the documentation of the API at ``/docs``.

Their files are static and under one strict policy, those of Swagger UI too.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from flask import Blueprint, Response, abort, request, send_from_directory

from ..contract.versions import is_versioned
from .panels import style_sheet

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""The page runs its own files only, talks to its own server only, and no other page frames it."""


STATIC = Path(__file__).parents[1] / "static"

# The application needs `static_folder=None`, else Flask's own route takes the files, unguarded.
page = Blueprint("page", __name__, static_folder=STATIC, static_url_path="/static")


@page.get("/")
def index() -> Response:
    """Return the page; it asks for a token itself where the stack wants one."""
    return page.send_static_file("index.html")


@page.get("/docs")
def docs() -> Response:
    """Return the documentation of the API, which reads ``openapi.json``; it needs no token."""
    return page.send_static_file("docs.html")


@page.get("/docs/<path:name>")
def docs_file(name: str) -> Response:
    """Return a file of Swagger UI, from the package that brings it: it asks no other server."""
    return send_from_directory(_swagger(), name)


def _swagger() -> Path:
    # Found and not imported: the package would bring another web framework's parts along.
    spec = importlib.util.find_spec("flask_openapi3_swagger")
    if spec is None or spec.origin is None:
        abort(404)
    return Path(spec.origin).parent / "templates" / "swagger"


@page.before_request
def refuse_versions() -> None:
    """Have pages at one address: the version is that of the API."""
    if is_versioned():
        abort(404)


@page.get("/static/panels.css")
def panels_css() -> Response:
    """Return the style sheet of panels, which is not one of the page's files."""
    response = Response(style_sheet(), content_type="text/css; charset=utf-8")
    response.add_etag()
    response.make_conditional(request)
    return response


@page.after_request
def guard(response: Response) -> Response:
    """Confine what the browser may do with the page and its files."""
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    # The files' names do not change with their content: ask each time, usually answered by 304.
    response.headers["Cache-Control"] = "no-cache"
    return response

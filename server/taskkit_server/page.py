"""The page at ``/``: what happens, live, and each job; static files under a strict policy."""

from __future__ import annotations

from flask import Blueprint, Response, request

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


# The application needs `static_folder=None`, else Flask's own route takes the files, unguarded.
page = Blueprint("page", __name__, static_folder="static", static_url_path="/static")


@page.get("/")
def index() -> Response:
    """Return the page; it asks for a token itself where the stack wants one."""
    return page.send_static_file("index.html")


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

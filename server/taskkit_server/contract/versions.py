"""The version of the API in its addresses: what answers at ``/jobs`` answers at ``/v1/jobs``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import request

VERSION = "v1"
"""Raised when a route takes or answers something that breaks its present users."""

_IS_VERSIONED = "taskkit.is_versioned"

Environ = dict[str, Any]
WsgiApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Versions:
    """WSGI middleware that takes the version off the path, as a place at which the API is mounted.

    So each route is there once. Without a version it is the present one: clients that are older
    than versions ask so.
    """

    def __init__(self, app: WsgiApp) -> None:
        self._app = app

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        path: str = environ.get("PATH_INFO", "")
        if path.startswith(f"/{VERSION}/"):
            environ["SCRIPT_NAME"] = f"{environ.get('SCRIPT_NAME', '')}/{VERSION}"
            environ["PATH_INFO"] = path[len(VERSION) + 1 :]
            environ[_IS_VERSIONED] = True
        return self._app(environ, start_response)


def is_versioned() -> bool:
    """Return whether the request named the version that it speaks."""
    return _IS_VERSIONED in request.environ


def address(path: str) -> str:
    """Return where a route's path is to be had, under the version that the request named."""
    return request.script_root + path

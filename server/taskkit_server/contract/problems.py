"""Every error as ``application/problem+json`` with a stable code. Source: RFC 9457."""

from __future__ import annotations

import json
import logging
import re

import werkzeug.exceptions
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from taskkit.protocol import wire
from taskkit.protocol.errors import (
    PayloadTooLarge,
    RequestError,
    TaskkitError,
    Unauthorized,
    Unavailable,
    to_problem,
)
from taskkit.protocol.spec import MAX_BODY_BYTES

from .versions import VERSION

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 1


class NoSuchRoute(RequestError):
    """The server has nothing at this address."""

    code = "no_such_route"
    status = 404


class MethodNotAllowed(RequestError):
    """The address is not for this method."""

    code = "method_not_allowed"
    status = 405


class ServerBroke(TaskkitError):
    """The server made a mistake; its log has the details."""

    code = "server_broke"
    status = 500


def problem(error: TaskkitError) -> Response:
    """Return the answer that tells `error`."""
    body = json.dumps(to_problem(error))
    response = Response(body, status=error.status, content_type=wire.PROBLEM)
    if isinstance(error, Unavailable):
        wait_s = error.details.get("retry_after_s", RETRY_AFTER_S)
        response.headers["Retry-After"] = str(wait_s)
    if isinstance(error, Unauthorized):
        response.headers["WWW-Authenticate"] = 'Bearer realm="taskkit"'
    return response


def answer_errors(app: Flask) -> None:
    """Make `app` answer whatever a handler raises as a problem."""

    @app.errorhandler(TaskkitError)
    def _ours(error: TaskkitError) -> Response:
        return problem(error)

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        response = problem(_from_http(error))
        if isinstance(error, werkzeug.exceptions.MethodNotAllowed):
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
        return response

    @app.errorhandler(Exception)
    def _bug(error: Exception) -> Response:
        logger.error("a request broke", exc_info=error)
        return problem(ServerBroke())


def _from_http(error: HTTPException) -> TaskkitError:
    match error.code:
        case 404:
            asked = re.match(r"/(v\d+)(/|$)", request.path)
            told = f"this server speaks {VERSION}, not {asked[1]}" if asked else ""
            found: TaskkitError = NoSuchRoute(told)
        case 405:
            found = MethodNotAllowed()
        case 413:
            limit = MAX_BODY_BYTES // 2**20
            found = PayloadTooLarge(f"a request may have {limit} MiB at most")
        case _:
            found = RequestError(error.description or "")
    return found

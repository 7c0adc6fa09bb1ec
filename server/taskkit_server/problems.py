"""Every error as ``application/problem+json`` with a stable code. Source: RFC 9457."""

from __future__ import annotations

import json
import logging

from flask import Flask, Response
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

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 1


class NoSuchRoute(RequestError):
    """The server has nothing at this address, or not for this method."""

    code = "no_such_route"
    status = 404


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
        return problem(_from_http(error))

    @app.errorhandler(Exception)
    def _bug(error: Exception) -> Response:
        logger.error("a request broke", exc_info=error)
        return problem(ServerBroke())


def _from_http(error: HTTPException) -> TaskkitError:
    match error.code:
        case 404 | 405:
            found: TaskkitError = NoSuchRoute()
        case 413:
            limit = MAX_BODY_BYTES // 2**20
            found = PayloadTooLarge(f"a request may have {limit} MiB at most")
        case _:
            found = RequestError(error.description or "")
    return found

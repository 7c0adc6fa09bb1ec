"""gunicorn's worker, with problems in place of its pages of HTML for what is no request at all.

Such a request never gets as far as the application. The master imports this, so that it is light.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from gunicorn.http import errors
from gunicorn.util import write_nonblock
from gunicorn.workers.gthread import ThreadWorker

from taskkit.protocol import wire
from taskkit.protocol.errors import RequestError, to_problem


class NotHttp(RequestError):
    """The server cannot read this as a request."""

    code = "not_http"
    status = 400


class AddressTooLong(RequestError):
    """The first line of the request is longer than the server reads."""

    code = "address_too_long"
    status = 414


class ExpectationFailed(RequestError):
    """The request expects of the server what it does not do."""

    code = "expectation_failed"
    status = 417


class HeadersTooLarge(RequestError):
    """The headers of the request are more, or longer, than the server reads."""

    code = "headers_too_large"
    status = 431


PROBLEMS: dict[type[Exception], type[RequestError]] = {
    errors.LimitRequestLine: AddressTooLong,
    errors.ExpectationFailed: ExpectationFailed,
    errors.LimitRequestHeaders: HeadersTooLarge,
}
"""The others that a client can bring about are `NotHttp`."""


def answer_to(error: RequestError) -> bytes:
    """Return the whole answer to what is no request, after which the connection is closed."""
    body = json.dumps(to_problem(error)).encode()
    head = (
        f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}\r\n"
        f"Content-Type: {wire.PROBLEM}\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + body


class HttpWorker(ThreadWorker):  # type: ignore[misc]
    """Answers, and closes the connection, of which the next request could begin anywhere."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Tell the client what was wrong with its request; the rest is gunicorn's own to tell."""
        is_clients = isinstance(exc, errors.ParseException)
        if not is_clients or isinstance(exc, errors.ConfigurationProblem):
            super().handle_error(req, client, addr, exc)
            return
        error = PROBLEMS.get(type(exc), NotHttp)(f"the server cannot read this request: {exc}")
        self.log.warning("Invalid request from ip=%s: %s", addr[0] if addr else "", exc)
        try:
            write_nonblock(client, answer_to(error))
        except OSError as error_of_socket:
            self.log.debug("A client went away before it was answered: %s", error_of_socket)

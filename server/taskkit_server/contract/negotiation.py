"""What a request brings and what it wants to get, by their media types.

Source: RFC 9110, sections 12.5.1 (Accept), 15.5.7 (406) and 15.5.16 (415).
"""

from __future__ import annotations

import json
from typing import Any

from flask import Flask, current_app, request

from taskkit.protocol import wire
from taskkit.protocol.errors import RequestError

from .operations import operation_of


class NotAcceptable(RequestError):
    """The answer is of no media type that the request accepts."""

    code = "not_acceptable"
    status = 406


class UnsupportedMediaType(RequestError):
    """The body is not of a media type that the route takes."""

    code = "unsupported_media_type"
    status = 415


UNSAID = ("", "application/x-www-form-urlencoded")
"""What a request says that says nothing: the second is what ``curl -d`` says of any body."""


def negotiate(app: Flask) -> None:
    """Refuse what could not be answered, before anything is done."""

    @app.before_request
    def _look_at_accept() -> None:
        accept = request.headers.get("Accept")
        if accept is None or "*/*" in accept or request.url_rule is None:
            return
        promised = operation_of(current_app.view_functions[request.url_rule.endpoint])
        if promised is not None and promised.media_types and request.method != "OPTIONS":
            require_accepted(*promised.media_types)


def require_accepted(*media_types: str) -> None:
    """Return if the request accepts one of these.

    Raises:
        NotAcceptable: It accepts none; the message names them.
    """
    if "Accept" in request.headers and not request.accept_mimetypes.best_match(media_types):
        raise NotAcceptable(f"what is here is {' or '.join(media_types)}; accept that, or */*")


def json_body() -> bytes:
    """Return the bytes of a body that is said to be JSON, or of which nothing is said.

    Raises:
        UnsupportedMediaType: It is said to be something else, or it is compressed.
    """
    if request.content_encoding:
        raise UnsupportedMediaType("compressed requests are not taken")
    if request.mimetype not in UNSAID and not request.is_json:
        raise UnsupportedMediaType(
            f"the body must be {wire.JSON}, not {request.mimetype[:64]}: "
            "say so by `Content-Type: application/json`"
        )
    return request.get_data()


def json_object() -> dict[str, Any]:
    """Return the JSON object that is the body.

    Raises:
        UnsupportedMediaType: See `json_body`.
        RequestError: It is none.
    """
    try:
        body = json.loads(json_body(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise RequestError("the body must be a JSON object")
    return body


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")

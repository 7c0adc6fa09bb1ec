"""Requests to the server as the stores make them: answers that are read piece by piece."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from ..protocol.errors import BlobNotFound, NotReachable, TaskkitError, from_problem
from .content import Buffer

GATEWAY = (502, 503, 504)
"""What a proxy answers by itself where no server does. Source: RFC 9110, 15.6.3 to 15.6.5."""


class Sender(Protocol):
    """Sends requests with the owner's token."""

    def send(
        self, method: str, path: str, headers: Mapping[str, str], body: Buffer | None = None
    ) -> BaseHTTPResponse:
        """Return the answer, whatever its status, before its body is read.

        Raises:
            NotReachable: None came.
        """


def checked(answer: BaseHTTPResponse) -> BaseHTTPResponse:
    """Return an answer that is none of a problem; raise the problem that it is."""
    if answer.status < 300:
        return answer
    raise _problem(answer)


def _problem(answer: BaseHTTPResponse) -> TaskkitError:
    try:
        obj: Any = json.loads(answer.data)
    except (ValueError, HTTPError):
        obj = None
    if answer.status == 404 and not obj:
        return BlobNotFound()
    if answer.status in GATEWAY and not isinstance(obj, dict):
        return NotReachable(f"a proxy answered {answer.status}: it does not reach a server")
    return from_problem(obj if isinstance(obj, dict) else {}, answer.status)

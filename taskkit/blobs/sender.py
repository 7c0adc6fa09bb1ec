"""Requests to the server as the stores make them: answers that are read piece by piece."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from ..protocol.errors import BlobNotFound, TaskkitError, from_problem
from .content import Buffer


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
    return from_problem(obj if isinstance(obj, dict) else {}, answer.status)

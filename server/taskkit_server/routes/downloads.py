"""Files that are sent whole or by range, from the disk to the socket."""

from __future__ import annotations

import os
from typing import BinaryIO

from flask import Response, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wsgi import wrap_file

from taskkit.protocol.errors import RequestError

from ..contract.problems import problem

PIECE_BYTES = 2**20
"""How much of a file is in the server's memory at a time."""


class RangeNotSatisfiable(RequestError):
    """The range begins where the content has ended."""

    code = "range_not_satisfiable"
    status = 416


def download(digest: str, file: BinaryIO) -> Response:
    """Return the answer that sends a blob, or the range of it that is asked for.

    Source: RFC 9110, sections 13 and 14.
    """
    size = size_of(file)
    response = Response(
        wrap_file(request.environ, file, PIECE_BYTES),
        content_type="application/octet-stream",
        direct_passthrough=True,
    )
    response.content_length = size
    response.set_etag(digest)
    # What has this name never changes; only its owner may see it.
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    try:
        response.make_conditional(request, accept_ranges=True, complete_length=size)
    except RequestedRangeNotSatisfiable:
        file.close()
        response = problem(RangeNotSatisfiable(f"the blob has {size:,} bytes"))
        response.headers["Content-Range"] = f"bytes */{size}"
    return response


def size_of(file: BinaryIO) -> int:
    """Return how many bytes an open file has."""
    return os.fstat(file.fileno()).st_size

"""The route of a job's output: as text, whole or as it comes."""

from __future__ import annotations

import errno
import select
import socket
from collections.abc import Callable, Iterator

from flask import Blueprint, Response, g, request

from taskkit.ledger import JobRef, Ledger
from taskkit.protocol.errors import Forbidden, JobNotFound, Unauthorized, Unavailable

from ..access.auth import Auth
from ..contract.operations import ETAG, IF_NONE_MATCH, UNCHANGED, Answer, Header, promises
from ..contract.queries import ID, OutputQuery, asked, is_id
from ..live.output_stream import OutputStream
from ..live.seats import Seats

TEXT = "text/plain; charset=utf-8"

DROPPED = Header(
    name="Output-Dropped-Chars",
    means="How many characters were printed before these and are not kept any more.",
    is_count=True,
)


class OutputApi:
    """The route ``/jobs/{id}/output``."""

    def __init__(self, ledger: Ledger, auth: Auth, seats: Seats) -> None:
        self._ledger = ledger
        self._auth = auth
        self._seats = seats

    def blueprint(self) -> Blueprint:
        """Return the route."""
        routes = Blueprint("output", __name__)
        routes.before_request(self._auth.require)
        routes.get("/jobs/<id>/output")(self.get_output)
        return routes

    @promises(
        Answer(
            means="What the current attempt printed, as far as it is kept, with what came after it "
            "where that was asked for",
            media_types=("text/plain",),
            headers=(DROPPED, ETAG),
        ),
        UNCHANGED,
        query=OutputQuery,
        headers=(IF_NONE_MATCH,),
        problems=(JobNotFound,),
        ids=ID,
    )
    def get_output(self, id: str) -> Response:
        """Answer what a job printed and logged; with ``?follow`` until it is final.

        The stream begins with what is there. It goes on over new attempts, and ends in the middle
        of a chunk where the token is not valid any more.
        """
        is_followed = asked(OutputQuery).follow != "false" and request.method == "GET"
        if is_followed:
            return self._followed(id)
        record = self._ledger.job(JobRef(g.owner, id)) if is_id(id) else None
        if record is None:
            raise _not_found(id)
        response = Response(_bytes(record.output), content_type=TEXT)
        response.headers["Cache-Control"] = "private, no-cache"
        response.headers[DROPPED.name] = str(record.output_dropped_chars)
        response.add_etag()
        response.make_conditional(request)
        return response

    def _followed(self, id: str) -> Response:
        if not is_id(id):
            raise _not_found(id)
        if not self._seats.take():
            raise Unavailable("the server holds as many connections as it can serve")
        try:
            stream = OutputStream(self._ledger, JobRef(g.owner, id), self._is_wanted())
            record = stream.begin()
            if record is None:
                raise _not_found(id)
        except BaseException:
            self._seats.leave()
            raise
        response = Response(_chunks(record.output, stream), content_type=TEXT)
        response.call_on_close(self._seats.leave)
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Accel-Buffering"] = "no"  # nginx would keep it back
        response.headers[DROPPED.name] = str(record.output_dropped_chars)
        return response

    def _is_wanted(self) -> Callable[[], bool]:
        """Return what says whether the client is there and may read; it outlives the request."""
        asker = self._auth.asker()
        # What the server that is below Flask calls the connection, if it tells.
        connection = request.environ.get("gunicorn.socket", request.environ.get("werkzeug.socket"))

        def is_wanted() -> bool:
            try:
                asker()
            except (Unauthorized, Forbidden) as error:
                # An end that can be told from that of a job: the last chunk is missing.
                raise ConnectionResetError(errno.ECONNRESET, str(error)) from None
            except Unavailable:
                pass  # nothing is read from a ledger that is away either
            return connection is None or not _has_ended(connection)

        return is_wanted


def _chunks(first: str, stream: OutputStream) -> Iterator[bytes]:
    yield _bytes(first)  # though it be empty: the headers go out with it
    for text in stream.rest():
        yield _bytes(text)


def _bytes(text: str) -> bytes:
    return text.encode(errors="replace")


def _has_ended(connection: socket.socket) -> bool:
    """Return whether the other side has closed a connection; it need not write for that."""
    try:
        if not select.select([connection], [], [], 0)[0]:
            return False
        return connection.recv(1, socket.MSG_PEEK) == b""
    except (
        OSError,
        ValueError,
    ):  # closed on this side; TLS, which cannot peek, is a proxy's affair
        return True


def _not_found(id: str) -> JobNotFound:
    return JobNotFound(f"there is no job {id[:64]!r}")

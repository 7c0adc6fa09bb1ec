"""Routes of blobs: uploads that go on after a cut, downloads by range.

Uploads speak the language of resumable uploads, a blob's own address being that of its upload:
``HEAD`` tells in ``Upload-Offset`` how many bytes are here, a part comes with the offset at which
it begins, and ``Upload-Complete: ?1`` marks the last. Parts come by ``PUT`` instead of ``PATCH``,
since what they make of the address is fixed by its digest.

Source: draft-ietf-httpbis-resumable-upload-10, "Upload Resource", "Offset Retrieval" and "Upload
Append"; RFC 9110, section 14, for ranges.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from flask import Blueprint, Response, g, jsonify, request
from flask.blueprints import BlueprintSetupState
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.exceptions import ClientDisconnected
from werkzeug.routing import BaseConverter

from taskkit.blobs import BlobStore, FolderStore, is_digest, probe
from taskkit.blobs.partial import Partial, offset_mismatch
from taskkit.ledger import JobRef
from taskkit.protocol.errors import (
    BlobDamaged,
    BlobNotFound,
    DiskFull,
    InvalidRequest,
    OffsetMismatch,
    PayloadTooLarge,
    QuotaReached,
    RequestError,
    Unavailable,
)
from taskkit.protocol.tokens import OWNER_HEADER, USER_PATTERN

from ..access.auth import Auth
from ..contract import shapes
from ..contract.negotiation import UnsupportedMediaType, json_body
from ..contract.operations import IF_NONE_MATCH, UNCHANGED, Answer, Header, promises
from ..contract.problems import problem
from ..contract.queries import BlobQuery, asked
from .downloads import RangeNotSatisfiable, download, size_of
from .identities import Digest
from .owned_blobs import OwnedBlobs
from .submissions import not_understood

PIECE_BYTES = 2**20
"""How much of an upload is in the server's memory at a time."""


OCTETS = "application/octet-stream"
DIGEST = r"^[0-9a-f]{64}$"

OFFSET = Header(name="Upload-Offset", means="The byte at which it goes on.", is_count=True)
COMPLETE = Header(name="Upload-Complete", means="`?1` where this is its end.", values=("?0", "?1"))
LENGTH = Header(name="Upload-Length", means="How many bytes it has in all.", is_count=True)
OWNER = Header(
    name=OWNER_HEADER,
    means="Whose it is, from a worker; needs the scope `blobs`.",
    pattern=USER_PATTERN,
)
RANGE = Header(name="Range", means="The bytes that are wanted; RFC 9110, section 14.")
PUTTING = (
    BlobNotFound,
    OffsetMismatch,
    PayloadTooLarge,
    InvalidRequest,
    BlobDamaged,
    DiskFull,
    QuotaReached,
)
UPLOAD = (OFFSET, COMPLETE, Header(name="Upload-Limit", means="How large a blob may be."))


class MissingRequest(BaseModel):
    """Which blobs a client means to use."""

    model_config = ConfigDict(extra="forbid")

    digests: Annotated[list[Digest], Field(max_length=10_000)]


class BlobsApi:
    """The routes under ``/blobs``; each owner has a store that nobody else sees."""

    def __init__(self, stores: OwnedBlobs, max_blob_bytes: int) -> None:
        self._stores = stores
        self._max_blob_bytes = max_blob_bytes

    def blueprint(self, auth: Auth) -> Blueprint:
        """Return the routes, for owners whom `auth` knows."""
        routes = Blueprint("blobs", __name__, url_prefix="/blobs")
        routes.record_once(_know_blobs)
        routes.before_request(auth.require)
        routes.errorhandler(OffsetMismatch)(_answer_mismatch)
        routes.post("/missing")(self.post_missing)
        routes.get("/probe")(self.get_probe)
        routes.get("/<blob:digest>")(self.get_blob)
        routes.put("/<blob:digest>")(self.put_blob)
        return routes

    @promises(
        Answer(means="Those that are not here", body=shapes.MissingBlobs),
        body=MissingRequest,
        headers=(OWNER,),
        problems=(InvalidRequest, PayloadTooLarge, UnsupportedMediaType, BlobNotFound),
    )
    def post_missing(self) -> Response:
        """Answer which of some blobs are not here."""
        try:
            wanted = MissingRequest.model_validate_json(json_body())
        except ValidationError as error:
            raise not_understood(error) from None
        return jsonify(missing=self._store().missing(wanted.digests))

    @promises(Answer(means="The file to look for", body=shapes.Probe), problems=(BlobNotFound,))
    def get_probe(self) -> Response:
        """Answer how a client can find out that it shares the disk; null where nobody can."""
        store = self._store()
        if self._stores.is_limited or not isinstance(store, FolderStore):
            return jsonify(probe=None)
        return jsonify(probe=probe.offer(store))

    @promises(
        Answer(means="Its bytes", media_types=(OCTETS,), headers=UPLOAD),
        Answer(means="To HEAD: a part of it has come", status=204, media_types=(), headers=UPLOAD),
        Answer(means="The range of it", status=206, media_types=(OCTETS,), headers=UPLOAD),
        UNCHANGED,
        query=BlobQuery,
        headers=(RANGE, IF_NONE_MATCH, OWNER),
        problems=(BlobNotFound, RangeNotSatisfiable, InvalidRequest),
        ids=DIGEST,
    )
    def get_blob(self, digest: str) -> Response:
        """Answer a blob, or a range of it; to HEAD also how much of it has come."""
        self._require_shown(digest)
        store = self._store_of(digest)
        try:
            file = store.open(digest)
        except BlobNotFound:
            offset = store.partial(digest).offset()
            if request.method != "HEAD" or not offset:
                response = problem(BlobNotFound(f"there is no blob {digest}"))
                return self._upload(response, 0, is_complete=False)
            return self._upload(Response(status=204), offset, is_complete=False)
        size = size_of(file)
        return self._upload(download(digest, file), size, is_complete=True)

    @promises(
        Answer(means="It is whole", status=201, media_types=(), headers=UPLOAD),
        Answer(means="It had been whole, or the part was taken", status=204, media_types=()),
        body=bytes,
        headers=(OFFSET, COMPLETE, LENGTH, OWNER),
        problems=(
            BlobNotFound,
            OffsetMismatch,
            PayloadTooLarge,
            InvalidRequest,
            BlobDamaged,
            DiskFull,
        ),
        ids=DIGEST,
    )
    def put_blob(self, digest: str) -> Response:
        """Take a part of a blob, or all of it; the last must make it whole."""
        store = self._store_of(digest)
        if not store.missing([digest]):
            return self._upload(Response(status=204), None, is_complete=True)
        partial = store.partial(digest)
        offset = self._offset(partial)
        end = self._receive(partial, offset)
        if request.content_length is not None and end - offset != request.content_length:
            raise RequestError(f"the part was cut at byte {end:,}")
        if not _is_last():
            return self._upload(Response(status=204), end, is_complete=False)
        store.finish(digest)
        self._stores.add_weight(g.owner, end)
        response = Response(status=201)
        response.headers["Location"] = request.path
        response.set_etag(digest)
        return self._upload(response, end, is_complete=True)

    def _require_shown(self, digest: str) -> None:
        """Return, of a share, if the blob is a figure of the job that is named, as it is now.

        Raises:
            BlobNotFound: It is not.
        """
        share = g.identity.share
        if share is None:
            return
        id = asked(BlobQuery).job
        record = self._stores.job(JobRef(g.owner, id)) if id in share.jobs else None
        if record is None or all(figure.digest != digest for figure in record.figures):
            raise BlobNotFound(f"there is no blob {digest}")

    def _store(self) -> BlobStore:
        return self._stores.of(g.owner)

    def _store_of(self, digest: str) -> BlobStore:
        store = self._store()
        if not is_digest(digest):
            raise BlobNotFound(f"{digest[:80]!r} is not the digest of a blob")
        return store

    def _offset(self, partial: Partial) -> int:
        """Return where the part in the request begins, if it may be taken at all."""
        is_part = "Upload-Offset" in request.headers
        offset = _count("Upload-Offset") or 0
        here = partial.offset()
        if is_part and offset != here:
            raise offset_mismatch(here, offset)
        length = request.content_length or 0
        size = max(offset + length, _count("Upload-Length") or 0)
        self._require_fit(size)
        partial.require_room(size - here)
        return offset

    def _receive(self, partial: Partial, offset: int) -> int:
        """Keep what comes, piece by piece; return the offset at which it ended."""
        # Instead of the limit of other requests; one byte more, so that ours is the one that tells.
        request.max_content_length = self._max_blob_bytes + 1
        for piece in _pieces():
            self._require_fit(offset + len(piece))
            offset = partial.append(offset, piece)
        return offset

    def _require_fit(self, size_bytes: int) -> None:
        # Results that workers send are kept in any case: the work is done.
        if g.identity.token and not g.is_worker:
            self._stores.require_quota(g.owner, size_bytes)
        if size_bytes > self._max_blob_bytes:
            raise PayloadTooLarge(
                f"a blob may have {self._max_blob_bytes / 2**20:,.0f} MiB, not "
                f"{size_bytes / 2**20:,.0f}"
            )

    def _upload(self, response: Response, offset: int | None, *, is_complete: bool) -> Response:
        """Tell how an upload stands."""
        if offset is not None:
            response.headers["Upload-Offset"] = str(offset)
        response.headers["Upload-Complete"] = "?1" if is_complete else "?0"
        response.headers["Upload-Limit"] = f"max-size={self._max_blob_bytes}"
        if not is_complete:
            response.headers["Cache-Control"] = "no-store"
        return response


class _BlobInPath(BaseConverter):
    """What is no other route's word; only what is a digest is found."""

    regex = "(?!(?:missing|probe)$)[^/]+"


def _know_blobs(state: BlueprintSetupState) -> None:
    state.app.url_map.converters["blob"] = _BlobInPath


def _pieces() -> Iterator[bytes]:
    """Yield what the client sends, until it ends or is cut."""
    try:
        while piece := request.stream.read(PIECE_BYTES):
            yield piece
    except ClientDisconnected:
        return
    except OSError as error:
        raise Unavailable(f"the upload was cut: {error}") from error


def _is_last() -> bool:
    """Return whether the request brings a blob's end; one without a word on it is all of it."""
    told = request.headers.get("Upload-Complete", "?1")
    if told not in ("?0", "?1"):
        raise InvalidRequest(f"Upload-Complete must be ?0 or ?1, not {told[:64]!r}")
    return told == "?1"


def _count(header: str) -> int | None:
    text = request.headers.get(header)
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 15):
        raise InvalidRequest(f"{header} must be a number from 0 on, not {text[:64]!r}")
    return int(text)


def _answer_mismatch(error: OffsetMismatch) -> Response:
    response = problem(error)
    response.headers["Upload-Offset"] = str(error.details["expected_offset"])
    response.headers["Upload-Complete"] = "?0"
    return response

"""Routes of shares: links by which whoever has one looks at some jobs, and at nothing else."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Annotated

from flask import Blueprint, Response, g, jsonify, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from taskkit.ledger import JobRef, Ledger, Shares
from taskkit.protocol import wire
from taskkit.protocol.errors import (
    Forbidden,
    InvalidRequest,
    JobNotFound,
    PayloadTooLarge,
    QuotaReached,
    ShareNotFound,
)
from taskkit.protocol.tokens import MOST_SHARED, MOST_SHARES, NOTE_CHARS, Scope, ShareInfo

from ..access.auth import Auth, Identity
from ..access.new_tokens import digest_of, new_share, new_share_secret
from ..clock import now_ms
from ..contract import shapes
from ..contract.negotiation import UnsupportedMediaType, json_body
from ..contract.operations import ETAG, IF_NONE_MATCH, UNCHANGED, Answer, promises
from ..contract.queries import ID
from ..settings import Settings
from .options import Number
from .shared_records import as_shared, listed
from .submissions import not_understood

USUAL_S = 30 * 86_400.0
"""How long a share lasts where nobody says, and the server allows as much."""

FRESH_S = 0.5
"""For how long all readers of a share are answered the same: many are no more work than one."""

REST = 2
"""And for how many times as long as it took to make the answer: so much of a server stays free."""

MOST_FRESH = 64
"""Of so many shares, those that were read last, the answer is kept for that long."""

JobId = Annotated[str, Field(pattern=ID)]
Lifetime = Annotated[float, Field(gt=0, le=3650 * 86_400.0, allow_inf_nan=False), Number]


class ShareRequest(BaseModel):
    """Which jobs are to be shown, for how long, and what for."""

    model_config = ConfigDict(extra="forbid")

    jobs: Annotated[list[JobId], Field(min_length=1, max_length=MOST_SHARED)]
    expires_s: Lifetime | None = None
    note: Annotated[str, Field(max_length=NOTE_CHARS)] = ""


@dataclass
class _Fresh:
    """What the readers of a share are answered for a moment."""

    making: threading.Lock = field(default_factory=threading.Lock)
    body: bytes = b""
    until: float = 0.0


class SharesApi:
    """The routes under ``/shares``, and ``/shared``, which a share itself asks."""

    def __init__(self, ledger: Ledger, shares: Shares, settings: Settings) -> None:
        self._ledger = ledger
        self._shares = shares
        self._longest_s = settings.max_share_s
        self._public_url = settings.public_url
        self._is_open = settings.is_open
        self._lock = threading.Lock()
        self._fresh: OrderedDict[str, _Fresh] = OrderedDict()
        #: By share.

    def blueprint(self, auth: Auth) -> Blueprint:
        """Return the routes, for owners whom `auth` knows."""
        routes = Blueprint("shares", __name__)
        routes.before_request(auth.require)
        routes.post("/shares")(self.post_share)
        routes.get("/shares")(self.get_shares)
        routes.delete("/shares/<id>")(self.delete_share)
        routes.get("/shared")(self.get_shared)
        return routes

    @promises(
        Answer(means="The share, its token told this once", status=201, body=shapes.NewShare),
        body=ShareRequest,
        problems=(InvalidRequest, JobNotFound, PayloadTooLarge, UnsupportedMediaType, QuotaReached),
    )
    def post_share(self) -> Response:
        """Make a link by which whoever has it may look at some of one's own jobs."""
        self._require_use()
        asked = _parsed(json_body())
        self._require_jobs(asked.jobs)
        now = now_ms()
        expires_at = now + round(1000 * self._lasts_s(asked.expires_s))
        own = [one for one in self._seen(g.identity) if one.user == g.owner]
        if sum(not one.is_expired(now) for one in own) >= MOST_SHARES:
            raise QuotaReached(f"you share {MOST_SHARES} times already: revoke what nobody needs")
        info = new_share(g.owner, asked.jobs, now_ms=now, expires_at=expires_at, note=asked.note)
        secret = new_share_secret()
        self._shares.add(info, digest_of(secret))
        # Behind the #, which browsers keep to themselves: it is in no request and no log.
        # What stands between the page and this server, and is no way for others, says where it is.
        place = self._public_url or request.headers.get(wire.ADDRESS)
        link = place and f"{place.rstrip('/')}/#/shared/{secret}"
        # The only time that it is told.
        response = jsonify({**wire.token_to_wire(info), "token": secret, "link": link})
        response.status_code = 201
        response.headers["Cache-Control"] = "no-store"
        return response

    @promises(Answer(means="The shares", body=shapes.ShareList))
    def get_shares(self) -> Response:
        """List the asker's own shares, or by the scope `admin` all."""
        return jsonify(shares=[wire.token_to_wire(info) for info in self._seen(g.identity)])

    @promises(
        Answer(means="It shows nothing any more", status=204, media_types=()),
        problems=(ShareNotFound,),
        ids=r"^[0-9a-f]{12}$",
    )
    def delete_share(self, id: str) -> Response:
        """Revoke a share."""
        is_seen = any(info.id == id for info in self._seen(g.identity))
        if not is_seen or not self._shares.revoke(id):
            raise ShareNotFound(f"there is no share {id[:64]!r}")
        return Response(status=204)

    @promises(
        Answer(means="Its jobs", body=shapes.Shared, headers=(ETAG,)),
        UNCHANGED,
        headers=(IF_NONE_MATCH,),
        problems=(ShareNotFound,),
    )
    def get_shared(self) -> Response:
        """Answer the jobs that a share shows; only a share's own token asks that."""
        share: ShareInfo | None = g.identity.share
        if share is None:
            raise ShareNotFound("this token is that of a user: a share's own tells what it shows")
        response = Response(self._answer(share), content_type=wire.JSON)
        response.headers["Cache-Control"] = "private, no-cache"
        response.add_etag()
        response.make_conditional(request)
        return response

    def _answer(self, share: ShareInfo) -> bytes:
        with self._lock:
            fresh = self._fresh.setdefault(share.id, _Fresh())
            self._fresh.move_to_end(share.id)
            while len(self._fresh) > MOST_FRESH:
                self._fresh.popitem(last=False)
        with fresh.making:  # by one of those who wait for it
            began = time.monotonic()
            if began >= fresh.until:
                fresh.body = self._shown(share)
                ended = time.monotonic()
                fresh.until = ended + max(FRESH_S, REST * (ended - began))
            return fresh.body

    def _shown(self, share: ShareInfo) -> bytes:
        found = self._ledger.records([JobRef(share.user, id) for id in share.jobs])
        there = [listed(as_shared(record, share)) for record in found if record is not None]
        return jsonify(
            owner=share.user,
            expires_at=wire.time_to_wire(share.expires_at),
            jobs=[wire.record_to_wire(record) for record in there],
            gone=len(found) - len(there),
        ).get_data()

    def _require_use(self) -> None:
        if not self._longest_s:
            raise Forbidden("this server shares no jobs: `limits.max_share_days` is 0")
        if self._is_open and not g.identity.token:  # that of a user is for who comes from elsewhere
            raise Forbidden(
                "this stack is open: who is at this machine sees all jobs without a link, and "
                "others do not reach it; start it without --open to share jobs"
            )

    def _lasts_s(self, wanted_s: float | None) -> float:
        if wanted_s is None:
            return min(USUAL_S, self._longest_s)
        if wanted_s > self._longest_s:
            told = f"a share lasts {self._longest_s / 86_400:g} days here at most"
            raise InvalidRequest(f"expires_s: {told}", fields={"expires_s": told})
        return wanted_s

    def _require_jobs(self, ids: list[str]) -> None:
        found = self._ledger.records([JobRef(g.owner, id) for id in ids])
        for id, record in zip(ids, found, strict=True):
            if record is None:
                raise JobNotFound(f"there is no job {id!r}", job=id)

    def _seen(self, who: Identity) -> list[ShareInfo]:
        """Return the shares that somebody may see: their own, or all."""
        is_admin = Scope.ADMIN in who.scopes
        return [one for one in self._shares.all(now_ms()) if is_admin or one.user == who.owner]


def _parsed(body: bytes) -> ShareRequest:
    try:
        return ShareRequest.model_validate_json(body)
    except ValidationError as error:
        raise not_understood(error) from None

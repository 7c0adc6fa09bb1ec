"""Routes that tell how a job's result came about: its card, and what it was made of."""

from __future__ import annotations

from hashlib import sha256
from importlib.metadata import version

from flask import Blueprint, Response, g

from taskkit.ledger import JobRef, Ledger, Made
from taskkit.protocol import wire
from taskkit.protocol.errors import BadSignature, DecodeError, FunctionNotFound, JobNotFound
from taskkit.protocol.jobs import JobRecord
from taskkit.protocol.spec import unsealed
from taskkit.provenance.facts import Kept, card
from taskkit.provenance.shared import as_shared_card
from taskkit.travel.stamps import about, bare_pickle, packages_of

from ..clock import now_ms
from ..contract.card import Card
from ..contract.negotiation import require_accepted
from ..contract.operations import Answer, promises
from ..contract.queries import ID
from .records import Records, as_json
from .shared_records import as_shared

VERSION = version("taskkit-notebook")


class Cards:
    """Under ``/jobs/ID``: ``card``, ``function`` and ``arguments``."""

    def __init__(self, ledger: Ledger, records: Records) -> None:
        self._ledger = ledger
        self._records = records

    def add_to(self, routes: Blueprint) -> None:
        """Add the routes to those of jobs."""
        routes.get("/jobs/<id>/card")(self.get_card)
        routes.get("/jobs/<id>/function")(self.get_function)
        routes.get("/jobs/<id>/arguments")(self.get_arguments)

    @promises(
        Answer(means="Its card", body=Card),
        problems=(JobNotFound, BadSignature),
        ids=ID,
    )
    def get_card(self, id: str) -> Response:
        """Answer what is known of how a job's result came about, in any state."""
        record, share = self._records.job(id), g.identity.share
        told = as_shared(record, share) if share else record
        made = card(told, self._kept(record), now_ms=now_ms(), version=VERSION)
        return as_json(as_shared_card(made) if share else made)

    @promises(
        Answer(means="Its function's pickle", media_types=(wire.PICKLE,)),
        problems=(JobNotFound, FunctionNotFound, BadSignature),
        ids=ID,
    )
    def get_function(self, id: str) -> Response:
        """Answer the pickled function that a job calls, as it was sent."""
        made = self._made(self._records.job(id))
        if made.spec.function is None:
            raise JobNotFound("the job runs a named task, which only its workers have")
        pickled = self._ledger.function(g.owner, made.spec.function)
        if pickled is None:
            raise FunctionNotFound("the job's function is not kept any more")
        return _pickle(pickled)

    @promises(
        Answer(means="Its arguments", media_types=(wire.JSON, wire.PICKLE)),
        problems=(JobNotFound, BadSignature),
        ids=ID,
    )
    def get_arguments(self, id: str) -> Response:
        """Answer what a job was given: JSON of a named task, else a pickle, where it is kept."""
        spec = self._made(self._records.job(id)).spec
        if spec.function is None:
            require_accepted(wire.JSON)
            return Response(spec.arguments, content_type=wire.JSON)
        if not spec.payload:
            raise JobNotFound("the job has succeeded, and its arguments are not kept any more")
        return _pickle(bytes(unsealed(spec.payload)[1]))

    def _made(self, record: JobRecord) -> Made:
        made = self._ledger.made(JobRef(g.owner, record.id))
        if made is None:  # it went between two questions
            raise JobNotFound(f"there is no job {record.id!r}")
        return made

    def _kept(self, record: JobRecord) -> Kept:
        made = self._made(record)
        digest = made.spec.function
        pickled = None if digest is None else self._ledger.function(g.owner, digest)
        stored = None
        if record.result is not None:
            stored = self._ledger.result(JobRef(g.owner, record.id))
        try:
            told = {} if pickled is None else about(pickled)
            needs = {} if pickled is None else packages_of(pickled)
            bare = b"" if pickled is None else bare_pickle(pickled)
        except DecodeError:  # of somebody who has written a client of their own
            told, needs, bare = {}, {}, pickled or b""
        return Kept(
            owner=g.owner,
            spec=made.spec,
            arguments=made.arguments,
            about=told,
            has_function=pickled is not None,
            pickle=sha256(bare).hexdigest() if bare else "",
            needs=needs,
            sheets=made.sheets,
            lost=made.lost,
            result=None if stored is None else stored.body,
        )


def _pickle(body: bytes) -> Response:
    require_accepted(wire.PICKLE)
    return Response(body, content_type=wire.PICKLE)

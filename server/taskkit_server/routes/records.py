"""Routes that tell of jobs: lists, records, results, errors and panels."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import urlencode

from flask import Blueprint, Response, g, request

from taskkit.ledger import JobRef, Ledger
from taskkit.protocol import wire
from taskkit.protocol.errors import BadSignature, JobNotFinished, JobNotFound
from taskkit.protocol.jobs import JobRecord
from taskkit.protocol.spec import INLINE_RESULT_BYTES

from ..contract import shapes
from ..contract.negotiation import require_accepted
from ..contract.operations import ETAG, IF_NONE_MATCH, UNCHANGED, Answer, Header, promises
from ..contract.queries import ID, MAX_LISTED, ListQuery, asked, cursor, is_id
from ..contract.versions import address
from .page import guard
from .panels import Panels
from .shared_records import as_shared
from .workforce import Workforce

LISTED_OUTPUT_CHARS = 2000
"""How much of a job's output a list has: it says what happened. Curves, figures and what is large
are asked of the job itself."""


class Records:
    """What there is of jobs, under ``/jobs``."""

    def __init__(self, ledger: Ledger, workforce: Workforce) -> None:
        self._workforce = workforce
        self._ledger = ledger
        self._panels = Panels()

    def add_to(self, routes: Blueprint) -> None:
        """Add the routes to those that change jobs."""
        routes.get("/jobs")(self.get_jobs)
        routes.get("/jobs/<id>")(self.get_job)
        routes.get("/jobs/<id>/panel")(self.get_panel)
        routes.get("/jobs/<id>/result")(self.get_result)
        routes.get("/jobs/<id>/error")(self.get_error)

    @promises(
        Answer(
            means="A page of them",
            body=shapes.JobList,
            headers=(Header(name="Link", means='Where the next page is, `rel="next"`; RFC 8288.'),),
        ),
        query=ListQuery,
    )
    def get_jobs(self) -> Response:
        """List the owner's newest jobs, those that match where a filter is given.

        A page may have fewer jobs than were asked for, or none, where there are more pages: a
        request looks at a bounded number of jobs.
        """
        query = asked(ListQuery)
        page = self._ledger.page(
            g.owner,
            limit=min(MAX_LISTED, max(1, query.limit)),
            place=query.cursor,
            before=query.before,
            matching=query.matching(),
        )
        after = None if page.next is None else cursor(page.next)
        jobs = [wire.record_to_wire(self._told(_shortened(record))) for record in page.records]
        response = as_json({"jobs": jobs, "next": after})
        if after is not None:
            response.headers["Link"] = f'<{_next_page(after)}>; rel="next"'
        return response

    @promises(
        Answer(means="The job", body=JobRecord, headers=(ETAG,)),
        UNCHANGED,
        headers=(IF_NONE_MATCH,),
        problems=(JobNotFound,),
        ids=ID,
    )
    def get_job(self, id: str) -> Response:
        """Answer one job's record."""
        record, share = self._told(self.job(id)), g.identity.share
        response = as_json(wire.record_to_wire(as_shared(record, share) if share else record))
        response.add_etag()
        return _conditional(response)

    @promises(
        Answer(means="One element of HTML", media_types=("text/html",)),
        problems=(JobNotFound,),
        ids=ID,
    )
    def get_panel(self, id: str) -> Response:
        """Answer what a notebook's cell shows of a job, for the page and under its policy."""
        record = self._told(self.job(id))
        html = self._panels.html(JobRef(g.owner, record.id), record)
        return guard(Response(html, content_type="text/html; charset=utf-8"))

    @promises(
        Answer(means="What it returned", media_types=(wire.JSON, wire.PICKLE), headers=(ETAG,)),
        UNCHANGED,
        headers=(IF_NONE_MATCH,),
        problems=(JobNotFound, JobNotFinished, BadSignature),
        ids=ID,
    )
    def get_result(self, id: str) -> Response:
        """Answer what a job returned, as it was stored."""
        record = self.job(id)
        if record.result is None:
            raise JobNotFinished(_why_no_result(record), state=record.state)
        return self._stored(record)

    @promises(
        Answer(means="The exception", media_types=(wire.PICKLE,), headers=(ETAG,)),
        UNCHANGED,
        headers=(IF_NONE_MATCH,),
        problems=(JobNotFound, JobNotFinished, BadSignature),
        ids=ID,
    )
    def get_error(self, id: str) -> Response:
        """Answer the pickled exception of a failed job, where it could travel."""
        record = self.job(id)
        if record.error is None:
            raise JobNotFinished("the job has not failed", state=record.state)
        return self._stored(record)

    def job(self, id: str) -> JobRecord:
        """Return the owner's job of this id.

        Raises:
            JobNotFound: There is none.
        """
        record = self._ledger.job(JobRef(g.owner, id)) if is_id(id) else None
        if record is None:
            raise JobNotFound(f"there is no job {id[:64]!r}")
        return record

    def _told(self, record: JobRecord) -> JobRecord:
        """Return the record with what it waits for, to one of its owner's."""
        return record if g.identity.share else self._workforce.told(record)

    def _stored(self, record: JobRecord) -> Response:
        # What is stored of a job never changes, so that its bytes need not be looked at.
        etag = f"{record.id}-{record.attempt}-{record.finished_at}"
        if request.if_none_match.contains_weak(etag):
            unchanged = Response(status=304)
            unchanged.set_etag(etag)
            return unchanged
        stored = self._ledger.result(JobRef(g.owner, record.id))
        if stored is None:
            raise JobNotFound("nothing is stored of this job")
        require_accepted(stored.media_type)
        response = Response(stored.body, content_type=stored.media_type)
        response.set_etag(etag)
        return _conditional(response)


def _shortened(record: JobRecord) -> JobRecord:
    drop = max(0, len(record.output) - LISTED_OUTPUT_CHARS)
    dropped = record.output_dropped_chars + drop
    output, result = record.output[drop:], record.result
    if result is not None and result.size_bytes > INLINE_RESULT_BYTES:
        result = replace(result, inline=None)  # of many calls in one; who wants it asks for it
    return replace(
        record,
        output=output,
        output_dropped_chars=dropped,
        curves=(),
        figures=(),
        result=result,
    )


def _why_no_result(record: JobRecord) -> str:
    if record.error is not None:
        return f"the job failed: {record.error.type}: {record.error.message}"
    return f"the job is {record.state}"


def _conditional(response: Response) -> Response:
    """Have a client ask again each time, and tell one that has it already that it is the same."""
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    return response


def _next_page(cursor: str) -> str:
    kept = [pair for pair in request.args.items(multi=True) if pair[0] not in ("cursor", "before")]
    return f"{address(request.path)}?{urlencode([*kept, ('cursor', cursor)])}"


def as_json(obj: object, status: int = 200) -> Response:
    """Return the answer that is this object."""
    body = json.dumps(obj, ensure_ascii=False, separators=(",", ":")) + "\n"
    return Response(body, status=status, content_type=wire.JSON)

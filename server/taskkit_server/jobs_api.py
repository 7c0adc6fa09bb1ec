"""Routes of jobs: each parses, calls one verb and answers."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, g, request

from taskkit.ledger import JobFilter, JobRef, Ledger, Submission
from taskkit.logs import said
from taskkit.protocol import wire
from taskkit.protocol.errors import (
    InvalidRequest,
    JobNotFailed,
    JobNotFinished,
    JobNotFound,
    RequestError,
    TaskkitError,
    to_problem,
)
from taskkit.protocol.jobs import JobRecord, JobState
from taskkit.protocol.spec import INLINE_RESULT_BYTES
from taskkit.protocol.tokens import Scope
from taskkit.tracing import Tracing

from .accepted import tell_accepted, trace_accepted
from .auth import Auth
from .clock import now_ms
from .page import guard
from .panels import Panels
from .submissions import JobRequests, Submissions, checked_key, parsed

MAX_LISTED = 1000

LISTED_OUTPUT_CHARS = 2000
"""How much of a job's output a list has: it says what happened. Curves, figures and what is large
are asked of the job itself."""


class JobsApi:
    """The routes under ``/jobs``, and the one that the first example had, ``POST /tasks``."""

    def __init__(
        self, ledger: Ledger, submissions: Submissions, tracing: Tracing | None = None
    ) -> None:
        self._tracing = tracing
        self._ledger = ledger
        self._submissions = submissions
        self._panels = Panels()

    def blueprint(self, auth: Auth) -> Blueprint:
        """Return the routes, for owners whom `auth` knows."""
        routes = Blueprint("jobs", __name__)
        routes.before_request(auth.require)
        routes.post("/jobs")(self.post_jobs)
        routes.post("/tasks")(self.post_tasks)
        routes.get("/jobs")(self.get_jobs)
        routes.get("/jobs/<id>")(self.get_job)
        routes.get("/jobs/<id>/panel")(self.get_panel)
        routes.get("/jobs/<id>/result")(self.get_result)
        routes.get("/jobs/<id>/error")(self.get_error)
        routes.post("/jobs/<id>/cancel")(self.cancel)
        routes.post("/jobs/<id>/retry")(self.retry)
        return routes

    def post_jobs(self) -> Response:
        """Accept one job, or several in one request, each answered for itself."""
        requests, is_single = parsed(_body())
        if requests.functions or any(one.function is not None for one in requests.jobs):
            g.identity.require(Scope.CODE)
        answers = self._submit(requests)
        if is_single:
            return _submitted(answers[0])
        return _json({"jobs": [_answer(answer) for answer in answers]})

    def post_tasks(self) -> Response:
        """Run the demo task: ``{"name": "Hello"}``."""
        requests, _ = parsed({"task": "demo", "arguments": _body()})
        answer = self._submit(requests)[0]
        if isinstance(answer, TaskkitError):
            raise answer
        response = _json({"data": {"task": {"id": answer.record.id}}}, 201)
        response.headers["Location"] = f"/jobs/{answer.record.id}"
        return response

    def get_jobs(self) -> Response:
        """List the owner's newest jobs, those that match where a filter is given."""
        limit = min(MAX_LISTED, max(1, request.args.get("limit", 100, type=int)))
        before = request.args.get("before")
        records = self._ledger.jobs(
            g.owner,
            limit=limit,
            before=before if before is not None and _is_id(before) else _time("before"),
            matching=JobFilter(
                name=request.args.get("name"),
                states=_states(request.args.getlist("state")),
                since=_time("since"),
                session=request.args.get("session"),
            ),
        )
        return _json({"jobs": [wire.record_to_wire(_shortened(record)) for record in records]})

    def get_job(self, id: str) -> Response:
        """Answer one job's record."""
        return _json(wire.record_to_wire(self._job(id)))

    def get_panel(self, id: str) -> Response:
        """Answer what a notebook's cell shows of a job, for the page and under its policy."""
        record = self._job(id)
        html = self._panels.html(JobRef(g.owner, record.id), record)
        return guard(Response(html, content_type="text/html; charset=utf-8"))

    def get_result(self, id: str) -> Response:
        """Answer what a job returned, as it was stored."""
        record = self._job(id)
        if record.result is None:
            raise JobNotFinished(_why_no_result(record), state=record.state)
        return self._stored(id)

    def get_error(self, id: str) -> Response:
        """Answer the pickled exception of a failed job, where it could travel."""
        record = self._job(id)
        if record.error is None:
            raise JobNotFinished("the job has not failed", state=record.state)
        return self._stored(id)

    def cancel(self, id: str) -> Response:
        """Cancel a job, and answer its record: one that was final stays as it was.

        With ``?dependents=true`` those that wait for its result are cancelled, too; else they fail.
        """
        asked = request.args.get("dependents", "false")
        if asked not in ("true", "false"):
            raise InvalidRequest("dependents must be true or false")
        ref = JobRef(g.owner, self._job(id).id)
        record = self._ledger.cancel(ref, dependents=asked == "true")
        return _json(wire.record_to_wire(record or self._job(id)))

    def retry(self, id: str) -> Response:
        """Submit a job again that has failed or was cancelled, and answer the new one."""
        record = self._job(id)
        if record.state not in (JobState.FAILED, JobState.CANCELLED):
            raise JobNotFailed(f"the job is {record.state}", state=record.state)
        given = request.headers.get("Idempotency-Key")
        key = uuid.uuid4().hex if given is None else checked_key(given)
        spec = self._submissions.made_of(JobRef(g.owner, record.id))
        if spec.function is not None:
            g.identity.require(Scope.CODE)
        answer = self._submissions.repeat(g.owner, key, spec)
        tell_accepted([answer])
        return _submitted(answer)

    def _submit(self, requests: JobRequests) -> list[Submission | TaskkitError]:
        given = request.headers.get("Idempotency-Key")
        if given is None:
            keys = [uuid.uuid4().hex for _ in requests.jobs]
        elif len(requests.jobs) == 1:
            keys = [checked_key(given)]
        else:
            # One key for several jobs: each has its place in the request added to it.
            keys = [checked_key(f"{given}:{n}") for n in range(len(requests.jobs))]
        begun_at = now_ms()
        answers = self._submissions.accept(g.owner, requests, keys)
        tell_accepted(answers)
        if self._tracing:
            trace_accepted(self._tracing, answers, begun_at)
        return answers

    def _job(self, id: str) -> JobRecord:
        record = self._ledger.job(JobRef(g.owner, id)) if _is_id(id) else None
        if record is None:
            raise JobNotFound(f"there is no job {id[:64]!r}")
        return record

    def _stored(self, id: str) -> Response:
        stored = self._ledger.result(JobRef(g.owner, id))
        if stored is None:
            raise JobNotFound("nothing is stored of this job")
        return Response(stored.body, content_type=stored.media_type)


def _body() -> Any:
    if request.content_encoding:
        raise RequestError("compressed requests are not taken")
    try:
        body = json.loads(request.get_data(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise RequestError("the body must be a JSON object")
    return body


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


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


def _time(field: str) -> int | None:
    try:
        return wire.time_from_wire(request.args.get(field))
    except ValueError as error:
        raise InvalidRequest(f"{field} must be a time in ISO 8601: {error}") from error


def _states(names: list[str]) -> frozenset[JobState]:
    try:
        return frozenset(JobState(name) for name in names)
    except ValueError as error:
        raise InvalidRequest(f"{error}; the states are {', '.join(JobState)}") from error


def _is_id(text: str) -> bool:
    return len(text) == 32 and all(char in "0123456789abcdef" for char in text)


def _why_no_result(record: JobRecord) -> str:
    if record.error is not None:
        return f"the job failed: {record.error.type}: {record.error.message}"
    return f"the job is {record.state}"


def _submitted(answer: Submission | TaskkitError) -> Response:
    if isinstance(answer, TaskkitError):
        raise answer
    response = _json(wire.record_to_wire(answer.record), 201 if answer.is_new else 200)
    response.headers["Location"] = f"/jobs/{answer.record.id}"
    return response


def _answer(answer: Submission | TaskkitError) -> dict[str, Any]:
    if isinstance(answer, TaskkitError):
        return {"problem": {**to_problem(answer), "request_id": said().get("request")}}
    return {"job": wire.record_to_wire(answer.record)}


def _json(obj: object, status: int = 200) -> Response:
    body = json.dumps(obj, ensure_ascii=False, separators=(",", ":")) + "\n"
    return Response(body, status=status, content_type=wire.JSON)

"""Routes that make and change jobs: each parses, calls one verb and answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, g

from taskkit.ledger import JobRef, Ledger, Submission
from taskkit.logs import said
from taskkit.protocol import wire
from taskkit.protocol.errors import (
    FunctionNotFound,
    InvalidArguments,
    InvalidRequest,
    JobNotFailed,
    JobNotFound,
    KeyReused,
    NoWorkerFits,
    PayloadTooLarge,
    PythonMismatch,
    QuotaReached,
    TaskkitError,
    TaskNotFound,
    to_problem,
)
from taskkit.protocol.jobs import JobRecord, JobState
from taskkit.protocol.tokens import Scope
from taskkit.tracing import Tracing

from ..access.auth import Auth
from ..clock import now_ms
from ..contract import shapes
from ..contract.negotiation import UnsupportedMediaType, json_object
from ..contract.operations import Answer, Header, promises
from ..contract.queries import ID, CallsQuery, CancelQuery, asked
from ..contract.versions import address
from .accepted import tell_accepted, trace_accepted
from .cards import Cards
from .idempotency import HEADER as IDEMPOTENCY
from .idempotency import keys_for
from .records import Records, as_json
from .submissions import JobRequest, JobRequests, Submissions, parsed
from .workforce import Workforce

LOCATION = Header(name="Location", means="Where the job is.")
SUBMITTING = (
    InvalidRequest,
    InvalidArguments,
    TaskNotFound,
    JobNotFound,
    FunctionNotFound,
    KeyReused,
    PythonMismatch,
    NoWorkerFits,
    PayloadTooLarge,
    QuotaReached,
    UnsupportedMediaType,
)


class JobsApi:
    """The routes under ``/jobs``, and the one that the first example had, ``POST /tasks``."""

    def __init__(
        self,
        ledger: Ledger,
        submissions: Submissions,
        workforce: Workforce,
        tracing: Tracing | None = None,
    ) -> None:
        self._workforce = workforce
        self._tracing = tracing
        self._ledger = ledger
        self._submissions = submissions
        self._records = Records(ledger, workforce)

    def blueprint(self, auth: Auth) -> Blueprint:
        """Return the routes, for owners whom `auth` knows."""
        routes = Blueprint("jobs", __name__)
        routes.before_request(auth.require)
        routes.post("/jobs")(self.post_jobs)
        routes.post("/tasks")(self.post_tasks)
        routes.post("/jobs/<id>/cancel")(self.cancel)
        routes.post("/jobs/<id>/retry")(self.retry)
        routes.delete("/calls")(self.delete_calls)
        self._records.add_to(routes)
        Cards(self._ledger, self._records).add_to(routes)
        return routes

    @promises(
        Answer(
            means="The job, made just now",
            status=201,
            body=JobRecord,
            headers=(LOCATION,),
            leads_to_job=True,
        ),
        Answer(
            means="The job that its key had made; or, where several were sent, what became of each",
            body=JobRecord | shapes.SubmittedJobs,
        ),
        body=JobRequest | JobRequests,
        headers=(IDEMPOTENCY,),
        problems=SUBMITTING,
    )
    def post_jobs(self) -> Response:
        """Accept one job, or several in one request, each answered for itself."""
        requests, is_single = parsed(json_object())
        if requests.functions or any(one.function is not None for one in requests.jobs):
            g.identity.require(Scope.CODE)
        answers = self._submit(requests)
        if is_single:
            return self._submitted(answers[0])
        return as_json({"jobs": [self._answer(answer) for answer in answers]})

    @promises(
        Answer(means="The job's id", status=201, body=shapes.DemoTask, headers=(LOCATION,)),
        body=shapes.DemoArguments,
        headers=(IDEMPOTENCY,),
        problems=SUBMITTING,
    )
    def post_tasks(self) -> Response:
        """Run the demo task: ``{"name": "Hello"}``."""
        requests, _ = parsed({"task": "demo", "arguments": json_object()})
        answer = self._submit(requests)[0]
        if isinstance(answer, TaskkitError):
            raise answer
        response = as_json({"data": {"task": {"id": answer.record.id}}}, 201)
        response.headers["Location"] = address(f"/jobs/{answer.record.id}")
        return response

    @promises(
        Answer(means="The job, final now", body=JobRecord),
        query=CancelQuery,
        problems=(JobNotFound,),
        ids=ID,
    )
    def cancel(self, id: str) -> Response:
        """Cancel a job, and answer its record: one that was final stays as it was.

        With ``?dependents=true`` those that wait for its result are cancelled, too; else they fail.
        """
        dependents = asked(CancelQuery).dependents == "true"
        ref = JobRef(g.owner, self._records.job(id).id)
        record = self._ledger.cancel(ref, dependents=dependents)
        return as_json(wire.record_to_wire(record or self._records.job(id)))

    @promises(
        Answer(
            means="The new job",
            status=201,
            body=JobRecord,
            headers=(LOCATION,),
            leads_to_job=True,
        ),
        Answer(means="The new job, which the key had made before", body=JobRecord),
        headers=(IDEMPOTENCY,),
        problems=(JobNotFound, JobNotFailed, KeyReused, FunctionNotFound, QuotaReached),
        ids=ID,
    )
    def retry(self, id: str) -> Response:
        """Submit a job again that has failed or was cancelled, and answer the new one."""
        record = self._records.job(id)
        if record.state not in (JobState.FAILED, JobState.CANCELLED):
            raise JobNotFailed(f"the job is {record.state}", state=record.state)
        [key] = keys_for(1)
        spec = self._submissions.made_of(JobRef(g.owner, record.id))
        if spec.function is not None:
            g.identity.require(Scope.CODE)
        answer = self._submissions.repeat(g.owner, key, spec)
        tell_accepted([answer])
        return self._submitted(answer)

    @promises(Answer(means="They are", status=204, media_types=()), query=CallsQuery)
    def delete_calls(self) -> Response:
        """Have no job that is there stand for an equal call any more; the jobs stay."""
        self._ledger.forget_calls(g.owner, asked(CallsQuery).task)
        return Response(status=204)

    def _submit(self, requests: JobRequests) -> list[Submission | TaskkitError]:
        begun_at = now_ms()
        answers = self._submissions.accept(g.owner, requests, keys_for(len(requests.jobs)))
        tell_accepted(answers)
        if self._tracing:
            trace_accepted(self._tracing, answers, begun_at)
        return answers

    def _submitted(self, answer: Submission | TaskkitError) -> Response:
        if isinstance(answer, TaskkitError):
            raise answer
        response = as_json(wire.record_to_wire(self._record(answer)), 201 if answer.is_new else 200)
        response.headers["Location"] = address(f"/jobs/{answer.record.id}")
        return response

    def _answer(self, answer: Submission | TaskkitError) -> dict[str, Any]:
        if isinstance(answer, TaskkitError):
            return {"problem": {**to_problem(answer), "request_id": said().get("request")}}
        return {"job": wire.record_to_wire(self._record(answer))}

    def _record(self, answer: Submission) -> JobRecord:
        return replace(self._workforce.told(answer.record), is_recalled=answer.is_recalled)

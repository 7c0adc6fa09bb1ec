"""A job's place in a trace of OpenTelemetry, where the kernel has one: nothing is imported for it.

Whoever traces has imported `opentelemetry` and set it up. Then a span begins with each submission
and ends when the server has the job; its ``traceparent`` travels with the job to server and worker.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

from ..protocol.jobs import JobRecord
from ..protocol.options import JobOptions
from .submitter import Submitted


class Submission:
    """A span from a submission to its acceptance."""

    def __init__(self, trace: Any, span: Any) -> None:
        self._trace = trace
        self._span = span

    def carried_by(self, options: JobOptions) -> JobOptions:
        """Return the options, with the span's ``traceparent``. Source: W3C Trace Context, 3.2."""
        at = self._span.get_span_context()
        parent = f"00-{at.trace_id:032x}-{at.span_id:016x}-{at.trace_flags:02x}"
        return replace(options, trace=parent)

    def told(self, job: Submitted, task: str) -> Submitted:
        """Return who tells `job` what becomes of the submission, and ends the span then."""
        self._span.set_attribute("taskkit.task", task)
        return _Told(self, job)

    def end(self, job: str | None, error: BaseException | None = None) -> None:
        """End it."""
        if job is not None:
            self._span.set_attribute("taskkit.job.id", job)
        if error is not None:
            kind = type(error).__name__
            self._span.set_attribute("error.type", kind)
            self._span.set_status(self._trace.Status(self._trace.StatusCode.ERROR, kind))
        self._span.end()


class _Told:
    def __init__(self, submission: Submission, job: Submitted) -> None:
        self._submission = submission
        self._job = job

    def accept(self, record: JobRecord) -> None:
        """The server has the job."""
        self._submission.end(record.id)
        self._job.accept(record)

    def refuse(self, error: BaseException) -> None:
        """The server does not want it."""
        self._submission.end(None, error)
        self._job.refuse(error)


def begin_submission() -> Submission | None:
    """Begin a span; None where nobody traces."""
    trace: Any = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None
    span = trace.get_tracer("taskkit").start_span("taskkit.submit", kind=trace.SpanKind.PRODUCER)
    return Submission(trace, span) if span.get_span_context().is_valid else None


def carried(submission: Submission | None, options: JobOptions) -> JobOptions:
    """Return the options of a job whose submission is perhaps traced."""
    return options if submission is None else submission.carried_by(options)


def told(submission: Submission | None, job: Submitted, task: str) -> Submitted:
    """Return who tells `job` what becomes of it."""
    return job if submission is None else submission.told(job, task)

"""Tells in the log which jobs a request has made: from a job one finds its request, and back."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from taskkit.ledger import Submission
from taskkit.logs import said, with_facts
from taskkit.protocol.errors import TaskkitError
from taskkit.tracing import Tracing

from ..clock import now_ms

logger = logging.getLogger(__name__)

IDS_A_LINE = 100


def tell_accepted(answers: Sequence[Submission | TaskkitError]) -> None:
    """Log the ids of new jobs, and how many of the request were known or refused."""
    submitted = [one for one in answers if isinstance(one, Submission)]
    new = [one.record.id for one in submitted if one.is_new]
    known, refused = len(submitted) - len(new), len(answers) - len(submitted)
    for at in range(0, max(1, len(new)), IDS_A_LINE):
        ids = new[at : at + IDS_A_LINE]
        told = f"accepted {len(ids)} jobs" if len(ids) != 1 else "accepted a job"
        if not at and (known or refused):
            told += f", knew {known}, refused {refused}"
        logger.info(told, extra=with_facts(jobs=ids or None))


def trace_accepted(
    tracing: Tracing, answers: Sequence[Submission | TaskkitError], begun_at: int
) -> None:
    """Tell in the traces of new jobs how long it took to accept them, since `begun_at` (ms)."""
    ended_at = now_ms()
    for answer in answers:
        if isinstance(answer, Submission) and answer.is_new and answer.record.options.trace:
            record = answer.record
            facts = {
                "taskkit.job.id": record.id,
                "taskkit.task": record.task,
                "taskkit.request.id": str(said().get("request", "")),
            }
            tracing.record("taskkit.accept", record.options.trace, begun_at, ended_at, facts)

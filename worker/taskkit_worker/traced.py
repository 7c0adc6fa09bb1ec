"""An attempt and the wait before it, in the trace that its job belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from taskkit.ledger import Claim, Ledger
from taskkit.tracing import Tracing

from .patience import patiently

Tell = Callable[[str | None], None]
"""Told what the task raised, by its name."""


@contextmanager
def traced(tracing: Tracing | None, ledger: Ledger, claim: Claim) -> Iterator[Tell]:
    """Have the block be an attempt's span, where its job is traced and this worker does so."""
    parent = claim.spec.options.trace
    if tracing is None or not parent:
        yield _nobody
        return
    ref, token = claim.lease
    facts = {
        "taskkit.job.id": ref.id,
        "taskkit.attempt": token,
        "taskkit.task": claim.spec.task,
        "taskkit.user": ref.owner,
    }
    record = patiently(lambda: ledger.job(ref))
    if record is not None:
        past = record.past_attempts
        since = past[-1].at if past else record.created_at
        until = record.started_at or since
        tracing.record("taskkit.queued", parent, since, until, facts)
    with tracing.running("taskkit.attempt", parent, facts) as span:

        def tell(error: str | None) -> None:
            if error is not None:
                tracing.failed(span, error)

        yield tell


def _nobody(_error: str | None) -> None:
    return

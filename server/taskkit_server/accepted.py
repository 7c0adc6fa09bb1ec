"""Tells in the log which jobs a request has made: from a job one finds its request, and back."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from taskkit.ledger import Submission
from taskkit.logs import with_facts
from taskkit.protocol.errors import TaskkitError

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

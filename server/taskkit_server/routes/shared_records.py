"""What a record says to whoever looks at it by a share: what the page shows, and no more."""

from __future__ import annotations

from dataclasses import replace

from taskkit.protocol.jobs import JobRecord
from taskkit.protocol.options import JobOptions
from taskkit.protocol.tokens import ShareInfo


def as_shared(record: JobRecord, share: ShareInfo) -> JobRecord:
    """Return the record without what is not shared.

    That is the value itself, of which the preview stays; the notebook that it belongs to, and its
    trace; and other jobs.
    """
    told, result = record.options, record.result
    options = JobOptions(
        name=told.name,
        retries=told.retries,
        timeout_s=told.timeout_s,
        memory_mib=told.memory_mib,
        queue=told.queue,
        priority=told.priority,
        cpus=told.cpus,
    )
    return replace(
        record,
        options=options,
        after=tuple(id for id in record.after if id in share.jobs),
        result=None if result is None else replace(result, inline=None),
    )


def listed(record: JobRecord) -> JobRecord:
    """Return the record without what is large: it is in its panel."""
    error = record.error and replace(record.error, traceback="")
    return replace(record, output="", curves=(), figures=(), error=error)

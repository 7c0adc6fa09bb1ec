"""What a submission asks for beside its task and arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

TIMED_OUT = "taskkit.JobTimedOut"
"""What an error's `type` says of a job that ran for too long."""

FIRST_RETRY_S, LONGEST_RETRY_S = 1.0, 60.0
"""How long a job that failed waits for its next attempt: at first, and at most; it doubles."""

KILL_GRACE_S = 5.0
"""How long after `timeout_s` a job that did not stop by itself is ended from outside."""

KEY_CHARS, NAME_CHARS, SESSION_CHARS = 200, 200, 1000
"""How long an idempotency key, a job's name and a session's may be."""

MOST_RETRIES, MOST_TIMEOUT_S, MOST_MEMORY_MIB = 1000, 31 * 86_400.0, 2.0**24
MOST_EXCEPTIONS, EXCEPTION_CHARS = 50, 300
"""How many names `retry_on` may have, and how long each may be."""

DEFAULT_QUEUE = "default"
"""Where jobs wait that name no other queue."""

QUEUE_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,49}$"
"""What a queue may be called."""


def is_queue(name: str) -> bool:
    """Return whether a queue may be called so.

    >>> is_queue("gpu"), is_queue("GPU"), is_queue("gpu\\n")
    (True, False, False)
    """
    return re.fullmatch(QUEUE_PATTERN, name) is not None


MOST_PRIORITY = 100
"""A job's priority is within minus this and this."""

MOST_CPUS, MOST_TAGS, MOST_PACKAGES = 4096, 20, 500
"""How much a job may need of each."""

DISTRIBUTION_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$"
"""What a distribution may be called. Source: PEP 508."""

TAG_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,49}$"
"""What a tag may be called."""


def is_tag(name: str) -> bool:
    """Return whether a tag may be called so.

    >>> is_tag("A100"), is_tag("big mem"), is_tag("")
    (True, False, False)
    """
    return re.fullmatch(TAG_PATTERN, name) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOptions:
    """How a job is to be run, and how it is found again. Not part of what an idempotency key pins:
    the same key with other options is the same job still."""

    name: str = ""
    #: What the user calls it, instead of the task's name.
    session: str = ""
    #: The notebook that it belongs to, so that it is found again without its id.
    retries: int = 0
    #: How often it is tried again after it raised; apart from attempts that were lost.
    retry_on: tuple[str, ...] = ()
    #: Qualified names of the exceptions after which; empty for any `Exception`.
    timeout_s: float | None = None
    #: How long one attempt may run.
    memory_mib: float | None = None
    #: How much memory the job's process may take on top of what it had before, in MiB.
    queue: str = DEFAULT_QUEUE
    #: Where it waits; the workers that serve this queue run it.
    priority: int = 0
    #: Of the jobs that one owner has in one queue those with the highest are begun first.
    trace: str = ""
    #: Its place in a trace, as W3C's ``traceparent``; of no meaning to whoever does not trace.
    cpus: int | None = None
    #: How many of its worker's cores it takes; a process's share of them where it is None.
    tags: tuple[str, ...] = ()
    #: What its worker must have been given, all of them.
    python: str = ""
    #: The minor version of Python that its worker must run; any where it is empty.
    packages: Mapping[str, str] = field(default_factory=dict, hash=False)
    #: Distributions that its worker must have, with a PEP 440 specifier each; see `needs.Needs`.

    def retries_on(self, *names: str) -> bool:
        """Return whether an exception that has these names, its bases' included, is tried again."""
        return self.retries > 0 and (not self.retry_on or not set(names).isdisjoint(self.retry_on))

    @property
    def retries_timeout(self) -> bool:
        """Whether a job that ran for too long is tried again."""
        return self.retries_on(TIMED_OUT, "JobTimedOut", "TimeoutError", "OSError", "Exception")

    @property
    def speaks_of_attempts(self) -> bool:
        """Whether it says something of each run, so that calls which share one would notice."""
        return bool(self.retries or self.timeout_s or self.memory_mib)

    def said(self) -> dict[str, Any]:
        """Return what differs from the defaults, ready for JSON."""
        if self is DEFAULT:
            return {}
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in given.items() if value != _DEFAULTS[name]}


DEFAULT = JobOptions()

_DEFAULTS = {f.name: getattr(DEFAULT, f.name) for f in fields(JobOptions)}

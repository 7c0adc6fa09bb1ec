"""The JSON of answers, as types: the document's schemas are made of them.

Jobs, workers, tasks and tokens are the protocol's own; what is here is what is put around them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from taskkit.protocol.jobs import JobRecord
from taskkit.protocol.tokens import Scope, ShareInfo, TokenInfo
from taskkit.protocol.workers import TaskInfo, WorkerInfo

TIMES = {
    "JobRecord": ("created_at", "started_at", "finished_at", "retry_at"),
    "PastAttempt": ("at",),
    "WorkerInfo": ("joined_at",),
    "TokenInfo": ("created_at", "expires_at", "used_at"),
    "ShareInfo": ("created_at", "expires_at", "used_at"),
    "NewShare": ("created_at", "expires_at", "used_at"),
    "Shared": ("expires_at",),
    "SharedUntil": ("expires_at",),
    "NewToken": ("created_at", "expires_at", "used_at"),
}
"""Fields that are milliseconds in Python and ISO 8601 on the wire; see `wire`."""


@dataclass
class Problem:
    """What went wrong. Source: RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    #: Stable word for programs.


@dataclass
class JobList:
    """A page of jobs, newest first."""

    jobs: list[JobRecord]
    next: str | None
    #: The cursor of the next page; null at the end.


@dataclass
class AcceptedJob:
    """One job of several that was accepted."""

    job: JobRecord


@dataclass
class RefusedJob:
    """One job of several that was not."""

    problem: Problem


@dataclass
class SubmittedJobs:
    """What became of each of several jobs, in their order."""

    jobs: list[AcceptedJob | RefusedJob]


class DemoArguments(BaseModel):
    """What the task `demo` takes."""

    model_config = ConfigDict(extra="forbid")

    name: str = "Hello"


@dataclass
class TaskId:
    """A job's id, as the first example had it."""

    id: str


@dataclass
class TaskOf:
    """See `DemoTask`."""

    task: TaskId


@dataclass
class DemoTask:
    """What ``POST /tasks`` answers."""

    data: TaskOf


@dataclass
class LogHead:
    """Where a log ends now."""

    epoch: str
    seq: int


@dataclass
class SharedUntil:
    """What is shared with who asks by a share."""

    jobs: list[str]
    expires_at: int


@dataclass
class Hello:
    """Who asks, what they may do, and whom they ask."""

    owner: str
    scopes: list[Scope]
    is_open: bool
    protocol: int
    version: str
    versions: list[str]
    #: Of the API, as in its addresses.
    logs: dict[str, LogHead]
    #: None for a share, which reads none.
    shared: SharedUntil | None
    #: Null for a user's token.


@dataclass
class TaskList:
    """The catalogue of named tasks."""

    tasks: list[TaskInfo]


@dataclass
class WorkerList:
    """The workers that are there."""

    workers: list[WorkerInfo]


@dataclass
class Environment:
    """What workers have installed: versions by names of distributions."""

    packages: dict[str, str]


@dataclass
class Queue:
    """A queue as one user sees it."""

    name: str
    queued: int
    running: int
    queued_all: int
    #: Everybody's.
    running_all: int
    workers: int
    processes: int


@dataclass
class QueueList:
    """The queues, the default one first."""

    queues: list[Queue]


@dataclass
class StateCounts:
    """How many jobs are in each state."""

    queued: int
    running: int
    succeeded: int
    failed: int
    cancelled: int


@dataclass
class Counts:
    """One's own jobs by their states, however many pages they would take."""

    counts: StateCounts


@dataclass
class LogEvent:
    """Something that happened."""

    seq: int
    at: int
    #: Milliseconds since the Unix epoch.
    job: str
    #: A job's id; empty for what happened to a worker.
    type: str
    data: dict[str, Any]


@dataclass
class EventPage:
    """A stretch of a log."""

    log: str
    epoch: str
    events: list[LogEvent]
    head: int
    #: The number of the log's last event.
    is_gap: bool
    #: Whether some between the cursor and these are not kept any more.


@dataclass
class MissingBlobs:
    """Which blobs are not here."""

    missing: list[str]


@dataclass
class ProbeFile:
    """A file by which a client finds out that it shares the disk."""

    folder: str
    name: str
    content: str


@dataclass
class Probe:
    """See `ProbeFile`; null where nobody shares it."""

    probe: ProbeFile | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken(TokenInfo):
    """A token, and this once itself."""

    token: str


@dataclass
class TokenList:
    """Tokens, without themselves."""

    tokens: list[TokenInfo]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewShare(ShareInfo):
    """A share, and this once its token."""

    token: str
    link: str | None
    #: Where the server was told its public address; else the page's address with `#/shared/TOKEN`.


@dataclass
class ShareList:
    """Shares, without their tokens."""

    shares: list[ShareInfo]


@dataclass
class Shared:
    """What a share shows."""

    owner: str
    expires_at: int
    jobs: list[JobRecord]
    #: Without output, curves and figures, which are in the panel of each.
    gone: int
    #: How many more are not kept any more.


@dataclass
class Health:
    """How the server is."""

    status: Literal["live", "ready"]

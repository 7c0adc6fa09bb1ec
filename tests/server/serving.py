"""What the server's tests ask with, and jobs in every state."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from taskkit.ledger import Due, JobRef, Lease, StoredResult
from taskkit.ledger.memory import MemoryLedger
from taskkit.protocol import wire
from taskkit.protocol.errors import Unavailable
from taskkit.protocol.events import JobFailed, JobSucceeded
from taskkit.protocol.jobs import ErrorInfo, ResultInfo
from taskkit.protocol.spec import LOCAL_OWNER, JobSpec
from taskkit.protocol.workers import TaskInfo

TOKEN = "correct-horse"

DEMO = TaskInfo(
    name="demo",
    summary="Do nothing for a while.",
    parameters=("name",),
    schema={
        "type": "object",
        "properties": {"name": {"type": "string", "default": "Hello"}},
        "required": [],
        "additionalProperties": False,
    },
    signature="(name: str = 'Hello') -> str",
)

ISING = TaskInfo(
    name="ising",
    parameters=("size", "temperature"),
    schema={
        "type": "object",
        "properties": {
            "size": {"type": "integer", "minimum": 2},
            "temperature": {"type": "number", "default": 2.0},
        },
        "required": ["size"],
        "additionalProperties": False,
    },
    signature="(size: int, temperature: float = 2.0) -> dict",
)


@dataclass
class RecordingDispatch:
    """Keeps what it was told to publish."""

    woken: list[JobRef | str] = field(default_factory=list)
    #: The queues that messages were written for, and the jobs that were woken again.
    is_away: bool = False
    is_empty: bool = True
    held: int = 0
    #: How many messages wait in each queue.
    rung: int = 0
    #: How often something was said to be there to carry on.
    waits: str = ""
    #: Why wake-ups wait.

    def ring(self) -> None:
        self.rung += 1

    def trouble(self) -> str:
        return self.waits

    def message(self, queue: str) -> str:
        self.woken.append(queue)
        return f"wake {queue}"

    def wake(self, due: Sequence[Due]) -> bool:
        if not self.is_away:
            self.woken += [one.ref for one in due]
        return not self.is_away

    def empty_of(self, queues: Iterable[str]) -> list[str]:
        return [*queues] if self.is_empty else []

    def waiting(self, queue: str) -> int:
        return self.held


class FadingLedger(MemoryLedger):
    """A ledger in memory that can be away, as one in Redis may be."""

    is_away = False

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and name != "is_away" and self.is_away:
            raise Unavailable("Redis does not answer (test)")
        return super().__getattribute__(name)


class Http:
    """Asks the application as a client on this machine does."""

    def __init__(self, app: Flask, token: str | None = TOKEN) -> None:
        self._client = app.test_client()
        self._token = token

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.ask("GET", path, **options)

    def post(self, path: str, body: object = None, **options: Any) -> TestResponse:
        data = body if isinstance(body, bytes) else json.dumps(body)
        return self.ask("POST", path, data=data, **options)

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        address: str = "127.0.0.1",
        **options: Any,
    ) -> TestResponse:
        # The same id each time: so answers are the same where nothing else differs.
        given = {"Host": "localhost:5000", wire.REQUEST_ID: "asked-by-a-test", **(headers or {})}
        if self._token is not None:
            given.setdefault("Authorization", f"Bearer {self._token}")
        # An answer is over when it is there, as under a real server.
        options.setdefault("buffered", True)
        return self._client.open(
            path,
            method=method,
            headers=given,
            environ_base={"REMOTE_ADDR": address},
            **options,
        )


def problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Return the problem that a response is, of this status and code, and nothing else."""
    assert response.content_type == wire.PROBLEM, response.text
    found: dict[str, Any] = json.loads(response.data)
    assert (response.status_code, found["status"], found["code"]) == (status, status, code)
    assert found["type"] == f"urn:taskkit:problem:{code}"
    assert found["title"]
    assert found["detail"]
    assert "Traceback" not in response.text
    return found


def queued(ledger: MemoryLedger, *, owner: str = LOCAL_OWNER, task: str = "demo") -> JobRef:
    """Make a queued job."""
    [made] = ledger.submit(owner, [(secrets.token_hex(8), JobSpec(task=task))])
    return JobRef(owner, made.record.id)


def running(ledger: MemoryLedger, *, owner: str = LOCAL_OWNER) -> Lease:
    """Make a running job."""
    claim = ledger.claim(queued(ledger, owner=owner), worker="lab-7-1f", pid=70)
    assert claim is not None
    return claim.lease


def succeeded(ledger: MemoryLedger, body: bytes, media_type: str = wire.JSON) -> JobRef:
    """Make a job that has this result."""
    lease = running(ledger)
    info = ResultInfo(media_type=media_type, size_bytes=len(body))
    stored = StoredResult(media_type=media_type, body=body)
    ledger.finish(lease, JobSucceeded(result=info), stored)
    return lease.ref


def failed(ledger: MemoryLedger, pickled: bytes | None = None) -> JobRef:
    """Make a job that failed with `ValueError: no`."""
    lease = running(ledger)
    error = ErrorInfo(type="ValueError", message="no", traceback="Traceback …")
    stored = StoredResult(media_type=wire.PICKLE, body=pickled) if pickled is not None else None
    ledger.finish(lease, JobFailed(error=error), stored)
    return lease.ref

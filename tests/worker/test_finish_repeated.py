"""A finish that is repeated because nobody knows whether it was heard, on the ledger in memory."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from taskkit.ledger import Claim, JobRef, Write
from taskkit.ledger.memory import MemoryLedger
from taskkit.protocol.broker import wake_up, woken
from taskkit.protocol.cursor import Cursor
from taskkit.protocol.errors import Unavailable
from taskkit.protocol.events import AttemptStarted, JobSucceeded
from taskkit.protocol.jobs import JobState
from taskkit.protocol.spec import JobSpec
from taskkit.protocol.workers import WorkerInfo
from taskkit_worker.attempt import Attempts
from taskkit_worker.catalogue import Catalogue
from taskkit_worker.handover import Handover
from taskkit_worker.owned_blobs import OwnedBlobs
from taskkit_worker.performance import Here, Inquiry

WORKER = "lab-7-1f"

TASK = """
import pathlib
import taskkit

@taskkit.task
def mark(number: int, file: str) -> int:
    with pathlib.Path(file).open("a") as marks:
        marks.write(f"{number} ")
    return number
"""


class Unheard(MemoryLedger):
    """A ledger that cannot be reached at times: before it has finished a job, or to say that."""

    def __init__(self, *moments: str) -> None:
        super().__init__()
        self.moments = list(moments)
        #: "before" or "after" the write takes effect, one a call; then all goes well.
        self.calls: list[tuple[Any, ...]] = []

    def finish_and_claim(self, *call: Any, **options: Any) -> tuple[Write, Claim | None]:
        self.calls.append((call, options))
        moment = self.moments.pop(0) if self.moments else "never"
        if moment == "before":
            raise Unavailable("no route (test)")
        answer = super().finish_and_claim(*call, **options)
        if moment == "after":
            raise Unavailable("no answer (test)")
        return answer


def once() -> Callable[[], bool]:
    """Return what wants another job, and changes its mind when it is asked again."""
    answers = iter([True])
    return lambda: next(answers, False)


Run = Callable[[Unheard], list[int]]


@pytest.fixture
def run_three(tmp_path: Path, fresh_imports: None) -> Run:
    """Make three jobs and run them one after another, as a pool process does; return which ran."""
    (tmp_path / "marking.py").write_text(TASK)
    catalogue = Catalogue([str(tmp_path / "marking.py")])
    marks = tmp_path / "marks"

    def run(ledger: Unheard) -> list[int]:
        ledger.join(WorkerInfo(name=WORKER, host="lab", pid=1, processes=1, python="3.11.7"))
        performer = Here(
            catalogue,
            reports=ledger,
            source=ledger,
            blobs=OwnedBlobs(None, Path("unused")),
            is_over=Inquiry(ledger).is_over,
        )
        attempts = Attempts(ledger, performer, WORKER, handover=Handover())
        for number in range(3):
            arguments = f'{{"number": {number}, "file": "{marks}"}}'
            spec = JobSpec(task="mark", arguments=arguments)
            ledger.submit("ada", [(secrets.token_hex(8), spec)], message=wake_up)
        message = ledger.take(0)
        assert isinstance(message, str)
        claim = attempts.begin(woken(message))
        while claim is not None:
            claim = attempts.run(claim, once())
        return [int(number) for number in marks.read_text().split()]

    return run


@pytest.mark.parametrize(
    "moments",
    [("before",), ("after",), ("before", "after"), ("after", "after"), ("after", "before")],
    ids=" ".join,
)
def test_a_finish_that_may_have_been_heard_is_repeated_as_it_was(
    moments: tuple[str, ...], run_three: Run
) -> None:
    """The job is finished once; the one that was claimed with it is run once, as are all others."""
    ledger = Unheard(*moments)
    assert run_three(ledger) == [0, 1, 2]
    first, *repeated = ledger.calls[: len(moments) + 1]
    assert repeated == [first] * len(moments)
    assert len(ledger.calls) == 3 + len(moments)

    events = ledger.read("ada", Cursor()).events
    for kind in (AttemptStarted, JobSucceeded):
        jobs = [event.job for event in events if isinstance(event, kind)]
        assert len(jobs) == len(set(jobs)) == 3
    for job in jobs:
        record = ledger.job(JobRef("ada", job))
        assert record is not None
        assert (record.state, record.attempt) == (JobState.SUCCEEDED, 1)
    assert ledger.held(WORKER) == []
    assert not ledger.messages["default"]

"""Jobs are kept current, in whatever order replies and events come."""

from __future__ import annotations

from dataclasses import replace

import pytest

from taskkit.client import board as board_module
from taskkit.client.board import Board
from taskkit.protocol.events import (
    AttemptStarted,
    Event,
    JobFailed,
    JobSubmitted,
    JobSucceeded,
    ProgressReported,
)
from taskkit.protocol.jobs import ErrorInfo, JobRecord, JobState, Progress, ResultInfo

RESULT = ResultInfo(media_type="application/json", size_bytes=1, inline="MQ==")


class Follower:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.records: list[JobRecord] = []
        self.lost: list[BaseException] = []

    @property
    def states(self) -> list[str]:
        """The states it has seen."""
        return [record.state for record in self.records]

    def follow(self, record: JobRecord) -> None:
        self.records.append(record)

    def lose(self, error: BaseException) -> None:
        self.lost.append(error)


def life(job: str = "a", first: int = 1) -> list[Event]:
    """Return the events of a job that succeeds, numbered from `first` on."""
    return [
        JobSubmitted(seq=first, at=10, job=job, task="fit"),
        AttemptStarted(seq=first + 1, at=20, job=job, attempt=1, worker="w"),
        ProgressReported(seq=first + 2, at=30, job=job, done=1, total=2),
        JobSucceeded(seq=first + 3, at=40, job=job, result=RESULT),
    ]


def queued(job: str = "a", seq: int = 1) -> JobRecord:
    """Return the record that the server answers to a submission."""
    return JobRecord(id=job, task="fit", seq=seq, created_at=10)


@pytest.fixture
def board() -> Board:
    """An empty one."""
    return Board()


@pytest.fixture
def follower() -> Follower:
    """One who follows."""
    return Follower()


def test_events_are_folded_and_told(board: Board, follower: Follower) -> None:
    """One telling a change, from the record that the server answered on."""
    board.add(follower, queued())
    board.fold(life())
    assert follower.states == ["queued", "queued", "running", "running", "succeeded"]
    assert follower.records[3].progress == Progress(done=1, total=2)
    assert follower.records[-1].result == RESULT


@pytest.mark.parametrize("early", range(5))
def test_events_may_overtake_the_reply(board: Board, follower: Follower, early: int) -> None:
    """However many of a job's events are here before the answer to its submission."""
    board.fold(life()[:early])
    board.add(follower, queued())
    board.fold(life()[early:])
    assert follower.states[-1] == "succeeded"
    assert follower.records[-1].finished_at == 40


def test_a_reply_may_be_older_than_the_end(board: Board, follower: Follower) -> None:
    """A second submission under the same key, answered when the job was queued still: no event will
    come, so the server must be asked."""
    first = Follower()
    assert board.add(first, queued()) is False
    board.fold(life())
    assert board.add(follower, queued()) is True
    assert follower.states == ["queued"]
    board.replace(replace(first.records[-1]))
    assert follower.states == ["queued", "succeeded"]
    assert board.add(Follower(), first.records[-1]) is False


def test_events_of_a_job_that_was_there_before_may_overtake_the_reply(
    board: Board, follower: Follower
) -> None:
    """Its submission was before this client came, so nobody could follow it yet."""
    board.fold(life()[1:])
    assert board.add(follower, queued()) is True
    board.replace(JobRecord(id="a", task="fit", seq=4, state=JobState.SUCCEEDED, result=RESULT))
    assert follower.states == ["queued", "succeeded"]


def test_a_reply_may_be_ahead_of_the_events(board: Board, follower: Follower) -> None:
    """A job found by its id is not set back by events that are older than its record."""
    running = JobRecord(id="a", task="fit", state=JobState.RUNNING, seq=3, attempt=1)
    board.add(follower, running)
    board.fold(life())
    assert follower.states == ["running", "running", "running", "running", "succeeded"]


def test_what_is_final_is_let_go(board: Board, follower: Follower) -> None:
    """A long session does not keep all that ever ran; later records are nobody's."""
    board.add(follower, queued())
    board.fold(life())
    seen = len(follower.records)
    board.replace(JobRecord(id="a", task="fit", state=JobState.SUCCEEDED, seq=99))
    assert board.active() == []
    assert len(follower.records) == seen


def test_a_job_that_is_final_already_is_told_once(board: Board, follower: Follower) -> None:
    """As one that another client submitted."""
    board.add(follower, JobRecord(id="a", task="fit", state=JobState.FAILED, seq=4))
    assert follower.states == ["failed"]
    assert board.active() == []


def test_a_job_may_have_several_followers(board: Board) -> None:
    """All of them are told of everything from when they came."""
    first, second = Follower(), Follower()
    board.add(first, queued())
    board.fold(life()[:2])
    board.add(second, queued())
    board.fold(life()[2:])
    assert first.states[-1] == second.states[-1] == "succeeded"
    assert second.states[0] == "running"


def test_a_whole_record_replaces_an_older_one_only(board: Board, follower: Follower) -> None:
    """An answer that was overtaken on its way changes nothing."""
    board.add(follower, queued())
    board.replace(JobRecord(id="a", task="fit", state=JobState.RUNNING, seq=5, attempt=1))
    board.replace(queued(seq=2))
    board.fold(life())
    assert follower.states[-1] == "running"
    assert follower.records[-1].seq == 5


def test_who_loses_a_job_is_told(board: Board, follower: Follower) -> None:
    """The server knows it no longer."""
    board.add(follower, queued())
    error = LookupError("gone")
    board.forget("a", error)
    board.forget("b", error)
    assert follower.lost == [error]
    assert board.active() == []


def test_jobs_of_others_are_followed_by_nobody(board: Board, follower: Follower) -> None:
    """Their events pass by, in whatever state they are met."""
    board.add(follower, queued("a", 1))
    board.fold([*life("b", 2)[1:], *life("c", 10)])
    assert follower.states == ["queued"]
    assert board.active() == ["a"]


def test_strays_are_bounded(
    board: Board, follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest go first."""
    monkeypatch.setattr(board_module, "STRAYS", 2)
    for n, job in enumerate("abc"):
        board.fold([JobSubmitted(seq=n + 1, job=job, task="fit")])
    assert list(board._strays) == ["b", "c"]


def test_a_job_that_missed_events_is_named(board: Board, follower: Follower) -> None:
    """Those behind it in the same stretch are not held up; the server's record mends it."""
    other = Follower()
    board.add(follower, queued("a", 1))
    board.add(other, queued("b", 2))
    missed = ProgressReported(seq=20, job="a", done=1)
    assert board.fold([missed, *life("b", 30)[1:]]) == ["a"]
    assert other.states[-1] == "succeeded"
    board.replace(JobRecord(id="a", task="fit", state=JobState.RUNNING, seq=20, attempt=1))
    error = ErrorInfo(type="ValueError", message="no")
    assert board.fold([JobFailed(seq=21, job="a", error=error)]) == []
    assert follower.states[-1] == "failed"


def test_a_stray_that_missed_events_harms_nobody(board: Board, follower: Follower) -> None:
    """Others' jobs are behind after a gap as ours may be; nobody asks for them."""
    board.fold([JobSubmitted(seq=1, job="b", task="fit")])
    board.add(follower, queued("a", 2))
    stray = ProgressReported(seq=50, job="b", done=1)
    assert board.fold([stray, *life("a", 51)[1:]]) == []
    assert follower.states[-1] == "succeeded"

"""The next job claimed a moment before the one that runs ends, on the ledger in memory."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from pool_process import Process, others_at

from taskkit.ledger import Claim, JobRef, Lease
from taskkit.protocol.errors import Unavailable
from taskkit.protocol.jobs import AttemptEnd, JobState
from taskkit.protocol.spec import JobSpec
from taskkit_worker import claiming
from taskkit_worker.ahead import MOST_LEAD_S, Ahead
from taskkit_worker.lengths import LONG_S, SEEN
from taskkit_worker.performance import LostError

LEASE = Lease(JobRef("ada", "0" * 32), 1)
NEXT = Claim(lease=Lease(JobRef("ada", "1" * 32), 1), spec=JobSpec(task="fit"))


# When it is claimed


def test_it_is_claimed_shortly_before_the_end() -> None:
    """Not sooner: it would count as begun, and an idle process would wait for it."""
    asked: list[float] = []

    def claim(_lease: Lease) -> list[Claim]:
        asked.append(time.monotonic())
        return [NEXT]

    ahead = Ahead(claim)
    began = time.monotonic()
    ahead.arm(LEASE, 0.2)
    time.sleep(0.1)
    assert asked == []
    while not asked:
        time.sleep(0.001)
    assert asked[0] - began >= 0.2 - MOST_LEAD_S
    assert ahead.settle() == [NEXT]
    assert ahead.settle() == []


def test_who_ends_before_that_has_claimed_nothing() -> None:
    """Nor does it later."""
    asked: list[Lease] = []
    ahead = Ahead(lambda lease: asked.append(lease) or [NEXT])  # type: ignore[func-returns-value]
    ahead.arm(LEASE, 0.05)
    assert ahead.settle() == []
    time.sleep(0.1)
    assert ahead.settle() == []
    assert asked == []


def test_a_claim_that_is_under_way_is_waited_for() -> None:
    """What it brings is nobody else's."""
    begun, goes_on = threading.Event(), threading.Event()

    def claim(_lease: Lease) -> list[Claim]:
        begun.set()
        assert goes_on.wait(20)
        return [NEXT]

    ahead = Ahead(claim)
    ahead.arm(LEASE, 0.0)
    assert begun.wait(20)
    threading.Timer(0.05, goes_on.set).start()
    assert ahead.settle() == [NEXT]


def test_the_longer_a_claim_takes_the_sooner_it_is_made() -> None:
    """Up to a bound: the last one took 50 ms."""
    asked: list[float] = []

    def claim(_lease: Lease) -> list[Claim]:
        asked.append(time.monotonic())
        time.sleep(0.05)
        return []

    ahead = Ahead(claim)
    ahead.arm(LEASE, 0.0)
    while not asked:
        time.sleep(0.001)
    ahead.settle()
    due_at = time.monotonic() + 0.2
    ahead.arm(LEASE, 0.2)
    while len(asked) == 1:
        time.sleep(0.001)
    ahead.settle()
    assert due_at - asked[1] == pytest.approx(MOST_LEAD_S, abs=0.8 * MOST_LEAD_S)


def test_a_claim_of_which_nobody_knows_is_repeated() -> None:
    """Until the ledger answers: it may have taken effect."""
    fails = [Unavailable("no route (test)")] * 3

    def claim(_lease: Lease) -> list[Claim]:
        if fails:
            raise fails.pop()
        return [NEXT]

    ahead = Ahead(claim)
    ahead.arm(LEASE, 0.0)
    while len(fails) == 3:
        time.sleep(0.001)
    assert ahead.settle() == [NEXT]
    assert fails == []


# What a pool process makes of it


@pytest.fixture
def process() -> Iterator[Process]:
    """One for which 16 jobs wait that take 40 ms each."""
    made = Process()
    made.performer.takes_s = 1.6 * LONG_S
    made.submit(16)
    yield made
    assert made.series.running() == []
    assert made.ledger.held("w1") == []
    assert {record.state for record in made.records()} <= {JobState.SUCCEEDED, JobState.CANCELLED}


STEADY = SEEN + 1
"""The first run of which it is known when it ends."""


def test_a_steady_job_ends_with_the_next_one_at_hand(process: Process) -> None:
    """One, the last of a line, too; each runs once, in order."""
    before, then, at_last = (others_at(process, number) for number in (SEEN, STEADY, 15))
    process.work()
    assert before == []
    assert then == [process.refs[STEADY].id]
    assert at_last == [process.refs[15].id]
    assert process.performer.ran == [ref.id for ref in process.refs]
    assert {record.attempt for record in process.records()} == {1}
    assert not process.ledger.messages["default"]


def test_a_job_counts_as_begun_hardly_before_it_is(process: Process) -> None:
    """As long at the most as it takes to claim it, and as those before it differ."""
    process.work()
    took = [record.finished_at - record.started_at for record in process.records()]  # type: ignore[operator]
    assert sorted(took)[len(took) // 2] < 1000 * (process.performer.takes_s + 2 * MOST_LEAD_S)


def test_one_that_ends_sooner_than_others_claims_as_ever(process: Process) -> None:
    """With its end; nothing was claimed for it."""

    def hurry(_claim: Claim) -> None:
        process.performer.takes_s = 0.0

    process.performer.meets[SEEN] = hurry
    behind = others_at(process, STEADY)
    process.work()
    assert behind == []
    assert process.performer.ran == [ref.id for ref in process.refs]


@pytest.mark.parametrize(
    "fails",
    [
        {"claim_more": ["before"]},
        {"claim_more": ["after"] * 3},
        {"finish": ["before"]},
        {"finish": ["after", "before"] * 3},
        {"finish_and_claim": ["after"] * 8},
        {"claim_more": ["after"] * 5, "finish": ["before", "after"] * 3},
    ],
    ids=str,
)
def test_each_runs_once_though_answers_are_lost(
    process: Process, fails: dict[str, list[str]]
) -> None:
    """Whether what was asked took effect or not."""
    process.ledger.fails = fails
    process.work()
    assert process.performer.ran == [ref.id for ref in process.refs]
    assert {record.attempt for record in process.records()} == {1}


def test_one_that_was_taken_back_is_not_run_here(process: Process) -> None:
    """But as another attempt, by whoever claims it next: here it is the same process."""

    def take_back(_claim: Claim) -> None:
        [one] = process.series.running()
        assert one.left == 1
        process.series.take_back(one)
        process.ledger.fails = {"hand_back": ["before"]}

    process.performer.meets[STEADY] = take_back
    process.work()
    [returned] = [record for record in process.records() if record.past_attempts]
    assert returned.id == process.refs[STEADY].id
    assert [past.end for past in returned.past_attempts] == [AttemptEnd.RETURNED]
    assert sorted(process.performer.ran) == sorted(ref.id for ref in process.refs)


def test_one_that_waited_for_too_long_is_not_run_here(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease may be over."""
    process.performer.meets[STEADY] = lambda _: monkeypatch.setattr(claiming, "FRESH_S", 0.0)
    process.performer.meets[STEADY + 1] = lambda _: monkeypatch.undo()
    process.work()
    assert [bool(record.past_attempts) for record in process.records()].count(True) == 1
    assert sorted(process.performer.ran) == sorted(ref.id for ref in process.refs)


@pytest.mark.parametrize("error", [LostError("signal 9"), RuntimeError("a fault")], ids=repr)
def test_one_that_breaks_leaves_the_next_one_to_be_run(process: Process, error: Exception) -> None:
    """It has no end with which anything is claimed."""

    def break_(_claim: Claim) -> None:
        raise error

    process.performer.meets[STEADY] = break_
    process.work()
    ends = [[past.end for past in record.past_attempts] for record in process.records()]
    assert ends[STEADY - 1] == [AttemptEnd.LOST]
    assert sum(map(len, ends)) == 1
    ran = [ref.id for ref in process.refs]
    assert process.performer.ran[: STEADY + 1] == ran[: STEADY + 1]
    assert Counter(process.performer.ran) == Counter([*ran, ran[STEADY - 1]])


def test_one_that_was_cancelled_leaves_the_next_one_to_be_run(process: Process) -> None:
    """Nobody wants its outcome."""
    ref = process.refs[STEADY - 1]
    process.performer.meets[STEADY] = lambda _: process.ledger.cancel(ref)
    process.work()
    assert process.performer.ran == [ref.id for ref in process.refs]
    assert [record.state for record in process.records()].count(JobState.CANCELLED) == 1


def test_who_is_to_stop_claims_nothing(process: Process) -> None:
    """And the job that runs ends as ever."""
    claim = process.attempts.begin("default")
    for _ in range(STEADY - 1):
        assert isinstance(claim, Claim)
        claim = process.attempts.run(claim, lambda: True)
    behind = others_at(process, STEADY)
    assert isinstance(claim, Claim)
    assert process.attempts.run(claim, lambda: False) is None
    assert behind == []
    process.work()

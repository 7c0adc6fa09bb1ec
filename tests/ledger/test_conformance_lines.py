"""Whose turn it is: queues, priorities, fair shares and limits."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from taskkit.ledger import Claim, JobRef, Lease, Ledger, Limits, Load, Write
from taskkit.protocol.errors import QuotaReached
from taskkit.protocol.events import JobFailed, JobSucceeded
from taskkit.protocol.jobs import ErrorInfo, ResultInfo
from taskkit.protocol.options import JobOptions
from taskkit.protocol.spec import JobSpec

Submit = Callable[..., JobRef]
Start = Callable[..., Lease]
Advance = Callable[[float], None]

DONE = JobSucceeded(result=ResultInfo(media_type="application/json", size_bytes=2))
NO = JobFailed(error=ErrorInfo(type="ValueError", message="no"))


def claim(ledger: Ledger, queue: str = "default", pid: int = 1) -> Claim:
    """Begin the next job of a queue."""
    begun = ledger.claim_next(queue, worker="w", pid=pid)
    assert begun is not None
    return begun


def owners_served(ledger: Ledger, n: int, processes: int) -> str:
    """Return the initials of the owners whose jobs are begun, each when another one ends.

    At first `processes` jobs are begun; then always the one that began first ends.
    """
    running = [claim(ledger, pid=pid) for pid in range(processes)]
    served = [begun.lease.ref.owner[0] for begun in running]
    for pid in range(n - processes):
        ending = running.pop(0)
        _, begun = ledger.finish_and_claim(
            ending.lease, DONE, None, worker="w", pid=pid % processes
        )
        assert begun is not None
        running.append(begun)
        served.append(begun.lease.ref.owner[0])
    return "".join(served)


def many(ledger: Ledger, owner: str, n: int, **options: Any) -> list[JobRef]:
    """Submit n jobs at once."""
    spec = JobSpec(task="demo", options=JobOptions(**options))
    made = ledger.submit(owner, [(secrets.token_hex(8), spec) for _ in range(n)])
    return [JobRef(owner, one.record.id) for one in made]


def test_jobs_of_one_owner_begin_as_they_were_submitted(ledger: Ledger) -> None:
    """Also those of one request, which bear the same millisecond."""
    refs = [*many(ledger, "ada", 3), *many(ledger, "ada", 2)]
    assert [claim(ledger, pid=pid).lease.ref for pid in range(5)] == refs
    assert ledger.claim_next("default", worker="w", pid=9) is None


@pytest.mark.parametrize("processes", [1, 2, 4])
def test_who_floods_takes_turns_with_who_has_few(ledger: Ledger, processes: int) -> None:
    """Half of the processes is for each, whoever came first and however much one has."""
    many(ledger, "ada", 40)
    many(ledger, "bob", 6)
    served = owners_served(ledger, 20, processes)
    assert served[:12].count("b") == 6


def test_who_comes_late_is_next(ledger: Ledger) -> None:
    """The first process that is free is for who has none, not for the next of a thousand."""
    many(ledger, "ada", 10)
    running = [claim(ledger, pid=pid) for pid in range(2)]
    [late] = many(ledger, "bob", 1)
    _, begun = ledger.finish_and_claim(running[0].lease, DONE, None, worker="w", pid=0)
    assert begun is not None
    assert begun.lease.ref == late


def test_processes_that_are_free_at_once_are_shared(ledger: Ledger) -> None:
    """Who has two jobs running waits until who has none has begun two, too."""
    many(ledger, "ada", 5)
    claim(ledger, pid=0), claim(ledger, pid=1)
    many(ledger, "bob", 5)
    served = [claim(ledger, pid=pid).lease.ref.owner for pid in range(2, 6)]
    assert served == ["bob", "bob", "ada", "bob"]


@pytest.mark.parametrize("how", ["lost", "returned", "cancelled", "failed", "retried"])
def test_an_attempt_that_ends_otherwise_counts_no_more(
    ledger: Ledger, how: str, advance: Advance
) -> None:
    """Else its owner would be behind all others for good."""
    [ref] = many(ledger, "ada", 1, retries=1 if how == "retried" else 0)
    lease = claim(ledger).lease
    match how:
        case "lost":
            ledger.lose(lease, "killed")
        case "returned":
            ledger.give_back(lease, "stopped")
        case "cancelled":
            ledger.cancel(ref)
        case "failed" | "retried":
            ledger.finish(lease, NO, None, is_retryable=True)
    is_queued = how in ("lost", "returned", "retried")
    expected = [Load(owner="ada", queue="default", queued=1)] if is_queued else []
    assert ledger.loads() == expected


def test_a_job_that_was_lost_is_first_in_line_again(ledger: Ledger) -> None:
    """Its place is that of its submission; whoever is free takes it, before it is woken again."""
    first, _ = many(ledger, "ada", 2)
    ledger.lose(claim(ledger).lease, "killed")
    assert claim(ledger).lease == Lease(first, 2)


@pytest.mark.parametrize("timings", [{"first_retry_s": 0.2}])
def test_a_job_that_failed_is_in_line_when_it_is_due(ledger: Ledger, advance: Advance) -> None:
    """Not while it waits for its next attempt; the sweep that wakes it lines it up."""
    [ref] = many(ledger, "ada", 1, retries=1)
    ledger.finish(claim(ledger).lease, NO, None, is_retryable=True)
    assert ledger.claim_next("default", worker="w", pid=1) is None
    advance(0.25)
    assert [due.ref for due in ledger.sweep()] == [ref]
    assert claim(ledger).lease == Lease(ref, 2)


def test_a_job_that_waits_for_another_is_not_in_line(ledger: Ledger, submit: Submit) -> None:
    """It is counted as queued all the same, and lined up when the other has succeeded."""
    first = submit("a")
    second = submit("b", after=("key:a",))
    assert ledger.loads() == [Load(owner="ada", queue="default", queued=2)]
    lease = claim(ledger).lease
    assert lease.ref == first
    assert ledger.claim_next("default", worker="w", pid=2) is None
    ledger.finish(lease, DONE, None)
    assert claim(ledger).lease.ref == second


def test_the_highest_priority_begins_first(ledger: Ledger) -> None:
    """Of equals the one that was submitted first; also when it comes late."""
    low, normal, high = (many(ledger, "ada", 2, priority=p) for p in (-100, 0, 100))
    order = [claim(ledger, pid=pid).lease.ref for pid in range(6)]
    assert order == [*high, *normal, *low]


def test_priorities_are_among_ones_own_jobs(ledger: Ledger) -> None:
    """Nobody gets ahead of others by them."""
    many(ledger, "ada", 3, priority=100)
    many(ledger, "bob", 3, priority=-100)
    assert owners_served(ledger, 6, 1) == "ababab"


def test_each_queue_has_its_own_line(ledger: Ledger) -> None:
    """What waits in one is nothing to who serves another."""
    [here], [there] = many(ledger, "ada", 1), many(ledger, "ada", 1, queue="gpu")
    assert ledger.claim_next("nobody", worker="w", pid=1) is None
    assert claim(ledger, "gpu", pid=1).lease.ref == there
    assert ledger.claim_next("gpu", worker="w", pid=2) is None
    assert claim(ledger, pid=2).lease.ref == here
    assert ledger.queues() == ["default", "gpu"]
    assert ledger.loads() == [
        Load(owner="ada", queue="default", running=1),
        Load(owner="ada", queue="gpu", running=1),
    ]


def test_a_worker_prefers_the_queue_that_it_names_first(ledger: Ledger) -> None:
    """And takes of the others when there is nothing in it."""
    many(ledger, "ada", 3)
    many(ledger, "ada", 1, queue="gpu")
    lease, served = claim(ledger).lease, []
    for _ in range(2):
        _, begun = ledger.finish_and_claim(
            lease, DONE, None, worker="w", pid=1, queues=["gpu", "default"]
        )
        assert begun is not None
        lease = begun.lease
        served.append(begun.spec.options.queue)
    assert served == ["gpu", "default"]


def test_a_process_gets_the_job_that_it_holds_again(ledger: Ledger) -> None:
    """The reply to its claim was lost; another job would leave that one with nobody."""
    many(ledger, "ada", 2)
    first = claim(ledger)
    assert claim(ledger) == first
    assert claim(ledger, "gpu") == first
    assert claim(ledger, pid=2) != first
    ledger.cancel(first.lease.ref)
    assert ledger.claim_next("default", worker="w", pid=1) is None


def test_no_more_run_than_one_may_have(ledger: Ledger) -> None:
    """Others begin theirs, and processes stay idle rather than take one more."""
    ledger.limit(Limits(running=2))
    many(ledger, "ada", 4)
    many(ledger, "ada", 1, queue="gpu")
    leases = [claim(ledger, pid=pid).lease for pid in range(2)]
    assert ledger.claim_next("default", worker="w", pid=2) is None
    many(ledger, "bob", 1)
    assert claim(ledger, pid=2).lease.ref.owner == "bob"
    assert claim(ledger, "gpu", pid=3).lease.ref.owner == "ada"
    write, begun = ledger.finish_and_claim(leases[0], DONE, None, worker="w", pid=0)
    assert write is Write.DONE
    assert begun is not None
    assert begun.lease.ref.owner == "ada"
    ledger.limit(Limits())
    assert claim(ledger, pid=5).lease.ref.owner == "ada"


def test_no_more_wait_than_one_may_have(ledger: Ledger, submit: Submit) -> None:
    """A request that would make more is refused whole, and says how many fit."""
    ledger.limit(Limits(queued=3))
    many(ledger, "ada", 1, queue="gpu")
    submit("known")
    with pytest.raises(QuotaReached, match="2 jobs in the queue, and may have 3") as refused:
        many(ledger, "ada", 2)
    assert refused.value.details["room"] == 1
    many(ledger, "bob", 3)
    many(ledger, "ada", 1)
    with pytest.raises(QuotaReached):
        submit()
    submit("known")
    claim(ledger, "gpu")
    submit()
    assert [load.queued for load in ledger.loads() if load.owner == "ada"] == [3, 0]


def test_a_refused_request_leaves_nothing(ledger: Ledger) -> None:
    """Neither jobs nor counts; the same request is taken when there is room."""
    ledger.limit(Limits(queued=1))
    specs = [("a", JobSpec(task="demo")), ("b", JobSpec(task="demo"))]
    with pytest.raises(QuotaReached):
        ledger.submit("ada", specs)
    assert ledger.loads() == []
    assert ledger.jobs("ada") == []
    ledger.limit(Limits())
    assert [one.is_new for one in ledger.submit("ada", specs)] == [True, True]


def test_what_is_final_is_in_no_count(ledger: Ledger, start: Start, submit: Submit) -> None:
    """However it ended, and whether it had begun."""
    ledger.finish(start(), DONE, None)
    ledger.cancel(submit())
    failing = submit("a")
    submit(after=("key:a",))
    ledger.finish(start(failing), NO, None)
    submit(after=(failing.id,))
    assert ledger.loads() == []
    assert ledger.claim_next("default", worker="w", pid=9) is None

"""Jobs with needs: who runs them, in which turn, and what nobody runs."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest
import redis

from taskkit.ledger import FULL, Claim, JobRef, Ledger, Limits, Load
from taskkit.ledger.memory import MemoryLedger
from taskkit.protocol.broker import wake_up, woken
from taskkit.protocol.events import JobFailed, JobSucceeded
from taskkit.protocol.jobs import ErrorInfo, JobState, ResultInfo
from taskkit.protocol.options import JobOptions
from taskkit.protocol.spec import JobSpec
from taskkit.protocol.workers import WorkerInfo

Join = Callable[..., WorkerInfo]
Advance = Callable[[float], None]

DONE = JobSucceeded(result=ResultInfo(media_type="application/json", size_bytes=2))
NO = JobFailed(error=ErrorInfo(type="ValueError", message="no"))


class Lab:
    """A ledger with workers, and what their processes do."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.names = [secrets.token_hex(4) for _ in range(3)]
        #: Of workers: their lists in the broker are not the ledger's alone.

    def join(self, number: int = 0, **has: Any) -> str:
        """Have a worker join and seek; return its name."""
        facts = {"host": "lab", "pid": 41, "processes": 2, "python": "3.11.7", "cores": 2}
        packages = has.pop("packages", {})
        info = WorkerInfo(
            name=self.names[number],
            environment=secrets.token_hex(4),
            **{**facts, "memory_mib": 4000, **has},
        )
        self.ledger.join(info, packages)
        self.ledger.seek(info.name)
        return info.name

    def submit(self, n: int = 1, owner: str = "ada", **options: Any) -> list[JobRef]:
        """Submit jobs with options."""
        spec = JobSpec(task="demo", options=JobOptions(**options))
        requests = [(secrets.token_hex(8), spec) for _ in range(n)]
        made = self.ledger.submit(owner, requests, message=wake_up)
        return [JobRef(owner, one.record.id) for one in made]

    def claim(self, worker: str, pid: int = 1, **how: Any) -> Claim | None:
        """Claim what a process is given; that it is full is an error."""
        found = self.ledger.claim_next("default", worker=worker, pid=pid, **how)
        assert found is not FULL
        return found

    def ref(self, worker: str, pid: int = 1) -> JobRef | None:
        """Claim likewise; return the job."""
        found = self.claim(worker, pid)
        return found and found.lease.ref

    def is_full(self, worker: str, pid: int, **how: Any) -> bool:
        """Return whether a process is told to wait."""
        return self.ledger.claim_next("default", worker=worker, pid=pid, **how) is FULL

    def messages(self, queue: str) -> list[str]:
        """Take all messages of a queue, and return the queues that they wake for."""
        found = []
        while isinstance(message := self.ledger.take(0.01, (queue,)), str):
            found.append(woken(message))
        return found


@pytest.fixture
def lab(ledger: Ledger, request: pytest.FixtureRequest) -> Any:
    """A lab whose lists in the broker are empty at first and at the end."""
    if not isinstance(ledger, MemoryLedger):
        client = redis.Redis.from_url(request.getfixturevalue("redis_url"))
        client.delete("taskkit.jobs", *client.scan_iter("taskkit.jobs.*"))
    yield Lab(ledger)
    if not isinstance(ledger, MemoryLedger):
        client.delete("taskkit.jobs", *client.scan_iter("taskkit.jobs.*"))


def test_what_a_worker_has_is_kept_with_it(lab: Lab, ledger: Ledger) -> None:
    """Cores, memory, tags, queues and packages, until it leaves."""
    lab.join(0, tags=("gpu",), queues=("night",), packages={"numpy": "1.26.4"})
    [advert] = ledger.adverts()
    assert (advert.cores, advert.memory_mib, advert.tags) == (2, 4000, ("gpu",))
    assert (advert.queues, advert.python_minor) == (("night",), "3.11")
    assert advert.packages == {"numpy": "1.26.4"}
    [info] = ledger.workers("ada")
    assert ledger.packages(info.environment) == {"numpy": "1.26.4"}
    assert ledger.packages("none") is None
    ledger.leave(info.name, "stopped")
    assert ledger.adverts() == []


NEEDS = [
    ({"cpus": 4}, {"cores": 4}),
    ({"memory_mib": 5000.0}, {"memory_mib": 8000}),
    ({"tags": ("gpu",)}, {"tags": ("gpu", "big")}),
    ({"python": "3.12"}, {"python": "3.12.1"}),
    ({"packages": {"numpy": "==2.*"}}, {"packages": {"numpy": "2.1.0"}}),
]


@pytest.mark.parametrize(("needs", "has"), NEEDS, ids=[str(needs) for needs, _ in NEEDS])
def test_only_a_worker_that_fits_is_given_the_job(
    lab: Lab, needs: dict[str, Any], has: dict[str, Any]
) -> None:
    """Whichever of them asks first; the other one takes what needs nothing."""
    plain, fit = lab.join(0), lab.join(1, **has)
    [job] = lab.submit(**needs)
    assert lab.ref(plain, 1) is None
    [small] = lab.submit()
    assert lab.ref(plain, 1) == small
    assert lab.ref(fit, 2) == job


@pytest.mark.parametrize(("needs", "has"), NEEDS, ids=[str(needs) for needs, _ in NEEDS])
def test_a_worker_that_joins_later_takes_what_waits(
    lab: Lab, needs: dict[str, Any], has: dict[str, Any]
) -> None:
    """And is woken for it at once."""
    lab.join(0)
    jobs = lab.submit(2, **needs)
    late = lab.join(1, **has)
    assert lab.messages(f"@{late}") == ["default"]
    assert lab.ref(late, 1) == jobs[0]


def test_a_job_with_needs_wakes_one_worker_that_fits(lab: Lab) -> None:
    """In its own list; no wake-up is where others would take it and find nothing."""
    lab.join(0)
    fit = lab.join(1, tags=("gpu",))
    lab.submit(tags=("gpu",))
    assert lab.messages("default") == []
    assert lab.messages(f"@{fit}") == ["default"]
    assert lab.messages(f"@{lab.names[0]}") == []


def test_a_worker_that_is_idle_is_woken_before_one_that_is_not(lab: Lab) -> None:
    """Of those that fit; and nobody where none is idle."""
    busy, idle = lab.join(0, tags=("gpu",)), lab.join(1, tags=("gpu",))
    lab.submit(2)
    assert lab.ref(busy, 1)
    assert lab.ref(busy, 2)
    lab.messages("default")
    for _ in range(2):
        lab.submit(tags=("gpu",))
    assert lab.messages(f"@{busy}") == []
    assert lab.messages(f"@{idle}") == ["default", "default"]


def test_who_ends_a_job_takes_one_that_it_fits(lab: Lab, ledger: Ledger) -> None:
    """In the same step, without a wake-up."""
    fit = lab.join(0, tags=("gpu",))
    lab.submit()
    begun = lab.claim(fit, 1)
    assert begun is not None
    [job] = lab.submit(tags=("gpu",))
    _, following = ledger.finish_and_claim(begun.lease, DONE, None, worker=fit, pid=1)
    assert isinstance(following, Claim)
    assert following.lease.ref == job


def test_who_ends_a_job_leaves_what_it_does_not_fit(lab: Lab, ledger: Ledger) -> None:
    """Though it was submitted first."""
    plain = lab.join(0)
    lab.submit()
    begun = lab.claim(plain, 1)
    assert begun is not None
    lab.submit(tags=("gpu",))
    [small] = lab.submit()
    _, following = ledger.finish_and_claim(begun.lease, DONE, None, worker=plain, pid=1)
    assert isinstance(following, Claim)
    assert following.lease.ref == small


def test_a_process_that_waits_is_handed_what_its_worker_fits(lab: Lab, ledger: Ledger) -> None:
    """When it is submitted; one of another worker that waits longer is passed over."""
    plain, fit = lab.join(0), lab.join(1, tags=("gpu",))
    lab.submit(2)
    lab.messages("default")
    begun = {worker: lab.claim(worker, pid) for worker, pid in ((plain, 1), (fit, 2))}
    for pid, (worker, claim) in enumerate(begun.items(), 1):
        assert claim is not None
        ledger.finish_and_claim(claim.lease, DONE, None, worker=worker, pid=pid, wait_s=60)
    [job] = lab.submit(tags=("gpu",))
    handed = ledger.take(1, (), worker=fit, pid=2)
    assert isinstance(handed, Claim)
    assert handed.lease.ref == job
    assert ledger.take(0.01, (), worker=plain, pid=1) is None
    assert lab.messages(f"@{fit}") == []


def test_who_goes_back_to_celery_is_woken_for_what_waits(lab: Lab, ledger: Ledger) -> None:
    """A process ends its shift while a job waits that no idle worker could take."""
    fit = lab.join(0, tags=("gpu",), processes=1, cores=1)
    lab.submit()
    begun = lab.claim(fit, 1)
    assert begun is not None
    [job] = lab.submit(tags=("gpu",))
    assert lab.messages(f"@{fit}") == []
    ledger.finish(begun.lease, DONE, None)
    assert lab.messages(f"@{fit}") == ["default"]
    assert lab.ref(fit, 1) == job


def test_jobs_begin_as_they_were_submitted_whatever_they_need(lab: Lab) -> None:
    """Of one owner, on a worker that fits all; higher priority goes first."""
    worker = lab.join(0, tags=("a", "b"), processes=9, cores=9)
    jobs = [
        *lab.submit(),
        *lab.submit(tags=("a",)),
        *lab.submit(),
        *lab.submit(tags=("b",)),
        *lab.submit(tags=("a",)),
    ]
    [first] = lab.submit(tags=("b",), priority=5)
    assert [lab.ref(worker, pid) for pid in range(6)] == [first, *jobs]


def test_owners_take_turns_over_all_lanes_of_a_queue(lab: Lab) -> None:
    """Who floods one lane has no more turns than who has a few jobs without needs."""
    worker = lab.join(0, tags=("a",), processes=9, cores=9)
    lab.submit(6, tags=("a",))
    lab.submit(3, owner="bob")
    owners = [ref and ref.owner for ref in (lab.ref(worker, pid) for pid in range(6))]
    assert owners.count("bob") == 3


def test_a_limit_holds_for_a_queue_with_all_its_lanes(lab: Lab, ledger: Ledger) -> None:
    """Nobody has more running by asking for different things."""
    ledger.limit(Limits(running=2))
    worker = lab.join(0, tags=("a", "b"), processes=9, cores=9)
    lab.submit()
    lab.submit(tags=("a",))
    lab.submit(tags=("b",))
    claims = [lab.claim(worker, pid) for pid in range(3)]
    assert [claim is not None for claim in claims] == [True, True, False]
    ledger.limit(Limits(running=2))  # as the sweeper does, again and again
    assert lab.claim(worker, 3) is None
    assert ledger.loads() == [Load(owner="ada", queue="default", queued=1, running=2)]
    assert ledger.queues() == ["default"]


def test_a_job_takes_as_many_slots_as_cores(lab: Lab, ledger: Ledger) -> None:
    """While one of two cores runs, the other process of a worker of two waits."""
    worker = lab.join(0)
    [large] = lab.submit(cpus=2)
    begun = lab.claim(worker, 1)
    assert begun is not None
    assert begun.lease.ref == large
    lab.submit()
    lab.messages("default")
    assert lab.is_full(worker, 2)
    assert lab.messages("default") == ["default"], "another worker may take it"
    assert lab.is_full(worker, 2, has_waited=True)
    assert lab.messages("default") == []
    ledger.finish(begun.lease, DONE, None)
    assert lab.ref(worker, 2) is not None


def test_memory_is_reserved(lab: Lab, ledger: Ledger) -> None:
    """Two jobs of 2,500 MiB are not on a worker of 4,000 at once; what asks for none is."""
    worker = lab.join(0, processes=4, cores=4)
    lab.submit(2, memory_mib=2500.0)
    begun = lab.claim(worker, 1)
    assert begun is not None
    assert lab.is_full(worker, 2)
    ledger.finish(begun.lease, DONE, None)
    assert lab.claim(worker, 2) is not None


def test_a_large_job_is_not_starved_by_small_ones(lab: Lab, ledger: Ledger) -> None:
    """Its worker takes no other when its turn has come, until it has the room."""
    worker = lab.join(0)
    lab.submit(2)
    first, second = lab.claim(worker, 1), lab.claim(worker, 2)
    assert first is not None
    assert second is not None
    [large] = lab.submit(cpus=2)
    smalls = lab.submit(20)
    _, answer = ledger.finish_and_claim(first.lease, DONE, None, worker=worker, pid=1)
    assert answer is FULL
    _, answer = ledger.finish_and_claim(second.lease, DONE, None, worker=worker, pid=2)
    assert isinstance(answer, Claim)
    assert answer.lease.ref == large
    ledger.finish(answer.lease, DONE, None)
    assert lab.ref(worker, 1) == smalls[0]


def test_only_one_worker_keeps_its_room_for_a_job(lab: Lab) -> None:
    """The others go on with what is after it; where the first is gone, another one does."""
    one, other = lab.join(0), lab.join(1)
    lab.submit(2)
    assert lab.ref(one, 1)
    assert lab.ref(other, 2)
    lab.submit(cpus=2)
    smalls = lab.submit(2)
    assert lab.is_full(one, 3)
    assert lab.ref(other, 4) == smalls[0]
    lab.ledger.leave(one, "stopped")
    # Its small job is queued again, and comes first.
    assert lab.is_full(other, 5)


def test_a_process_that_waits_for_room_is_told_when_there_is(lab: Lab, ledger: Ledger) -> None:
    """It need not look again and again."""
    worker = lab.join(0)
    lab.submit(cpus=2)
    begun = lab.claim(worker, 1)
    lab.submit(2)
    assert begun is not None
    assert lab.is_full(worker, 2)
    ledger.finish_and_claim(begun.lease, DONE, None, worker=worker, pid=1)
    assert ledger.take(5, (), worker=worker, pid=2) is None
    assert lab.ref(worker, 2) is not None


def test_one_that_was_told_of_a_message_puts_it_back_where_it_is_full(
    lab: Lab, ledger: Ledger
) -> None:
    """For a worker that has room."""
    worker = lab.join(0)
    lab.submit(cpus=2)
    assert lab.claim(worker, 1) is not None
    lab.submit()
    message = ledger.take(1)
    assert isinstance(message, str)
    assert ledger.rise(worker=worker, pid=2, woken=("default", message)) is FULL
    assert ledger.take(1) == message


def test_a_job_whose_worker_dies_waits_for_another_that_fits(lab: Lab, ledger: Ledger) -> None:
    """It is queued again, and no worker that does not fit is given it."""
    fit = lab.join(0, tags=("gpu",))
    plain = lab.join(1)
    [job] = lab.submit(tags=("gpu",))
    assert lab.ref(fit, 1) == job
    ledger.leave(fit, "killed")
    assert lab.ref(plain, 2) is None
    late = lab.join(2, tags=("gpu",))
    assert lab.messages(f"@{late}") == ["default"]
    assert lab.ref(late, 3) == job


def test_one_that_is_cancelled_while_it_waits_is_given_to_nobody(lab: Lab, ledger: Ledger) -> None:
    """And jobs after it go on as if it had not been."""
    [job] = lab.submit(tags=("gpu",))
    record = ledger.cancel(job)
    assert record is not None
    assert record.state is JobState.CANCELLED
    fit = lab.join(0, tags=("gpu",))
    assert lab.messages(f"@{fit}") == []
    assert lab.ref(fit, 1) is None


@pytest.mark.parametrize("timings", [{"first_retry_s": 0.03}])
def test_one_that_is_tried_again_wakes_a_worker_when_it_is_due(
    lab: Lab, ledger: Ledger, advance: Advance
) -> None:
    """The sweeper puts it in line again, and publishes nothing where others would take it."""
    fit = lab.join(0, tags=("gpu",))
    [job] = lab.submit(tags=("gpu",), retries=1)
    begun = lab.claim(fit, 1)
    assert begun is not None
    ledger.finish(begun.lease, NO, None, is_retryable=True)
    lab.messages(f"@{fit}")
    advance(0.05)
    assert ledger.sweep(empty=["default"]) == []
    assert lab.messages(f"@{fit}") == ["default"]
    assert lab.ref(fit, 1) == job


def test_one_that_waits_for_others_is_woken_for_when_they_are_done(
    lab: Lab, ledger: Ledger
) -> None:
    """Its wake-up goes to a worker that fits."""
    fit = lab.join(0, tags=("gpu",))
    [first] = lab.submit()
    digest = secrets.token_hex(32)
    ledger.put_function("ada", digest, b"f")
    spec = JobSpec(task="f", function=digest, after=(first.id,), options=JobOptions(tags=("gpu",)))
    ledger.submit("ada", [("k", spec)], message=wake_up)
    assert lab.messages(f"@{fit}") == []
    lab.messages("default")
    begun = lab.claim(fit, 1)
    assert begun is not None
    ledger.finish(begun.lease, DONE, None)
    assert "default" in lab.messages(f"@{fit}")
    assert lab.messages("default") == []


def test_a_beat_wakes_for_what_was_forgotten(lab: Lab, ledger: Ledger) -> None:
    """A wake-up died with the process that had taken it."""
    fit = lab.join(0, tags=("gpu",))
    lab.submit(tags=("gpu",))
    assert lab.messages(f"@{fit}") == ["default"]
    ledger.beat(fit)
    assert lab.messages(f"@{fit}") == ["default"]
    ledger.beat(fit)
    ledger.beat(fit)
    assert lab.messages(f"@{fit}") == ["default"], "once, until it is taken"


def test_a_worker_of_an_older_release_is_given_no_job_with_needs(lab: Lab, join: Join) -> None:
    """It says nothing of itself; it goes on with the others."""
    older = join("older")
    lab.submit(cpus=1)
    [small] = lab.submit()
    assert lab.ref(older.name, 1) == small
    assert lab.ref(older.name, 2) is None

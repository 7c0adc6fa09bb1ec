"""Jobs that a worker gives back because it does not fit them: whose they are from then on."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest

from taskkit.ledger import Claim, JobRef, Lease, Ledger, Write
from taskkit.protocol.broker import wake_up, woken
from taskkit.protocol.events import JobSucceeded
from taskkit.protocol.jobs import AttemptEnd, JobState, ResultInfo
from taskkit.protocol.needs import Needs
from taskkit.protocol.options import JobOptions
from taskkit.protocol.spec import JobSpec
from taskkit.protocol.workers import WorkerInfo

DONE = JobSucceeded(result=ResultInfo(media_type="application/json", size_bytes=2))
NEEDS = Needs(python="3.11", packages={"tinylab": "==2.*"})


class Lab:
    """A ledger, one worker with `tinylab` 1 and, once it joins, one with 2."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        mark = secrets.token_hex(4)
        #: Their lists in the broker are not the ledger's alone.
        self.old, self.new = f"old-{mark}", f"new-{mark}"
        self.join(self.old, "1.0")

    def join(self, name: str, version: str) -> None:
        """Have a worker join and seek."""
        facts = {"host": "lab", "pid": 41, "processes": 1, "python": "3.11.7", "cores": 2}
        self.ledger.join(
            WorkerInfo(name=name, environment=f"env-{name}", **facts), {"tinylab": version}
        )
        self.ledger.seek(name)

    def submit(self, **options: object) -> JobRef:
        """Submit a job that does not say what it needs of packages."""
        spec = JobSpec(task="demo", options=JobOptions(**options))
        request = (secrets.token_hex(8), spec)
        [made] = self.ledger.submit("ada", [request], message=wake_up)
        return JobRef("ada", made.record.id)

    def claim(self, worker: str) -> Claim | None:
        """Claim what a process of the worker is given."""
        found = self.ledger.claim_next("default", worker=worker, pid=1)
        assert not isinstance(found, str)
        return found if isinstance(found, Claim) else None

    def misfit(self) -> Lease:
        """Have the old worker claim a job and give it back; return the lease."""
        claim = self.claim(self.old)
        assert claim is not None
        self.ledger.give_back(claim.lease, "it needs tinylab 2.*", NEEDS)
        self.ledger.drop(self.old, claim.lease)
        return claim.lease


@pytest.fixture
def lab(ledger: Ledger) -> Lab:
    """Both ledgers, one after the other."""
    return Lab(ledger)


def test_who_does_not_fit_is_not_given_the_job_again(lab: Lab) -> None:
    """It counts towards nothing, and what was found is told in the job's record."""
    ref = lab.submit()
    lab.misfit()
    assert lab.claim(lab.old) is None
    record = lab.ledger.job(ref)
    assert record is not None
    assert record.state is JobState.QUEUED
    [past] = record.past_attempts
    assert (past.end, past.cause) == (AttemptEnd.RETURNED, "it needs tinylab 2.*")


def test_whoever_fits_runs_it_whether_it_was_there_or_joins_later(lab: Lab) -> None:
    """And is woken for it, though no job said what it needs before."""
    lab.submit()
    lab.misfit()
    lab.join(lab.new, "2.1")
    woke = lab.ledger.take(1.0, (f"@{lab.new}",), worker=lab.new, pid=1)
    assert isinstance(woke, str)
    assert woken(woke) == "default"
    claim = lab.claim(lab.new)
    assert claim is not None
    assert lab.ledger.finish(claim.lease, DONE, None) is Write.DONE
    lab.submit()
    lab.misfit()
    assert lab.claim(lab.new) is not None


def test_other_jobs_go_on_as_before(lab: Lab) -> None:
    """What has no needs is anybody's; counts are right when all is done."""
    lab.submit()
    lab.misfit()
    plain = lab.submit()
    claim = lab.claim(lab.old)
    assert claim is not None
    assert claim.lease.ref == plain
    lab.ledger.finish(claim.lease, DONE, None)
    lab.join(lab.new, "2.1")
    later = lab.claim(lab.new)
    assert later is not None
    lab.ledger.finish(later.lease, DONE, None)
    assert lab.ledger.loads() == []
    assert lab.claim(lab.new) is None


def test_a_job_that_had_needs_keeps_them(lab: Lab) -> None:
    """From one lane it goes to another."""
    ref = lab.submit(tags=("gpu",))
    assert lab.claim(lab.old) is None
    lab.ledger.cancel(ref)
    plain = lab.submit(packages={"tinylab": ""})
    lab.misfit()
    assert lab.claim(lab.old) is None
    lab.join(lab.new, "2.1")
    claim = lab.claim(lab.new)
    assert claim is not None
    assert claim.lease.ref == plain


def test_an_attempt_that_is_over_moves_nothing(lab: Lab, advance: Callable[[float], None]) -> None:
    """Its job may run elsewhere already, or have ended."""
    ref = lab.submit()
    claim = lab.claim(lab.old)
    assert claim is not None
    assert lab.ledger.finish(claim.lease, DONE, None) is Write.DONE
    assert lab.ledger.give_back(claim.lease, "late", NEEDS) is None
    record = lab.ledger.job(ref)
    assert record is not None
    assert record.state is JobState.SUCCEEDED
    lab.submit()
    assert lab.claim(lab.old) is not None

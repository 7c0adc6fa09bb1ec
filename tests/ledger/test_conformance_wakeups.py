"""Every queued job gets its wake-up, also where the broker lost one or more."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from taskkit.ledger import JobRef, Lease, Ledger
from taskkit.protocol.errors import KeyReused
from taskkit.protocol.spec import JobSpec

Submit = Callable[..., JobRef]
Start = Callable[..., Lease]
Advance = Callable[[float], None]

quick = pytest.mark.parametrize("timings", [{"republish_after_s": 0.6}], ids=["back-off of 0.6 s"])


def test_a_new_job_without_a_grace_is_due_at_once(ledger: Ledger, submit: Submit) -> None:
    """A sweep repairs a server that died between accepting a job and publishing it."""
    refs = {submit(), submit(owner="bob")}
    assert {due.ref for due in ledger.sweep()} == refs


@pytest.mark.parametrize("timings", [{"publish_grace_s": 0.3}], ids=["grace of 0.3 s"])
def test_a_new_job_is_left_to_its_server_first(
    ledger: Ledger, submit: Submit, advance: Advance
) -> None:
    """Whoever submits publishes; only when the grace is over is it for others to repair."""
    ref = submit()
    assert ledger.sweep() == []
    advance(0.31)
    assert [due.ref for due in ledger.sweep()] == [ref]


@pytest.mark.parametrize(
    "timings", [{"publish_grace_s": 3600.0, "republish_after_s": 0.6}], ids=["long grace"]
)
def test_an_empty_broker_shortens_the_grace(
    ledger: Ledger, submit: Submit, advance: Advance
) -> None:
    """Where no message waits anywhere, the server that accepted the job did not publish it."""
    ref = submit()
    assert ledger.sweep(empty=["default"]) == []
    advance(0.21)
    assert ledger.sweep() == []
    assert [due.ref for due in ledger.sweep(empty=["default"])] == [ref]


def test_a_published_job_is_not_due(ledger: Ledger, submit: Submit) -> None:
    """A wake-up that was sent just now is given its time, even where the broker is empty."""
    ref = submit()
    ledger.published([ref])
    assert ledger.sweep() == []
    assert ledger.sweep(empty=["default"]) == []


def test_a_message_waits_in_the_queue_as_soon_as_its_job_is_accepted(
    ledger: Ledger, waiting: Callable[[], list[str]]
) -> None:
    """One step, so that a server which dies after it leaves nothing to repair."""
    specs = [(key, JobSpec(task="demo")) for key in "abab"]
    made = ledger.submit("ada", specs, message=lambda queue: queue)
    assert [one.is_new for one in made] == [True, True, False, False]
    assert waiting() == ["default", "default"]
    assert ledger.sweep() == []


@quick
def test_a_message_that_the_broker_lost_is_due_again(ledger: Ledger, advance: Advance) -> None:
    """After the wait that a published wake-up is given."""
    [made] = ledger.submit("ada", [("a", JobSpec(task="demo"))], message=lambda queue: queue)
    advance(0.5)
    assert ledger.sweep() == []
    advance(0.11)
    assert [due.ref for due in ledger.sweep()] == [JobRef("ada", made.record.id)]


def test_messages_are_taken_oldest_first_and_waited_for(
    ledger: Ledger, waiting: Callable[[], list[str]]
) -> None:
    """Each by one taker; None when the time is over."""
    ledger.submit("ada", [("a", JobSpec(task="demo"))], message=lambda _: "first")
    later = threading.Timer(
        0.05, ledger.submit, ("ada", [("b", JobSpec(task="demo"))]), {"message": lambda _: "second"}
    )
    later.start()
    assert ledger.take(5) == "first"
    assert ledger.take(5) == "second"
    later.join()
    assert ledger.take(0.01) is None
    assert waiting() == []


def test_what_is_refused_leaves_no_message(
    ledger: Ledger, waiting: Callable[[], list[str]]
) -> None:
    """All of a submission or none of it, its messages too."""
    specs = [("a", JobSpec(task="demo")), ("a", JobSpec(task="other"))]
    with pytest.raises(KeyReused):
        ledger.submit("ada", specs, message=lambda queue: queue)
    assert waiting() == []


def test_servers_that_sweep_together_publish_once(ledger: Ledger, submit: Submit) -> None:
    """What one sweep returned is held back from the next, so that its caller can publish it."""
    ref = submit()
    assert [due.ref for due in ledger.sweep()] == [ref]
    assert ledger.sweep() == []


@quick
def test_a_job_handed_to_a_sweeper_that_died_is_due_again(
    ledger: Ledger, submit: Submit, advance: Advance
) -> None:
    """What a sweep returned and nobody published is returned again before long."""
    ref = submit()
    assert [due.ref for due in ledger.sweep()] == [ref]
    advance(0.6)
    assert [due.ref for due in ledger.sweep()] == [ref]


@quick
def test_an_unclaimed_wake_up_is_sent_again(
    ledger: Ledger, submit: Submit, advance: Advance
) -> None:
    """A job that nobody claims is due when its wait is over."""
    ref = submit()
    ledger.published([ref])
    advance(0.61)
    assert [due.ref for due in ledger.sweep()] == [ref]


@quick
def test_the_wait_for_the_next_wake_up_doubles(
    ledger: Ledger, submit: Submit, advance: Advance
) -> None:
    """A long queue is not flooded with copies: the second wait is twice as long."""
    ref = submit()
    ledger.published([ref])
    ledger.published([ref])
    advance(0.7)
    assert ledger.sweep() == []
    advance(0.6)
    assert [due.ref for due in ledger.sweep()] == [ref]


@quick
def test_an_empty_broker_makes_it_sooner(ledger: Ledger, submit: Submit, advance: Advance) -> None:
    """Where no message waits anywhere, a third of the wait is enough."""
    ref = submit()
    ledger.published([ref])
    advance(0.21)
    assert ledger.sweep() == []
    assert [due.ref for due in ledger.sweep(empty=["default"])] == [ref]


def test_claimed_and_final_jobs_need_no_wake_up(
    ledger: Ledger, submit: Submit, start: Start
) -> None:
    """Only queued jobs are returned; the rest is ignored in `published`, too."""
    running, cancelled = start().ref, submit()
    ledger.cancel(cancelled)
    assert ledger.sweep() == []
    ledger.published([running, cancelled, JobRef("ada", "0" * 32)])
    ledger.published([])
    assert ledger.sweep(empty=["default"]) == []


def test_a_lost_attempt_is_due_at_once(ledger: Ledger, submit: Submit, start: Start) -> None:
    """The back-off of the attempt before does not delay the next one."""
    ref = submit()
    for _ in range(5):
        ledger.published([ref])
    ledger.lose(start(ref), "killed")
    assert [due.ref for due in ledger.sweep()] == [ref]


@quick
def test_the_wait_begins_anew_after_a_lost_attempt(
    ledger: Ledger, submit: Submit, start: Start, advance: Advance
) -> None:
    """An attempt's wake-ups are counted from its own first one."""
    ref = submit()
    for _ in range(5):
        ledger.published([ref])
    ledger.lose(start(ref), "killed")
    ledger.published([ref])
    advance(0.61)
    assert [due.ref for due in ledger.sweep()] == [ref]

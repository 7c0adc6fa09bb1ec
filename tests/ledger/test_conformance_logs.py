"""A log is read from any cursor without a hole, or says that there is one."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Signal
from threading import Thread
from typing import Any

import pytest

from taskkit.ledger import JobRef, Lease, Ledger
from taskkit.ledger.terms import LogPage
from taskkit.protocol.cursor import Cursor
from taskkit.protocol.events import Event, JobCancelled, JobSubmitted, OutputWritten, WorkerJoined
from taskkit.protocol.spec import WORKERS_LOG, JobSpec

Submit = Callable[..., JobRef]
Start = Callable[..., Lease]
Events = Callable[..., list[Event]]

short_log = pytest.mark.parametrize("timings", [{"log_events": 10}], ids=["short log"])


def submit_many(ledger: Ledger, count: int, owner: str = "ada") -> None:
    """Make `count` events in the owner's log."""
    ledger.submit(owner, [(f"many-{n}", JobSpec(task="demo")) for n in range(count)])


def test_an_empty_log_begins_at_nothing(ledger: Ledger) -> None:
    """Before its first event a log has no epoch, and a reader from zero misses nothing."""
    assert ledger.head("ada") == Cursor("", 0)
    assert ledger.read("ada", Cursor()) == LogPage(epoch="", events=(), head=0)


def test_the_head_is_the_newest_event(ledger: Ledger, submit: Submit) -> None:
    """It names the epoch, which stays, and the seq, which grows by one an event."""
    submit()
    first = ledger.head("ada")
    assert first.epoch
    assert first.seq == 1
    submit()
    assert ledger.head("ada") == Cursor(first.epoch, 2)


def test_each_owner_has_a_log(ledger: Ledger, submit: Submit, join: Any) -> None:
    """What happens to one owner's jobs, or to workers, does not appear in another log."""
    ada, bob = submit(owner="ada"), submit(owner="bob")
    join("w1")
    assert [event.job for event in ledger.read("ada", Cursor()).events] == [ada.id]
    assert [event.job for event in ledger.read("bob", Cursor()).events] == [bob.id]
    assert [type(e) for e in ledger.read(WORKERS_LOG, Cursor()).events] == [WorkerJoined]
    assert ledger.head("ada").epoch != ledger.head("bob").epoch


def test_events_carry_the_ledgers_time(ledger: Ledger, submit: Submit, clock: Any) -> None:
    """An event is dated when it happened, and its record with it."""
    before = clock.now_ms()
    ref = submit()
    [event] = ledger.read("ada", Cursor()).events
    record = ledger.job(ref)
    assert before <= event.at <= clock.now_ms()
    assert record is not None
    assert record.created_at == event.at


def test_a_page_continues_after_the_cursor(ledger: Ledger) -> None:
    """Reading page after page gives the whole log once, each page at most `limit` long."""
    submit_many(ledger, 7)
    whole = ledger.read("ada", Cursor()).events
    cursor, read, sizes = Cursor(), list[Event](), list[int]()
    while (page := ledger.read("ada", cursor, limit=3)).events:
        assert (page.head, page.is_gap) == (7, False)
        read += page.events
        sizes.append(len(page.events))
        cursor = Cursor(page.epoch, page.events[-1].seq)
    assert tuple(read) == whole
    assert [event.seq for event in read] == [1, 2, 3, 4, 5, 6, 7]
    assert sizes == [3, 3, 1]


def test_at_the_head_there_is_nothing_to_read(ledger: Ledger, submit: Submit) -> None:
    """A reader that has everything gets an empty page and no gap."""
    submit()
    head = ledger.head("ada")
    assert ledger.read("ada", head) == LogPage(epoch=head.epoch, events=(), head=1)


def test_writers_at_once_leave_no_hole(ledger: Ledger, start: Start, events: Events) -> None:
    """Eight attempts that write at the same time number their events 1, 2, 3, …, each in order."""
    leases = [start(worker=f"w{n}") for n in range(8)]

    def write(lease: Lease) -> None:
        for number in range(1, 11):
            ledger.append(lease, number, [OutputWritten(text=f"{number}\n")])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, leases))
    log = events("ada")
    assert [event.seq for event in log] == list(range(1, 8 * 2 + 8 * 10 + 1))
    expected = "".join(f"{number}\n" for number in range(1, 11))
    for lease in leases:
        mine = [e.text for e in log if isinstance(e, OutputWritten) and e.job == lease.ref.id]
        assert "".join(mine) == expected


@short_log
def test_a_cursor_older_than_the_log_is_told_of_a_gap(ledger: Ledger) -> None:
    """What was trimmed is not passed over in silence; what is left is still in order."""
    submit_many(ledger, 250)
    page = ledger.read("ada", Cursor("", 0), limit=1000)
    assert page.is_gap
    assert page.head == 250
    seqs = [event.seq for event in page.events]
    assert seqs == list(range(seqs[0], 251))
    assert seqs[0] > 100
    assert not ledger.read("ada", Cursor(page.epoch, seqs[0] - 1)).is_gap
    assert ledger.read("ada", Cursor(page.epoch, seqs[0] - 2)).is_gap


@short_log
def test_a_reader_that_keeps_up_sees_no_gap(ledger: Ledger, submit: Submit) -> None:
    """A short log is no harm to a cursor that is near its head."""
    submit_many(ledger, 250)
    cursor = ledger.head("ada")
    ref = submit()
    page = ledger.read("ada", cursor)
    assert [event.job for event in page.events] == [ref.id]
    assert not page.is_gap


@pytest.mark.parametrize("seq", [0, 1, 2, 3])
def test_another_epoch_is_a_gap(ledger: Ledger, seq: int) -> None:
    """The numbers of a log that was lost mean nothing in the one that began after it."""
    submit_many(ledger, 2)
    page = ledger.read("ada", Cursor("an older log", seq))
    assert page.is_gap
    assert page.epoch == ledger.head("ada").epoch


def test_a_cursor_ahead_of_the_log_is_a_gap(ledger: Ledger) -> None:
    """A reader that has more than the log itself holds events that were lost."""
    submit_many(ledger, 2)
    epoch = ledger.head("ada").epoch
    assert ledger.read("ada", Cursor(epoch, 3)).is_gap
    assert ledger.read("bob", Cursor("", 1)).is_gap


def test_follow_returns_at_once_what_is_there(ledger: Ledger, submit: Submit, join: Any) -> None:
    """Events behind the cursors need no waiting, and every log has its own page."""
    ref = submit()
    join("w1")
    pages = ledger.follow({"ada": Cursor(), WORKERS_LOG: Cursor(), "bob": Cursor()}, timeout_s=5)
    assert set(pages) == {"ada", WORKERS_LOG}
    assert [event.job for event in pages["ada"].events] == [ref.id]
    assert [type(event) for event in pages[WORKERS_LOG].events] == [WorkerJoined]
    assert pages["ada"] == ledger.read("ada", Cursor())


def test_follow_ends_when_its_time_is_over(ledger: Ledger, submit: Submit) -> None:
    """Where nothing happens, there is nothing to return."""
    submit()
    assert ledger.follow({"ada": ledger.head("ada")}, timeout_s=0.02) == {}
    assert ledger.follow({"bob": Cursor()}, timeout_s=0) == {}


@pytest.mark.parametrize("log", ["ada", WORKERS_LOG])
def test_follow_is_ended_by_an_event_in_either_log(
    ledger: Ledger, submit: Submit, join: Any, log: str
) -> None:
    """A reader that waits on two logs hears of the first event in one of them, and only of it."""
    ref = submit()
    join("w1")
    cursors = {name: ledger.head(name) for name in ("ada", WORKERS_LOG)}
    began, heard = Signal(), []

    def follow() -> None:
        began.set()
        heard.append(ledger.follow(cursors, timeout_s=60))

    following = Thread(target=follow)
    following.start()
    assert began.wait(30)
    if log == "ada":
        ledger.cancel(ref)
    else:
        join("w2")
    following.join(30)
    [pages] = heard
    assert set(pages) == {log}
    assert [type(e) for e in pages[log].events] == [JobCancelled if log == "ada" else WorkerJoined]
    assert not pages[log].is_gap


@short_log
def test_follow_tells_of_trimmed_events(ledger: Ledger) -> None:
    """A follower that fell behind the log is told, like any reader."""
    submit_many(ledger, 250)
    pages = ledger.follow({"ada": Cursor(ledger.head("ada").epoch, 5)}, timeout_s=5)
    assert pages["ada"].is_gap


@pytest.mark.parametrize("seq", [1, 2, 9])
def test_follow_tells_of_another_epoch(ledger: Ledger, seq: int) -> None:
    """A follower of a log that was lost does not wait for ever on the new one."""
    submit_many(ledger, 2)
    pages = ledger.follow({"ada": Cursor("an older log", seq)}, timeout_s=0.05)
    assert pages["ada"].is_gap
    assert pages["ada"].epoch == ledger.head("ada").epoch


def test_a_followed_page_knows_the_head(ledger: Ledger) -> None:
    """A follower far behind learns how far, also where one page does not hold it all."""
    submit_many(ledger, 700)
    page = ledger.follow({"ada": Cursor()}, timeout_s=5)["ada"]
    assert len(page.events) < 700
    assert page.head == 700


def test_an_accepted_job_is_read_by_all_followers(ledger: Ledger) -> None:
    """Several readers of one log see the same events, each at its own pace."""
    submit_many(ledger, 3)
    slow = ledger.read("ada", Cursor(), limit=1)
    quick = ledger.read("ada", Cursor())
    rest = ledger.read("ada", Cursor(slow.epoch, 1))
    assert slow.events + rest.events == quick.events
    assert {type(event) for event in quick.events} == {JobSubmitted}


def test_a_working_ledger_passes_its_check(ledger: Ledger) -> None:
    """`check` returns where the ledger can be read and written."""
    ledger.check()


@pytest.mark.parametrize("is_ahead", [True, False])
def test_a_log_restored_from_an_older_copy_begins_anew(
    ledger: Ledger, submit: Submit, events: Any, is_ahead: bool
) -> None:
    """A reader holds another event at its place; all readers are told, by another epoch."""
    for _ in range(3):
        submit()
    epoch, read = ledger.head("ada").epoch, events()[1]
    same = Cursor(epoch, read.seq, read.at)
    assert not ledger.read("ada", same).is_gap
    other = Cursor(epoch, 9, read.at) if is_ahead else Cursor(epoch, read.seq, read.at + 1)
    page = ledger.read("ada", other)
    assert (page.is_gap, page.events, page.head) == (True, (), 3)
    assert page.epoch not in ("", epoch)
    # To the new log the old cursors mean nothing more, right or wrong; its count goes on.
    assert ledger.read("ada", same).is_gap
    assert ledger.read("ada", other).epoch == page.epoch
    submit()
    [event] = ledger.read("ada", Cursor(page.epoch, 3)).events
    assert event.seq == 4


def test_an_event_that_is_not_there_is_no_other_event(ledger: Ledger, submit: Submit) -> None:
    """What was trimmed cannot be compared; a gap is told by the count."""
    submit()
    head = ledger.head("ada")
    page = ledger.read("ada", Cursor(head.epoch, 0, 5))
    assert (page.is_gap, page.epoch) == (False, head.epoch)

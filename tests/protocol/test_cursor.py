"""A reader has the whole log in the end, whatever the way lost, doubled or mixed up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskkit.protocol.cursor import Cursor, Received
from taskkit.protocol.events import Event, OutputWritten

EPOCH, OLD = "e2", "e1"

Receive = Callable[[Cursor, str, Sequence[Event]], Received]


@dataclass(frozen=True)
class Delivery:
    """A stretch of a log as the way brings it."""

    epoch: str
    start: int
    stop: int


def log(epoch: str, length: int) -> tuple[Event, ...]:
    """Return a log whose events tell its epoch."""
    return tuple(
        OutputWritten(seq=seq, job="j", text=f"{epoch} {seq}") for seq in range(1, length + 1)
    )


def deliveries(length: int) -> st.SearchStrategy[list[Delivery]]:
    """Draw stretches that overlap, leave holes, come in any order and from an older log."""
    ends = st.tuples(st.integers(0, length), st.integers(0, length)).map(sorted)
    epochs = st.sampled_from([EPOCH, EPOCH, EPOCH, OLD])
    one = st.builds(lambda epoch, pair: Delivery(epoch, *pair), epochs, ends)
    return st.lists(one, max_size=8)


def read_all(
    receive: Receive, events: tuple[Event, ...], old: tuple[Event, ...], way: list[Delivery]
) -> list[Event]:
    """Return what a reader holds that takes every delivery, resumes at gaps and at the end."""
    cursor, held = Cursor(EPOCH, 0), list[Event]()
    for delivery in way:
        source = events if delivery.epoch == EPOCH else old
        received = receive(cursor, delivery.epoch, source[delivery.start : delivery.stop])
        if received.is_gap:
            received = receive(cursor, EPOCH, events[cursor.seq : delivery.stop])
        cursor = received.cursor
        held += received.fresh
        assert held == list(events[: len(held)]), "what is held is not a beginning of the log"
        assert cursor == Cursor(EPOCH, len(held)), "the cursor is not where the reader is"
    received = receive(cursor, EPOCH, events[cursor.seq :])
    return held + list(received.fresh)


def assert_no_way_harms(receive: Receive, *, examples: int = 300) -> None:
    """Fail unless, on every way, the reader ends with exactly the log."""

    @settings(max_examples=examples, database=None, derandomize=True, report_multiple_bugs=False)
    @given(st.integers(0, 9).flatmap(lambda n: st.tuples(st.just(n), deliveries(n))))
    def property_of(drawn: tuple[int, list[Delivery]]) -> None:
        length, way = drawn
        events = log(EPOCH, length)
        assert read_all(receive, events, log(OLD, length), way) == list(events)

    property_of()


def test_no_way_harms_a_reader() -> None:
    """Loss, duplicates, another order and another epoch: the list received equals the log."""
    assert_no_way_harms(Cursor.receive)


def without_dropping_duplicates(cursor: Cursor, epoch: str, events: Sequence[Event]) -> Received:
    """Take events again that were read before."""
    if epoch != cursor.epoch or (events and events[0].seq > cursor.seq + 1):
        return Received(cursor, (), is_gap=True)
    if not events:
        return Received(cursor, (), is_gap=False)
    return Received(Cursor(epoch, events[-1].seq), tuple(events), is_gap=False)


def without_seeing_holes(cursor: Cursor, epoch: str, events: Sequence[Event]) -> Received:
    """Take what comes after a hole."""
    fresh = tuple(event for event in events if event.seq > cursor.seq)
    if epoch != cursor.epoch or not fresh:
        return Received(cursor, (), is_gap=epoch != cursor.epoch)
    return Received(Cursor(epoch, fresh[-1].seq), fresh, is_gap=False)


def without_looking_at_the_epoch(cursor: Cursor, epoch: str, events: Sequence[Event]) -> Received:
    """Take another log's events for those of this one."""
    return cursor.receive(cursor.epoch, events)


def without_moving_on(cursor: Cursor, epoch: str, events: Sequence[Event]) -> Received:
    """Take events and stay where the reader was."""
    received = cursor.receive(epoch, events)
    return Received(cursor, received.fresh, received.is_gap)


@pytest.mark.parametrize(
    "receive",
    [
        without_dropping_duplicates,
        without_seeing_holes,
        without_looking_at_the_epoch,
        without_moving_on,
    ],
)
def test_a_broken_cursor_fails_the_property(receive: Receive) -> None:
    """The property catches a cursor that lacks any one of its four rules."""
    with pytest.raises(AssertionError):
        assert_no_way_harms(receive)


def test_a_gap_takes_nothing() -> None:
    """Behind a hole, or from another epoch, the reader stays where it is."""
    cursor = Cursor(EPOCH, 2)
    behind_a_hole = cursor.receive(EPOCH, log(EPOCH, 5)[3:])
    assert behind_a_hole == Received(cursor, (), is_gap=True)
    assert cursor.receive(OLD, log(OLD, 5)) == Received(cursor, (), is_gap=True)


def test_only_the_new_is_taken() -> None:
    """Of an overlapping stretch the reader takes the end, and stands there."""
    events = log(EPOCH, 5)
    received = Cursor(EPOCH, 2).receive(EPOCH, events)
    assert received == Received(Cursor(EPOCH, 5), events[2:], is_gap=False)
    assert received.cursor.receive(EPOCH, events).fresh == ()

"""A job's output as it comes: nothing twice, nothing silently left out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cli_records import record
from hypothesis import given
from hypothesis import strategies as st

from taskkit.cli.stream import ForFile, ForTerminal, Piece, Reader, harmless
from taskkit.protocol.jobs import OUTPUT_TAIL_CHARS, AttemptEnd, JobState, PastAttempt

LOST = PastAttempt(attempt=1, end=AttemptEnd.LOST, cause="killed by signal 9", at=0)


def test_each_record_tells_what_is_new_of_it() -> None:
    """An older one, or the same again, tells nothing."""
    reader = Reader()
    first, second = record(seq=3, output="a\n"), record(seq=5, output="a\nb\n")
    assert reader.take(first) == [Piece("a\n")]
    assert reader.take(second) == [Piece("b\n")]
    assert reader.take(second) == []
    assert reader.take(first) == []
    assert reader.take(record(seq=7, output="a\nb\nc\n")) == [Piece("c\n")]


def test_a_new_attempt_begins_anew_and_is_told_why() -> None:
    """What the first one printed last is told before its end."""
    reader = Reader()
    reader.take(record(seq=1, output="a\n"))
    ended = record(JobState.QUEUED, seq=3, attempt=1, output="a\nb\n", past_attempts=(LOST,))
    assert reader.take(ended) == [
        Piece("b\n"),
        Piece("attempt 1 was lost: killed by signal 9", is_note=True),
    ]
    again = record(seq=5, attempt=2, output="a\n", past_attempts=(LOST,))
    assert reader.take(again) == [Piece("a\n")]


def test_an_attempt_that_ended_unseen_is_told_before_the_next_ones_output() -> None:
    """The client was away meanwhile."""
    reader = Reader()
    reader.take(record(seq=1, output="a\n"))
    told = reader.take(record(seq=9, attempt=2, output="again\n", past_attempts=(LOST,)))
    assert [piece.text for piece in told][1:] == ["again\n"]
    assert told[0].is_note


def test_what_is_not_kept_any_more_is_counted() -> None:
    """The rest of a line that was cut is left out with it."""
    reader = Reader()
    told = reader.take(record(seq=1, output="f a line\nb\n", output_dropped_chars=100))
    assert told == [
        Piece("109 characters before this are not kept any more", is_note=True),
        Piece("b\n"),
    ]
    [new] = reader.take(record(seq=2, output="b\nc\n", output_dropped_chars=109))
    assert new == Piece("c\n")


@given(st.lists(st.text(st.characters(codec="ascii"), max_size=40), max_size=20), st.data())
def test_pieces_together_are_the_output(writes: list[str], data: st.DataObject) -> None:
    """However many events are folded in between two looks."""
    reader, seen, whole = Reader(), "", ""
    base = record(seq=0)
    for seq, text in enumerate(writes, start=1):
        whole += text
        if data.draw(st.booleans()) or seq == len(writes):
            for piece in reader.take(replace(base, seq=seq, output=whole)):
                seen += piece.text
    assert seen == whole
    assert len(whole) < OUTPUT_TAIL_CHARS


def test_a_terminal_gets_colours_and_moves_and_nothing_else() -> None:
    """No title, no clipboard, no other screen, no hidden cursor, no bell."""
    job_s = "\x1b[1;32mok\x1b[0m\r\x1b[2K\x1b[1A"
    strings = "\x1b]0;title\x07\x1b]52;c;aGk=\x1b\\"
    rest = strings + "\x1b[?1049h\x1b[?25l\x07\x1bc\x1b[5n\x9b?25l\x1b[>4;1m"
    assert harmless(job_s + rest + "end") == f"{job_s}end"


CODED = "a\x1b[1;31mred\x1b[0m\x1b]0;title\x07\x1b[2Kb\r\x1b[?25lc\n"


@pytest.mark.parametrize("cut", range(len(CODED)))
def test_a_sequence_that_comes_in_two_parts_is_one(cut: int) -> None:
    """Wherever it is cut."""
    sink = ForTerminal()
    written = sink.take(CODED[:cut]) + sink.take(CODED[cut:])
    assert written + sink.rest() == "a\x1b[1;31mred\x1b[0m\x1b[2Kb\rc\n\x1b[0m"


@pytest.mark.parametrize("cut", range(20))
def test_a_file_gets_whole_lines_as_a_terminal_leaves_them(cut: int) -> None:
    """A bar that was drawn a hundred times is one line."""
    text = "\x1b[32m 0%\r50%\r100%\x1b[0m\n\ndone"
    sink = ForFile()
    parts = [sink.take(part) for part in (text[:cut], text[cut:])]
    assert "".join(parts) + sink.rest() == "100%\n\ndone\n"
    assert all(not part or part.endswith("\n") for part in parts)


def test_no_line_is_lost_between_two_pieces() -> None:
    """An empty one neither."""
    lines = ["a", "", "", "b", " c", ""]
    sink = ForFile()
    written = "".join(sink.take(f"{line}\n") for line in lines)
    assert written + sink.rest() == "a\n\n\nb\n c\n\n"

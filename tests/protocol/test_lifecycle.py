"""One table says what moves a job, and one reducer follows it."""

from __future__ import annotations

import runpy
from dataclasses import replace
from pathlib import Path

import pytest
from event_samples import event_of
from hypothesis import given
from hypothesis import strategies as st

from taskkit.protocol.events import (
    EVENTS,
    AttemptFailed,
    AttemptLost,
    AttemptReturned,
    AttemptStarted,
    CurvesReported,
    Event,
    FiguresDisplayed,
    JobCancelled,
    JobFailed,
    JobSubmitted,
    JobSucceeded,
    OutputWritten,
    ProgressReported,
    UsageReported,
)
from taskkit.protocol.jobs import (
    ACTIVE,
    FINAL,
    OUTPUT_TAIL_CHARS,
    AttemptEnd,
    Bar,
    Curve,
    ErrorInfo,
    Figure,
    JobRecord,
    JobState,
    PastAttempt,
    Progress,
    ResultInfo,
    Usage,
)
from taskkit.protocol.lifecycle import TRANSITIONS, apply, submitted

ROOT = Path(__file__).parents[2]

RESULT = ResultInfo(media_type="application/json", size_bytes=1)
ERROR = ErrorInfo(type="ValueError", message="no")
CURVE = Curve(name="loss", x=(1, 2), y=(0.5, None))
FIGURE = Figure(name="1", media_type="image/png", size_bytes=3, digest="ab", text="<Figure>")
BAR = Bar(name="fold", done=1, total=5)
USAGE = Usage(memory_bytes=10, peak_bytes=20, cores=0.5)
HAPPENS: dict[str, Event] = {kind: event_of(kind) for kind in TRANSITIONS} | {
    event.type: event
    for event in (
        AttemptStarted(attempt=1, worker="w1"),
        ProgressReported(done=1, total=2, message="half"),
        CurvesReported(curves=(CURVE,)),
        FiguresDisplayed(figures=(FIGURE,)),
        UsageReported(usage=USAGE),
        OutputWritten(text="a line\n"),
        AttemptLost(attempt=1, cause="killed"),
        AttemptReturned(attempt=1, cause="stopped"),
        AttemptFailed(attempt=1, error=ERROR, retry_at=5),
        JobSucceeded(result=RESULT),
        JobFailed(error=ERROR),
        JobCancelled(),
    )
}


@st.composite
def histories(draw: st.DrawFn) -> tuple[JobRecord, list[Event]]:
    """Draw a job's first record and a log that a ledger could have written after it."""
    first = submitted(JobSubmitted(seq=1, at=1, job="j", task="demo"))
    state, seq, log = first.state, 1, list[Event]()
    for _ in range(draw(st.integers(0, 12))):
        allowed = sorted(kind for kind, row in TRANSITIONS.items() if state in row)
        if not allowed:
            break
        kind = draw(st.sampled_from(allowed))
        seq += draw(st.integers(1, 3))
        log.append(replace(HAPPENS[kind], seq=seq, at=seq * 10, job="j"))
        state = TRANSITIONS[kind][state]
    return first, log


def folded(record: JobRecord, log: list[Event]) -> JobRecord:
    """Return a record with a stretch of its log folded in."""
    for event in log:
        record = apply(record, event)
    return record


@given(histories(), st.data())
def test_an_overlapping_stretch_of_the_log_changes_nothing(
    history: tuple[JobRecord, list[Event]], data: st.DataObject
) -> None:
    """A snapshot and any earlier stretch of the log together give the same record."""
    first, log = history
    whole = folded(first, log)
    seen = data.draw(st.integers(0, len(log)))
    again = data.draw(st.integers(0, seen))
    assert folded(folded(first, log[:seen]), log[again:]) == whole
    assert folded(whole, log) == whole


@given(histories())
def test_a_record_stands_where_its_log_ends(history: tuple[JobRecord, list[Event]]) -> None:
    """The seq is that of the last event, and a final record has the time of its end."""
    first, log = history
    record = folded(first, log)
    assert record.seq == (log[-1].seq if log else 1)
    assert (record.finished_at is not None) == record.is_final


@pytest.mark.parametrize("state", sorted(FINAL))
@pytest.mark.parametrize("kind", sorted(TRANSITIONS))
def test_nothing_follows_a_final_state(state: JobState, kind: str) -> None:
    """Every event that could change a job is refused by one that is final."""
    record = JobRecord(id="j", task="demo", state=state, seq=5)
    with pytest.raises(ValueError, match=f"{kind} cannot follow {state}"):
        apply(record, replace(HAPPENS[kind], seq=6, job="j"))


@pytest.mark.parametrize("state", sorted(ACTIVE))
@pytest.mark.parametrize("kind", sorted(TRANSITIONS))
def test_apply_does_what_the_table_says(state: JobState, kind: str) -> None:
    """Listed, an event leads to the state beside it; not listed, it is refused."""
    record = JobRecord(id="j", task="demo", state=state, seq=5)
    event = replace(HAPPENS[kind], seq=6, job="j")
    if state in TRANSITIONS[kind]:
        assert apply(record, event).state is TRANSITIONS[kind][state]
    else:
        with pytest.raises(ValueError, match="cannot follow"):
            apply(record, event)


def test_the_table_names_every_event_that_changes_a_job() -> None:
    """What is not in it begins a job or is about workers."""
    outside = set(EVENTS) - set(TRANSITIONS)
    assert outside == {"job_submitted", "worker_joined", "worker_left"}
    assert set(TRANSITIONS) < set(EVENTS)


def test_every_state_is_reached() -> None:
    """From `QUEUED` the table leads to all states, and from each active one to all final ones."""
    steps = {(b, a) for row in TRANSITIONS.values() for b, a in row.items()}
    reached = {JobState.QUEUED}
    for _ in JobState:
        reached |= {after for before, after in steps if before in reached}
    assert reached == set(JobState)
    assert {after for _, after in steps if after in FINAL} == FINAL


@pytest.mark.parametrize("state", sorted(JobState))
def test_an_unknown_event_only_moves_the_place(state: JobState) -> None:
    """A reader older than the ledger keeps counting."""
    record = JobRecord(id="j", task="demo", state=state, seq=5)
    assert apply(record, Event(seq=6, job="j")) == replace(record, seq=6)


def test_a_submission_begins_a_record() -> None:
    """The event alone says everything that the first record has."""
    record = submitted(JobSubmitted(seq=3, at=70, job="j", task="demo"))
    assert record == JobRecord(id="j", task="demo", seq=3, created_at=70)
    assert record.state is JobState.QUEUED


def test_a_job_is_told_by_its_events() -> None:
    """A whole life: an attempt that dies, one that succeeds, and what each leaves behind."""
    log: list[Event] = [
        AttemptStarted(seq=2, at=20, job="j", attempt=1, worker="w1"),
        OutputWritten(seq=3, at=30, job="j", text="first\n"),
        ProgressReported(seq=4, at=40, job="j", done=1, total=2, message="half", bars=(BAR,)),
        CurvesReported(seq=5, at=42, job="j", curves=(CURVE,)),
        UsageReported(seq=6, at=44, job="j", usage=USAGE),
        FiguresDisplayed(seq=7, at=46, job="j", figures=(FIGURE,)),
        AttemptLost(seq=8, at=50, job="j", attempt=1, cause="killed"),
        AttemptStarted(seq=9, at=60, job="j", attempt=2, worker="w2"),
        OutputWritten(seq=10, at=70, job="j", text="second\n"),
        JobSucceeded(seq=11, at=80, job="j", result=RESULT),
    ]
    first = submitted(JobSubmitted(seq=1, at=10, job="j", task="demo"))
    running = folded(first, log[:6])
    assert (running.curves, running.usage) == ((CURVE,), USAGE)
    assert running.figures == (FIGURE,)
    assert running.progress == Progress(done=1, total=2, message="half", bars=(BAR,))
    assert (running.output, running.started_at) == ("first\n", 20)
    assert folded(first, log[:7]).started_at is None
    assert folded(first, log) == JobRecord(
        id="j",
        task="demo",
        state=JobState.SUCCEEDED,
        seq=11,
        created_at=10,
        started_at=60,
        finished_at=80,
        attempt=2,
        worker="w2",
        output="second\n",
        result=RESULT,
        past_attempts=(PastAttempt(attempt=1, end=AttemptEnd.LOST, cause="killed", at=50),),
    )


def test_each_end_of_an_attempt_is_told_apart() -> None:
    """What died, what raised and what was given back; a failed one says when it is tried again."""
    log: list[Event] = []
    for number, end in enumerate(
        (
            AttemptLost(attempt=1, cause="killed"),
            AttemptReturned(attempt=2, cause="stopped"),
            AttemptFailed(attempt=3, error=ErrorInfo(type="E", message="no\nmore"), retry_at=99),
        ),
        start=1,
    ):
        started = AttemptStarted(attempt=number, worker="w")
        log += (replace(started, seq=2 * number), replace(end, seq=2 * number + 1, at=7))
    waiting = folded(submitted(JobSubmitted(seq=1, job="j", task="demo")), log)
    assert waiting.past_attempts == (
        PastAttempt(attempt=1, end=AttemptEnd.LOST, cause="killed", at=7),
        PastAttempt(attempt=2, end=AttemptEnd.RETURNED, cause="stopped", at=7),
        PastAttempt(attempt=3, end=AttemptEnd.FAILED, cause="E: no", at=7),
    )
    assert (waiting.state, waiting.retry_at) == (JobState.QUEUED, 99)
    assert apply(waiting, AttemptStarted(seq=9, attempt=4, worker="w")).retry_at is None
    assert apply(waiting, JobCancelled(seq=9)).retry_at is None


@given(st.lists(st.integers(0, OUTPUT_TAIL_CHARS + 10), max_size=5))
def test_a_record_keeps_the_end_of_its_output(lengths: list[int]) -> None:
    """No more than the tail is kept, and what was dropped is counted."""
    record = JobRecord(id="j", task="demo", state=JobState.RUNNING)
    whole = ""
    for number, length in enumerate(lengths, start=1):
        text = chr(ord("a") + number) * length
        whole += text
        record = apply(record, OutputWritten(seq=number, job="j", text=text))
    assert record.output == whole[-OUTPUT_TAIL_CHARS:]
    assert record.output_dropped_chars + len(record.output) == len(whole)


@pytest.mark.parametrize(
    ("done", "total", "fraction"),
    [(1, 4, 0.25), (5, 4, 1.0), (-1, 4, 0.0), (3, None, None), (3, 0, None)],
)
def test_a_fraction_stays_within_its_bounds(
    done: float, total: float | None, fraction: float | None
) -> None:
    """A bar is never overfull, and there is none without a total."""
    assert Progress(done=done, total=total).fraction == fraction


def test_the_drawn_states_are_those_of_the_table() -> None:
    """The page in docs is what `tools/state_diagram.py` makes of the table now."""
    drawn = runpy.run_path(str(ROOT / "tools" / "state_diagram.py"))["render"]()
    assert (ROOT / "docs" / "state-machine.md").read_text("utf-8") == drawn

"""What a job's own process may say, and what it may not."""

from __future__ import annotations

import json
from base64 import b64encode
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskkit.protocol import wire
from taskkit.protocol.events import (
    CurvesReported,
    Event,
    FiguresDisplayed,
    JobFailed,
    JobSucceeded,
    OutputWritten,
    ProgressReported,
    UsageReported,
)
from taskkit.protocol.jobs import Bar, Curve, ErrorInfo, Figure, ResultInfo, Table, Usage
from taskkit.travel.outgoing import Outgoing
from taskkit_worker.box.frames import Frame, GarbledError, Says
from taskkit_worker.box.hearsay import Hearsay, ending
from taskkit_worker.outcome import failure, success
from taskkit_worker.output import CHUNK_BYTES

EVENTS = [
    ProgressReported(done=1, total=2.5, message="so far", bars=(Bar(name="inner", done=1),)),
    CurvesReported(curves=(Curve(name="loss", x=(1, 2), y=(0.5, None)),)),
    FiguresDisplayed(
        figures=(
            Figure(name="1", media_type="image/png", size_bytes=3, digest="ab" * 32, text="it"),
        )
    ),
    UsageReported(usage=Usage(memory_bytes=1, peak_bytes=2, cores=0.5)),
    OutputWritten(text="plain\n"),
]


def said(event: Event) -> dict[str, Any]:
    """Return an event as a job's process says it."""
    told = wire.event_to_wire(event)
    return {"type": told["type"], "data": json.loads(json.dumps(told["data"]))}


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_what_an_attempt_says_is_heard_as_it_is(event: Event) -> None:
    """Numbers stay of their type."""
    [heard] = Hearsay().events([said(event)])
    assert heard == event
    assert repr(heard) == repr(event)


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {},
        [1],
        [{"type": "progress_reported"}],
        [{"type": ["progress_reported"], "data": {}}],
        [{"type": "job_succeeded", "data": {}}],
        [{"type": "attempt_lost", "data": {"attempt": 1, "cause": "no"}}],
        [{"type": "worker_left", "data": {"worker": "w", "reason": "r"}}],
        [{"type": "progress_reported", "data": {"done": "1"}}],
        [{"type": "progress_reported", "data": {"done": None}}],
        [{"type": "progress_reported", "data": {"done": 1, "message": 5}}],
        [{"type": "progress_reported", "data": {"done": 1, "message": "x" * 5000}}],
        [{"type": "progress_reported", "data": {"done": 1, "bars": [{"name": {}, "done": 1}]}}],
        [{"type": "progress_reported", "data": {"done": 1}, "seq": 7}],
        [{"type": "output_written", "data": {"text": "x" * 2 * CHUNK_BYTES}}],
        [{"type": "curves_reported", "data": {"curves": [{"name": "a", "x": [1], "y": ["b"]}]}}],
        [said(CurvesReported(curves=(Curve(name="a", x=(1,) * 9999, y=(1,)),)))],
        [said(CurvesReported(curves=(Curve(name="a", x=(1,), y=(1,)),) * 13))],
        [said(FiguresDisplayed(figures=(Figure(name="1", media_type="x", size_bytes=1),) * 9))],
        [
            said(
                FiguresDisplayed(
                    figures=(Figure(name="1", media_type="x", size_bytes=1, digest="../x"),)
                )
            )
        ],
        [said(UsageReported(usage=Usage(memory_bytes=10**2000, peak_bytes=1, cores=1)))],
        [said(EVENTS[0])] * 17,
    ],
)
def test_what_is_not_for_it_to_say_is_refused(wrong: Any) -> None:
    """Of another kind, of another form, or larger than a worker's own would be."""
    with pytest.raises(GarbledError):
        Hearsay().events(wrong)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(JSON, JSON)
def test_any_json_is_heard_or_refused(data: Any, outcome: Any) -> None:
    """And nothing else is raised."""
    for kind in ("progress_reported", "curves_reported", "figures_displayed", "usage_reported"):
        with suppress(GarbledError):
            Hearsay().events([{"type": kind, "data": data}])
    with suppress(GarbledError):
        ending(Frame(Says.RESULT, {"outcome": outcome, "is_retryable": data, "blobs": data}))


def test_too_much_output_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond what is kept of one attempt."""
    monkeypatch.setattr("taskkit_worker.box.hearsay.LIMIT_BYTES", 100_000)
    hearsay = Hearsay()
    batch = [said(OutputWritten(text="x" * 60_000))]
    for _ in range(6):
        hearsay.events(batch)
    with pytest.raises(GarbledError, match="writes more"):
        hearsay.events(batch)


def result(value: Any) -> Frame:
    """Return what is said of a job that returned this."""
    outcome, stored = success(value, Outgoing(None))
    assert stored is not None
    facts = {
        "outcome": said(outcome),
        "is_retryable": False,
        "media_type": stored.media_type,
        "blobs": list(stored.blobs),
    }
    return Frame(Says.RESULT, facts, stored.body)


@pytest.mark.parametrize("value", [5, {"a": [1, 2]}, b"raw", "x" * 10_000, {1, 2}])
def test_a_result_is_taken_as_it_is(value: Any) -> None:
    """JSON or pickle, inline or not."""
    outcome, stored = success(value, Outgoing(None))
    assert ending(result(value))[:3] == (outcome, stored, False)


def test_a_failure_is_taken_as_it_is() -> None:
    """The exception stays a pickle, which nobody here loads."""
    outcome, stored = failure(ValueError("no"))
    assert stored is not None
    facts = {
        "outcome": said(outcome),
        "is_retryable": True,
        "media_type": stored.media_type,
        "blobs": [],
    }
    assert ending(Frame(Says.RESULT, facts, stored.body))[:3] == (outcome, stored, True)


@pytest.mark.parametrize(
    ("change", "body"),
    [
        ({"media_type": "text/html"}, None),
        ({"media_type": None}, None),
        ({"is_retryable": 1}, None),
        ({"blobs": ["../../etc/passwd"]}, None),
        ({"blobs": "ab" * 32}, None),
        ({}, b"6"),
        ({}, b"no JSON"),
        ({"outcome": said(EVENTS[0])}, None),
        ({"outcome": {"type": "job_cancelled", "data": {}}}, None),
    ],
)
def test_an_ending_that_is_none_is_refused(change: dict[str, Any], body: bytes | None) -> None:
    """Also where what is told of the result is not so."""
    frame = result(5)
    wrong = Frame(frame.kind, {**frame.facts, **change}, frame.body if body is None else body)
    with pytest.raises(GarbledError):
        ending(wrong)


@pytest.mark.parametrize(
    "info",
    [
        ResultInfo(media_type=wire.JSON, size_bytes=99, preview="5"),
        ResultInfo(media_type=wire.PICKLE, size_bytes=1, preview="5"),
        ResultInfo(media_type=wire.JSON, size_bytes=1, preview="5" * 9999),
        ResultInfo(media_type=wire.JSON, size_bytes=1, inline=b64encode(b"7").decode()),
        ResultInfo(
            media_type=wire.JSON,
            size_bytes=1,
            table=Table(columns=("a",), rows=(("1",),) * 50, all_columns=1, all_rows=50),
        ),
    ],
)
def test_what_is_told_of_a_result_must_be_so(info: ResultInfo) -> None:
    """Its size, its kind, itself; and not more than is shown."""
    frame = result(5)
    told = said(JobSucceeded(result=info))
    with pytest.raises(GarbledError):
        ending(Frame(frame.kind, {**frame.facts, "outcome": told}, frame.body))


def test_a_failure_is_told_in_no_more_words_than_others() -> None:
    """An hour's traceback is none."""
    error = ErrorInfo(type="E", message="m", traceback="x" * 200_000)
    facts = {"outcome": said(JobFailed(error=error)), "is_retryable": False, "media_type": None}
    with pytest.raises(GarbledError):
        ending(Frame(Says.RESULT, {**facts, "blobs": []}))

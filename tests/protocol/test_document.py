"""docs/protocol.md says all that a client in another language must know."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from event_samples import quiet

from taskkit.protocol import PROTOCOL_VERSION
from taskkit.protocol.errors import BY_CODE
from taskkit.protocol.events import EVENTS, Event
from taskkit.protocol.jobs import OUTPUT_TAIL_CHARS, ErrorInfo, Figure, JobRecord, ResultInfo
from taskkit.protocol.lifecycle import TRANSITIONS
from taskkit.protocol.spec import INLINE_RESULT_BYTES

TEXT = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
LOGS = TEXT.partition("## Logs")[2].partition("\n## ")[0]
ROWS = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", LOGS, re.MULTILINE))
HEAD = {field.name for field in fields(Event)}


@pytest.mark.parametrize("kind", EVENTS)
def test_every_event_is_there_with_all_that_it_carries(kind: str) -> None:
    """Who adds a field says it to other languages, too."""
    named = set(re.findall(r"\w+", ROWS[kind]))
    assert {field.name for field in fields(EVENTS[kind])} - HEAD <= named


def test_what_events_hold_is_there_whole() -> None:
    """The parts of a result, of an error, of a figure."""
    for kind, part in [
        ("job_succeeded", ResultInfo),
        ("job_failed", ErrorInfo),
        ("attempt_failed", ErrorInfo),
        ("figures_displayed", Figure),
    ]:
        assert {field.name for field in fields(part)} <= set(re.findall(r"\w+", ROWS[kind])), kind


def test_every_code_of_an_error_is_there() -> None:
    """Those that travel, by HTTP or in words."""
    unsaid = {"error", "service_error", "misconfigured", "cannot_travel", "not_reachable"}
    unsaid |= {"undecodable", "job_lost", "dependency_failed", "job_timed_out", "remote_error"}
    unsaid |= {"study_not_found", "study_changed", "cell_failed"}
    assert {code for code in BY_CODE if f"`{code}`" not in TEXT} <= unsaid


def test_what_events_change_of_a_record_is_there() -> None:
    """Who keeps records current by events knows all of their fields."""
    said = TEXT.partition("## Records")[2].partition("\n## ")[0]
    never = {"id", "task", "options", "after"}
    assert {f.name for f in fields(JobRecord) if f"`{f.name}`" not in said} <= never
    assert {kind for kind in TRANSITIONS if f"`{kind}`" not in said} <= quiet()


def test_its_numbers_are_those_of_the_code() -> None:
    """The protocol's, what travels inline, how much output a record keeps."""
    assert f"It is {PROTOCOL_VERSION}" in TEXT
    assert f"{INLINE_RESULT_BYTES:,} bytes" in TEXT
    assert f"{OUTPUT_TAIL_CHARS:,} characters" in TEXT

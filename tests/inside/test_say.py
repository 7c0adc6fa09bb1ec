"""`say`: what new verbs of a job stand on."""

from __future__ import annotations

import pytest
from hearing import Hearing

from taskkit.inside.place import listening
from taskkit.inside.say import say
from taskkit.protocol.events import FACT_CHARS, JobCancelled, OutputWritten, ProgressReported


def test_a_fact_goes_to_who_listens_as_it_is() -> None:
    """In order; outside of a job it goes nowhere."""
    facts = [OutputWritten(text="a"), ProgressReported(done=1.5)]
    say(OutputWritten(text="nobody hears it"))
    with listening(hearing := Hearing()):
        for fact in facts:
            say(fact)
    assert hearing.facts == facts


def test_what_no_job_may_say_is_refused_where_it_is_said() -> None:
    """Whether a job runs or not: its end, what is too long, and a number that JSON has not."""
    with listening(hearing := Hearing()):
        with pytest.raises(TypeError, match="says no JobCancelled"):
            say(JobCancelled())
        with pytest.raises(ValueError, match=r"output_written has .* may have 2000"):
            say(OutputWritten(text="x" * FACT_CHARS))
        for number in (float("nan"), float("inf")):
            with pytest.raises(ValueError, match="JSON knows no such number"):
                say(ProgressReported(done=number))
    assert hearing.facts == []

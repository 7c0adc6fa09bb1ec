"""What panels say of results that were there before, and of calls that are run again."""

from __future__ import annotations

import pytest

from taskkit.panels.recalled import batch_recall_text, recall_text, rerun_text
from taskkit.panels.render import picture
from taskkit.protocol.identity import Change, Rerun
from taskkit.protocol.jobs import JobRecord, JobState

AT = 1_795_000_000_000
DAY = 86_400_000


def done(**said: object) -> JobRecord:
    """Return the record of a job that has succeeded."""
    known = {"id": "a" * 32, "task": "fit", "state": JobState.SUCCEEDED, "finished_at": AT}
    return JobRecord(**{**known, "started_at": AT - 5000, **said})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("part", "before", "now", "words"),
    [
        ("global:alpha", "1", "2", "`alpha` changed"),
        ("global:config.ALPHA", "1", "2", "`config.ALPHA` changed"),
        ("code:helper", "1", "2", "the code of `helper` changed"),
        ("code:Tool.use", "", "2", "the code of `Tool.use` is new"),
        ("class:Tool", "1", "", "the class `Tool` is gone"),
        ("default:fit.alpha", "1", "2", "the default of `alpha` changed"),
        ("closure:fit.k", "1", "2", "`k` changed"),
        ("argument:x", "1", "2", "the argument `x` changed"),
        ("package:numpy", "2.0.1", "2.1.0", "numpy 2.0.1 → 2.1.0"),
        ("package:numpy", "", "2.1.0", "numpy 2.1.0 is new"),
        ("python:", "3.11", "3.12", "Python 3.11 → 3.12"),
        ("docs", "1", "2", "docstrings changed"),
    ],
)
def test_a_change_is_told_in_words(part: str, before: str, now: str, words: str) -> None:
    """By the name that its author knows."""
    change = Change(part=part, before=before, now=now)
    assert rerun_text(Rerun(changes=(change,))) == f"run again: {words}"


def test_a_rerun_says_one_reason() -> None:
    """Several changes in a row, what is beyond as a number; or that it was asked for."""
    changes = (Change(part="global:a", before="1", now="2"), Change(part="code:f", now="1"))
    told = rerun_text(Rerun(changes=changes, more=3))
    assert told == "run again: `a` changed, the code of `f` is new, 3 more"
    assert rerun_text(Rerun(is_renewed=True)) == "run again, as asked"
    assert rerun_text(Rerun(unsure="`f` uses `eval`")).endswith("cannot be told: `f` uses `eval`")


@pytest.mark.parametrize(
    ("passed_ms", "ago"),
    [
        (0, "just now"),
        (90_000, "1 min 30 s ago"),
        (DAY, "1 day ago"),
        (3 * DAY + 7_000_000, "3 days ago"),
    ],
)
def test_a_result_that_was_there_says_how_old_it_is(passed_ms: int, ago: str) -> None:
    """And of which time, for whoever reads the notebook later."""
    told = recall_text(done(is_recalled=True), AT + passed_ms).replace("\u00a0", " ")
    assert told.replace("\u202f", " ") == (
        f"from {ago} (2026-11-18 11:06 UTC): same code and arguments"
    )


def test_it_is_in_the_panel_and_in_the_line() -> None:
    """Of a job that nothing was asked of, nothing."""
    shown = picture("fit", [done(is_recalled=True)], now_ms=AT + DAY)
    assert "same code and arguments" in shown.html
    assert "same code and arguments" in shown.line
    rerun = Rerun(changes=(Change(part="global:<a>", before="1", now="2"),))
    shown = picture("fit", [done(rerun=rerun)], now_ms=AT)
    assert "`&lt;a&gt;` changed" in shown.html
    assert "`<a>` changed" in shown.line
    assert "again" not in picture("fit", [done()], now_ms=AT).html


def test_a_batch_counts_them() -> None:
    """What it knew, and the reasons why it runs others, the commonest two."""
    changed = [Rerun(changes=(Change(part=f"code:{name}", now="1"),)) for name in "aabbbc"]
    known = [done(is_recalled=True, rerun=Rerun(is_renewed=True)) for _ in range(3)]
    told = batch_recall_text([*known, *(done(rerun=why) for why in changed), done()])
    assert told == (
        "3 of 10 from before: same code and arguments; 3 run again: the code of `b` is new; "
        "2 run again: the code of `a` is new"
    )
    assert batch_recall_text([done()]) == ""

"""The checker asks all invariants, counts runs, and says what it saw."""

from __future__ import annotations

from chaos.checker import check
from chaos.facts import Entry, Finished, Ran
from chaos.spoil import with_more
from chaos.verdict import Runs


def test_a_clean_history_has_no_violations(history: list[Entry]) -> None:
    """And it names the accepted jobs in their order."""
    verdict = check(history)
    assert verdict.violations == (), str(verdict)
    assert verdict.jobs == ("a", "c", "b", "d")


def test_no_facts_are_a_clean_history() -> None:
    """Nothing was promised."""
    verdict = check([])
    assert (verdict.violations, verdict.jobs, verdict.worst_recovery_s) == ((), (), None)


def test_runs_are_counted(history: list[Entry]) -> None:
    """a lost an attempt, c failed within its task, b was cancelled before it began."""
    verdict = check(with_more(history, "job", Ran(job="x", attempt=1, pid=1, step="begin")))
    assert verdict.runs == {
        "a": Runs(2, 1),
        "b": Runs(0, 0),
        "c": Runs(1, 0),
        "d": Runs(1, 1),
        "x": Runs(1, 0),
    }


def test_a_verdict_reads_as_sentences(history: list[Entry]) -> None:
    """A failed assertion shows what was seen."""
    verdict = check(with_more(history, "late", Finished(job="d", state="succeeded")))
    assert str(verdict) == ("4 jobs, 1 violations\ndoubled: job d was concluded 2 times for late")

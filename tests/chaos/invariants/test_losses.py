"""Accepted jobs without an end are found."""

from __future__ import annotations

import pytest

from chaos.checker import check
from chaos.facts import Accepted, Entry, Finished, Forgotten
from chaos.spoil import dropped, one, with_more
from chaos.story import Story


def test_an_accepted_job_that_the_ledger_does_not_have_is_lost(history: list[Entry]) -> None:
    """Neither record nor end."""
    verdict = check(with_more(history, "late", Accepted(key="k", job="x")))
    assert one(verdict, "lost") == (
        "x",
        "job x was accepted for late, and the ledger does not have it",
    )


@pytest.mark.parametrize("state", ["queued", "running"])
def test_an_accepted_job_without_an_end_is_lost(state: str) -> None:
    """The ledger has it, and left it where it was."""
    story = Story()
    story.client("c", "ada")
    story.submit("a", "c")
    if state == "running":
        story.start("a")
    about, seen = one(check(story.end()), "lost")
    assert about == "a"
    assert seen == f"job a was accepted for c, and the ledger leaves it {state}"


def test_a_job_whose_client_never_saw_its_end_is_lost(history: list[Entry]) -> None:
    """Even where the ledger has the end."""
    verdict = check(
        dropped(history, lambda entry: entry.fact == Finished(job="d", state="succeeded"))
    )
    about, seen = one(verdict, "lost")
    assert about == "d"
    assert seen.endswith("has it succeeded, but late never saw it finished")


def test_each_client_that_had_it_accepted_must_see_the_end(history: list[Entry]) -> None:
    """One of two is not enough."""
    verdict = check(with_more(history, "early", Accepted(key="key of d", job="d")))
    about, seen = one(verdict, "lost")
    assert about == "d"
    assert "accepted for late, early" in seen
    assert "but early never saw" in seen


def test_a_job_that_is_gone_is_no_silent_loss_where_its_client_was_told() -> None:
    """It is counted apart; who was not told is a loss still."""
    accepted = Accepted(key="k", job="x")
    told = [Entry(1.0, "c", accepted), Entry(2.0, "c", Forgotten(job="x"))]
    verdict = check(told)
    assert (verdict.lost, verdict.forgotten) == ((), ("x",))
    about, seen = one(check([*told, Entry(3.0, "d", accepted)]), "lost")
    assert about == "x"
    assert "d was not told" in seen

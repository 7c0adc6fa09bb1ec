"""Histories of any shape: what is valid passes, and a spoilt view is always caught."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from chaos.checker import check
from chaos.facts import Entry, GapTold, Received
from chaos.story import Story

CLIENTS = {"c1": "ada", "c2": "ada", "c3": "bob"}
ACTIONS = (
    *("submit", "start", "progress", "lose", "finish", "worker"),
    *("away", "back", "miss", "fault"),
)

steps = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 11)), min_size=6, max_size=30)
few = settings(max_examples=150, deadline=None)


@st.composite
def histories(draw: st.DrawFn) -> list[Entry]:
    """Any run in which all was well: losses, absences, told gaps, late comers, trimmed logs."""
    story = Story()
    n = 0
    for client, owner in CLIENTS.items():
        story.client(client, owner)
        for action, choice in draw(steps):
            n += 1
            take(story, action, choice, f"job {n}")
    for job in story.jobs("queued"):
        story.finish(job, "job_cancelled")
    for job in story.jobs("running"):
        story.finish(job)
    return story.end(trim=draw(st.sampled_from([0, 0, 3])))


def take(story: Story, action: str, choice: int, new: str) -> None:
    """Take a step if it is possible now; `choice` says with which client or job."""
    client = story.clients[choice % len(story.clients)]
    jobs = story.jobs("queued" if action == "start" else "running")
    match action:
        case "submit":
            story.submit(new, client)
        case "worker":
            story.worker()
        case "fault":
            story.fault("f", is_over=bool(choice % 2))
        case "away":
            story.away(client)
        case "back":
            story.back(client, is_gap=bool(choice % 2))
        case "miss":
            story.away(client)
            story.worker()
            story.back(client, is_gap=True)
        case "finish" if jobs:
            kinds = ("job_succeeded", "job_failed", "job_cancelled")
            story.finish(jobs[choice % len(jobs)], kinds[choice % 3])
        case "start" | "progress" | "lose" if jobs:
            getattr(story, action)(jobs[choice % len(jobs)])


def views(history: list[Entry]) -> list[list[int]]:
    """Return for each client and log where in the history its events and told gaps are."""
    found: dict[tuple[str, str], list[int]] = {}
    for index, (_, who, fact) in enumerate(history):
        if isinstance(fact, Received | GapTold):
            found.setdefault((who, fact.epoch), []).append(index)
    return list(found.values())


@few
@given(histories())
def test_valid_histories_pass(history: list[Entry]) -> None:
    """Whatever happened in them."""
    verdict = check(history)
    assert verdict.violations == (), str(verdict)


@few
@given(histories(), st.data())
def test_a_dropped_event_is_caught(history: list[Entry], data: st.DataObject) -> None:
    """Any but one that a told gap covers: it cannot be known whether the client had it."""
    indices = [
        here
        for view in views(history)
        for here, after in zip(view, [*view[1:], None], strict=True)
        if isinstance(history[here].fact, Received)
        and not (after and isinstance(history[after].fact, GapTold))
    ]
    assume(indices)
    entry = history.pop(data.draw(st.sampled_from(indices)))
    assert entry.who in {violation.about for violation in check(history).gaps}


@few
@given(histories(), st.data())
def test_a_repeated_event_is_caught(history: list[Entry], data: st.DataObject) -> None:
    """At once or at any time later."""
    indices = [n for n, entry in enumerate(history) if isinstance(entry.fact, Received)]
    assume(indices)
    index = data.draw(st.sampled_from(indices))
    entry = history[index]
    history.insert(data.draw(st.integers(index + 1, len(history))), entry)
    assert {violation.about for violation in check(history).gaps} == {entry.who}


@few
@given(histories(), st.data())
def test_swapped_events_are_caught(history: list[Entry], data: st.DataObject) -> None:
    """Any two of one log, for one client."""
    all_received = [
        [index for index in view if isinstance(history[index].fact, Received)]
        for view in views(history)
    ]
    pairs = [
        (one, other) for view in all_received for n, one in enumerate(view) for other in view[:n]
    ]
    assume(pairs)
    one, other = data.draw(st.sampled_from(pairs))
    history[one], history[other] = history[other], history[one]
    assert {violation.about for violation in check(history).gaps} == {history[one].who}

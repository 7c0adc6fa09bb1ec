"""Clocks: this machine's, the server's and the ledger's."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from .asking import Answer, Silence
from .chart import Chart
from .finding import Finding, caution, good, unseen
from .trial import Trial

APART_S = 2.0
"""From which difference on it is told."""


def check(chart: Chart) -> tuple[Finding, Chart]:
    """Compare what was noted on the way."""
    return judge(ahead(chart.live, chart.trial)), chart


def ahead(live: Answer | Silence, trial: Trial) -> dict[str, float]:
    """Return by how many seconds each other clock is surely ahead of this machine's.

    0 where they may be the same: a `Date` has whole seconds, and messages take their time.
    """
    found = {}
    if isinstance(live, Answer) and (told := _date(live)) is not None:
        found["server"] = surely(told - live.came_at, told + 1 - live.sent_at)
    if trial.record is not None:
        told = trial.record.created_at / 1000
        found["ledger"] = surely(told - trial.accepted_at, told - trial.sent_at)
    return found


def surely(least_s: float, most_s: float) -> float:
    """Return what of a difference is certain, given its bounds.

    >>> surely(-0.3, 0.7), surely(5.0, 6.0), surely(-90.5, -89.5)
    (0.0, 5.0, -89.5)
    """
    return least_s if least_s > 0 else most_s if most_s < 0 else 0.0


def judge(found: Mapping[str, float]) -> Finding:
    """Return whether they agree, given how far ahead each other clock is."""
    if not found:
        return unseen("the server does not tell the time")
    measured = {f"{name}_ahead_s": round(seconds, 3) for name, seconds in found.items()}
    wrong = {name: seconds for name, seconds in found.items() if abs(seconds) > APART_S}
    names = ", ".join(["this machine", *found][:-1]) + f" and {list(found)[-1]}"
    if not wrong:
        return good(f"{names} agree within {APART_S:g} s", measured)
    said = " and ".join(
        f"the {name}'s clock is {_span(abs(seconds))} {'ahead of' if seconds > 0 else 'behind'} "
        "this machine's"
        for name, seconds in wrong.items()
    )
    return caution(
        said,
        "Set the clocks by NTP (`timedatectl set-ntp true`): elapsed times in panels are off by "
        "as much.",
        measured,
    )


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def _date(answer: Answer) -> float | None:
    try:
        return parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return None

"""All that the model is made from and held against, several times over: a minute is no measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .meters import during
from .profiles import Profile
from .reading import Reading, mean
from .stages import Stages, Trial

REPORTS = 5
"""How many reports each of a few jobs makes, to learn what one costs."""


@dataclass(frozen=True, slots=True)
class Round:
    """What was measured in one, or the mean of several."""

    bare: dict[str, float]
    #: Memory before any notebook was connected.
    staffed: Reading
    #: While nobody did anything, as `crowd`.
    crowd: Reading
    one: Trial
    two: Trial
    #: The size that costs are taken from, with one reader a user and with two.
    alone: Reading
    #: `few` jobs, submitted one a request.
    reported: Reading
    #: `fewer` jobs that report.
    foretold: Sequence[Trial]


def few(profile: Profile) -> int:
    """Return how many jobs are submitted one by one."""
    return profile.calibrated.jobs // 5


def fewer(profile: Profile) -> int:
    """Return how many jobs report."""
    return few(profile) // 10


def measured(stages: Stages, profile: Profile, bare: dict[str, float]) -> Round:
    """Do one round. Sizes grow: a server keeps the memory that it has once had."""
    batch, idle_s, size = profile.batch, profile.idle_s, profile.calibrated
    staffed = stages.crowd(0, idle_s)
    sizes = sorted(profile.foretold, key=lambda each: each.notebooks)
    smaller = [each for each in sizes if each.notebooks < size.notebooks]
    between = [each for each in sizes if size.notebooks <= each.notebooks <= profile.crowd]
    larger = [each for each in sizes if each.notebooks > profile.crowd]
    foretold = [stages.trial(each, batch, idle_s) for each in smaller]
    one = stages.trial(size, batch, idle_s, readers=1)
    two = stages.trial(size, batch, idle_s)
    alone = _singles(stages, few(profile))
    reported = _reports(stages, fewer(profile), batch)
    foretold += [stages.trial(each, batch, idle_s) for each in between]
    crowd = stages.crowd(profile.crowd, idle_s)
    foretold += [stages.trial(each, batch, idle_s) for each in larger]
    return Round(bare, staffed, crowd, one, two, alone, reported, foretold)


def mean_of(rounds: Sequence[Round]) -> Round:
    """Return the mean of all; memory is that of the first, before anything was kept."""
    first = rounds[0]
    return Round(
        first.bare,
        mean([one.staffed for one in rounds]),
        mean([one.crowd for one in rounds]),
        _mean_trial([one.one for one in rounds]),
        _mean_trial([one.two for one in rounds]),
        mean([one.alone for one in rounds]),
        mean([one.reported for one in rounds]),
        [_mean_trial(same) for same in zip(*(one.foretold for one in rounds), strict=True)],
    )


def _mean_trial(trials: Sequence[Trial]) -> Trial:
    return replace(
        trials[0],
        idle=mean([one.idle for one in trials]),
        submitted=mean([one.submitted for one in trials]),
        ran=mean([one.ran for one in trials]),
    )


def _singles(stages: Stages, jobs: int) -> Reading:
    """Submit so many, one a request, while nothing runs; then run them."""
    with stages.gate() as opened:
        found = during(stages.plant, lambda: stages.submit(jobs, 1))
        opened()
        stages.finish()
    return found


def _reports(stages: Stages, jobs: int, batch: int) -> Reading:
    """Run so many jobs that report."""

    def work() -> None:
        stages.submit(jobs, batch, "scale_reports", number=REPORTS, apart_s=0.12)
        stages.finish()

    return during(stages.plant, work)

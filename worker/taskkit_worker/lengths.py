"""How long jobs take, as far as their process has seen: what they are claimed by.

Of brief ones several are better claimed at once than one after another; of those of which it can be
told when they end, the next one is claimed a moment before.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence

from taskkit.ledger import Claim
from taskkit.protocol.options import JobOptions
from taskkit.protocol.spec import JobSpec

MEASURED = 4
"""The last runs that a process has seen of a function decide: so many, of those that are brief."""

SEEN = 2
"""So many at the least where the next one alone is claimed: it waits for a moment, if at all."""

LONG_S = 0.025
"""Who has taken as long once is not brief; as long as that, those claimed with one wait for it."""

TOGETHER_S = 0.01
"""How long those that are claimed at once may take together, so that nobody idles meanwhile."""

MOST = 16

STEADY_S = 0.01
"""By how much the last runs of a function may differ where it is to be told when the next ends: as
long at the most the one that is claimed before that waits, and not for another process."""

OF_NO_MATTER_S = 0.5
"""In jobs as long as that, nobody feels the moment between two."""

KEPT = 64
"""Of how many functions it is known how long they take."""


class Lengths:
    """One a pool process, about what that has run itself."""

    def __init__(self) -> None:
        self._took_s: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()

    def note(self, claim: Claim, took_s: float) -> None:
        """Note how long a job took."""
        key = _key(claim)
        self._took_s.setdefault(key, deque(maxlen=MEASURED)).append(took_s)
        self._took_s.move_to_end(key)
        if len(self._took_s) > KEPT:
            self._took_s.popitem(last=False)

    def most(self, claim: Claim) -> int:
        """Return how many jobs like this one may be claimed besides it."""
        took_s = self._known(claim, MEASURED)
        if not took_s or max(took_s) >= LONG_S:
            return 0
        mean_s = sum(took_s) / MEASURED
        return min(MOST, int(TOGETHER_S / mean_s) if mean_s else MOST) - 1

    def ends_in_s(self, claim: Claim) -> float | None:
        """Return after what time a job like this one ends at the soonest, where that can be told.

        None where it is brief, or so long that it does not matter.
        """
        took_s = self._known(claim, SEEN)
        if not took_s or max(took_s) - min(took_s) > STEADY_S:
            return None
        return min(took_s) if LONG_S <= min(took_s) < OF_NO_MATTER_S else None

    def _known(self, claim: Claim, least: int) -> Sequence[float]:
        took_s = self._took_s.get(_key(claim), ())
        return took_s if len(took_s) >= least and _is_plain(claim.spec) else ()


def _key(claim: Claim) -> tuple[str, str]:
    return claim.lease.ref.owner, claim.spec.function or claim.spec.task


def _is_plain(spec: JobSpec) -> bool:
    """Return whether a job has nothing of its own: no limits, no trace, no others to wait for."""
    options = spec.options
    of_no_matter = JobOptions(
        name=options.name,
        session=options.session,
        retries=options.retries,
        retry_on=options.retry_on,
        queue=options.queue,
        priority=options.priority,
    )
    return options == of_no_matter and not spec.after

"""Where the way from a notebook to a worker and back is broken, and the one thing to do about it.

Each hop has a check that looks and a pure function that judges what was seen; `walk` goes from one
to the next. Nothing here prints.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator

from .finding import Finding, Verdict

__all__ = ["Finding", "Verdict", "diagnose", "is_sound"]


def diagnose(on_begin: Callable[[str], object] = lambda _hop: None) -> Iterator[Finding]:
    """Yield what is found at each hop of the way that a client made now would take.

    on_begin: called with a hop's name before it is looked at.
    """
    from .chart import Chart  # here: other commands need none of it
    from .route import ROUTE
    from .walk import walk

    return walk(ROUTE, Chart(environment=os.environ), on_begin=on_begin)


def is_sound(findings: Iterable[Finding]) -> bool:
    """Return whether nothing is broken."""
    return all(finding.verdict is not Verdict.BROKEN for finding in findings)

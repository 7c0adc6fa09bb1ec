"""What a check of one hop has found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """How a hop is."""

    GOOD = "good"
    CAUTION = "caution"
    #: It works, and something about it will be missed one day.
    BROKEN = "broken"
    UNSEEN = "unseen"
    #: It cannot be seen from here, which says nothing against it.
    UNREACHED = "not reached"
    #: It lies behind a hop that does not work.


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One hop, as it is now."""

    verdict: Verdict
    said: str
    #: What was found, in one line.
    cure: str = ""
    #: The one thing to do, in one sentence; empty where nothing is to be done.
    is_dead_end: bool = False
    #: Whether what lies behind cannot be reached, though the hop is not broken.
    hop: str = ""
    #: Its name; empty before `walk` has placed it.
    measured: Mapping[str, float] = field(default_factory=dict)
    #: Numbers by name, each with its unit at the end: ``submit_ms``.

    @property
    def lets_through(self) -> bool:
        """Whether what lies behind can be reached."""
        stops = (Verdict.BROKEN, Verdict.UNREACHED)
        return self.verdict not in stops and not self.is_dead_end


def good(said: str, measured: Mapping[str, float] | None = None) -> Finding:
    """Return that a hop works."""
    return Finding(verdict=Verdict.GOOD, said=said, measured=measured or {})


def caution(
    said: str,
    cure: str,
    measured: Mapping[str, float] | None = None,
    *,
    is_dead_end: bool = False,
) -> Finding:
    """Return that a hop works, with something to think of."""
    return Finding(
        verdict=Verdict.CAUTION,
        said=said,
        cure=cure,
        is_dead_end=is_dead_end,
        measured=measured or {},
    )


def broken(said: str, cure: str) -> Finding:
    """Return that a hop does not work."""
    return Finding(verdict=Verdict.BROKEN, said=said, cure=cure)


def unseen(said: str, *, is_dead_end: bool = False) -> Finding:
    """Return that nothing can be said of a hop from here."""
    return Finding(verdict=Verdict.UNSEEN, said=said, is_dead_end=is_dead_end)

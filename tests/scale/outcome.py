"""What a run found, whether it keeps within its bounds, and how that is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

MOST_OFF = 0.2
"""How far a prediction may be off."""


@dataclass(frozen=True, slots=True)
class Error:
    """A figure of a size, foretold and measured."""

    size: str
    figure: str
    foretold: float
    measured: float
    is_judged: bool
    #: Whether it is large enough to be told from noise.

    @property
    def share(self) -> float:
        """How far the prediction is off, of what was measured."""
        return self.foretold / self.measured - 1 if self.measured else 0.0


@dataclass(frozen=True, slots=True)
class Bound:
    """Something that must hold."""

    what: str
    found: float
    most: float

    @property
    def is_held(self) -> bool:
        """Whether it does."""
        return self.found <= self.most


@dataclass
class Table:
    """Rows with a title."""

    title: str
    head: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)

    def text(self) -> str:
        """Return it in Markdown, which can be read as it is, too."""
        lines = [self.head, ["---", *["---:"] * (len(self.head) - 1)], *self.rows]
        return f"## {self.title}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


@dataclass
class Outcome:
    """All of a run."""

    tables: list[Table] = field(default_factory=list)
    bounds: list[Bound] = field(default_factory=list)
    errors: list[Error] = field(default_factory=list)

    def hold(self, what: str, found: float, most: float) -> None:
        """Note a bound."""
        self.bounds.append(Bound(what, found, most))

    @property
    def broken(self) -> list[str]:
        """What does not hold, in words."""
        bounds = [
            f"{one.what}: {one.found:,.1f}, at most {one.most:,.1f}"
            for one in self.bounds
            if not one.is_held
        ]
        off = [
            f"{one.size}, {one.figure}: {100 * one.share:+.0f} % off"
            for one in self.errors
            if one.is_judged and abs(one.share) > MOST_OFF
        ]
        return bounds + off

    def text(self) -> str:
        """Return all tables."""
        errors = Table(
            "What was foretold of other sizes", ["size", "figure", "foretold", "measured", "off"]
        )
        for one in self.errors:
            mark = "" if one.is_judged else " (not judged)"
            off = f"{100 * one.share:+.0f} %{mark}"
            errors.rows.append(
                [one.size, one.figure, number(one.foretold), number(one.measured), off]
            )
        bounds = Table("What must hold", ["bound", "found", "at most", ""])
        for bound in self.bounds:
            held = "" if bound.is_held else "broken"
            bounds.rows.append([bound.what, number(bound.found), number(bound.most), held])
        return "\n".join(one.text() for one in [*self.tables, errors, bounds])


def number(value: float) -> str:
    """Return a number with as many digits as say anything."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"

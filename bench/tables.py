"""The results as tables of text: pure, for the terminal and for Markdown alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .figures import ALONE, FOUR, TITLES, Figure
from .hops.points import CALLED, FSYNCS, POINTS, RETURNED
from .results import Results

US = "taskkit"
NONE = "–"


@dataclass(frozen=True, slots=True)
class Drawn:
    """One table; the first column is text, the others are figures."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]

    def markdown(self) -> str:
        """Return it as Markdown."""
        rule = ("---", *("---:" for _ in self.head[1:]))
        lines = [f"### {self.title}", ""]
        lines += ["| " + " | ".join(row) + " |" for row in (self.head, rule, *self.rows)]
        lines += ["", *(f"- {note}" for note in self.notes)] if self.notes else []
        return "\n".join(lines) + "\n"


def tables(
    results: Results, figures: Sequence[Figure], names: Sequence[str], scenarios: Sequence[str]
) -> Iterator[Drawn]:
    """Yield a table a scenario."""
    for scenario in TITLES:
        if scenario not in scenarios:
            continue
        if scenario == "hops":
            yield hop_table(results)
            continue
        columns = [name for name in names if name in ALONE.get(scenario, names)]
        rows = [figure for figure in figures if figure.scenario == scenario]
        yield Drawn(
            title=TITLES[scenario],
            head=("", *columns, "taskkit : best", "target", "met"),
            rows=tuple(_row(results, figure, columns) for figure in rows),
            notes=tuple(_notes(results, scenario, rows, columns)),
        )


def _row(results: Results, figure: Figure, columns: Sequence[str]) -> tuple[str, ...]:
    values = [shown(results.median(name, figure.key)) for name in columns]
    return (figure.label, *values, *judged(results, figure))


def _notes(
    results: Results, scenario: str, rows: Sequence[Figure], columns: Sequence[str]
) -> Iterator[str]:
    """Yield why figures are missing, and what went wrong where others took their place."""
    for name in columns:
        reason = results.reasons.get(name, {}).get(scenario)
        if reason:
            is_whole = all(results.median(name, figure.key) is not None for figure in rows)
            yield f"{name}: {'once: ' if is_whole else f'{NONE} '}{reason}"


def judged(results: Results, figure: Figure) -> tuple[str, str, str]:
    """Return taskkit's figure as a multiple of the best rival's, the target, and whether it is met.

    Where rivals are missing in this run, the verdict holds for those that are there.
    """
    target, ours = figure.target, results.median(US, figure.key)
    rivals = target.rivals if target and target.rivals else FOUR
    best = results.best(figure, rivals)
    multiple = ours / best[1] if best and best[1] and ours is not None else None
    ratio = f"{shown(multiple)} × {best[0]}" if best and multiple is not None else NONE
    ratio = ratio if figure.is_compared else ""
    if target is None:
        return ratio, "", ""
    sign = "≥" if figure.is_high_good else "≤"
    unit = " ×" if target.rivals else ""
    reached = multiple if target.rivals else ours
    if reached is None:
        verdict = NONE
    else:
        is_met = reached >= target.factor if figure.is_high_good else reached <= target.factor
        verdict = "yes" if is_met else "no"
    return ratio, f"{sign} {shown(target.factor)}{unit}", verdict


def hop_table(results: Results) -> Drawn:
    """Return where the time of a no-op goes, a row a hop."""
    labels = [(point.name, point.label) for point in POINTS]
    labels += [(RETURNED, "waiting thread awake: result returned"), ("whole", "all")]
    rows = []
    for name, label in labels:
        row = [label, name]
        for fsync in FSYNCS:
            took = results.median(US, f"hops.{fsync}.{name}")
            whole = results.median(US, f"hops.{fsync}.whole")
            row.append(NONE if took is None else f"{took:.3f}")
            row.append(f"{100 * took / whole:.0f} %" if took is not None and whole else NONE)
        rows.append(tuple(row))
    reason = results.reasons.get(US, {}).get("hops")
    return Drawn(
        title=TITLES["hops"],
        head=("hop to …", "point", *(text for f in FSYNCS for text in (f"fsync {f}, ms", "share"))),
        rows=tuple(rows),
        notes=(
            f"From `{CALLED}`: the submit; means over the middle half of the jobs, which add up.",
            *((reason,) if reason else ()),
        ),
    )


def shown(value: float | None) -> str:
    """Return a figure with three digits that count."""
    if value is None:
        return NONE
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"

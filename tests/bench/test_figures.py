"""How the benchmark judges, and that its parts know of one another."""

from __future__ import annotations

import pytest

from bench.contestants import MODULES
from bench.figures import ALONE, FOUR, SIDE_BY_SIDE, TITLES, Figure, Target, figures, fixed
from bench.results import Results
from bench.sizes import SIZES
from bench.tables import judged, shown, tables
from bench.turns import RARE, planned

HIGH = Figure(key="map.rate", label="rate", is_high_good=True, target=Target(1.5))
LOW = Figure(key="noop.p50", label="p50", target=Target(1.0))


def results(key: str, **values: float) -> Results:
    """Return results with one figure."""
    made = Results()
    for name, value in values.items():
        made.take(name, {"key": key, "value": value})
    return made


def test_a_figure_is_the_median_of_its_runs() -> None:
    """One noisy turn of three moves nothing."""
    made = results("noop.p50", taskkit=1.0)
    for value in (9.0, 1.2):
        made.take("taskkit", {"key": "noop.p50", "value": value})
    assert made.median("taskkit", "noop.p50") == 1.2


def test_a_rate_is_held_against_the_fastest_of_the_four() -> None:
    """Pools do not count, however fast."""
    made = results("map.rate", taskkit=300.0, ray=100.0, dask=10.0, pool=9000.0)
    assert judged(made, HIGH) == ("3 × ray", "≥ 1.5 ×", "yes")
    assert judged(results("map.rate", taskkit=140.0, ray=100.0), HIGH)[2] == "no"


def test_a_time_is_held_against_the_shortest_of_the_four() -> None:
    """Where less is better, the best is the least."""
    made = results("noop.p50", taskkit=2.0, ray=1.0, dask=10.0, pool=0.1)
    assert judged(made, LOW) == ("2 × ray", "≤ 1 ×", "no")
    assert judged(results("noop.p50", taskkit=1.0, ray=1.0), LOW)[2] == "yes"


def test_a_fixed_bound_needs_no_rival() -> None:
    """It is judged by taskkit's own figure."""
    figure = Figure(key="progress.1000.cost", label="cost", target=fixed(2.0))
    assert judged(results(figure.key, taskkit=0.2), figure) == ("–", "≤ 2", "yes")
    assert judged(results(figure.key, taskkit=2.5, dask=5.0), figure) == ("0.5 × dask", "≤ 2", "no")


def test_nobody_is_judged_by_a_missing_figure() -> None:
    """Neither taskkit without one nor its rivals without any."""
    assert judged(results("map.rate", ray=100.0), HIGH) == ("–", "≥ 1.5 ×", "–")
    assert judged(results("map.rate", taskkit=100.0), HIGH) == ("–", "≥ 1.5 ×", "–")


def test_a_missing_figure_is_shown_with_its_reason() -> None:
    """In a note below the table, in Markdown too."""
    made = results("map.rate", taskkit=100.0)
    made.take("celery", {"key": "map", "missing": "it was away"})
    (table,) = tables(made, [HIGH], ["taskkit", "celery"], ["map"])
    assert table.rows[0][:3] == ("rate", "100", "–")
    assert table.notes == ("celery: – it was away",)
    assert "| rate | 100 | – |" in table.markdown()


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_every_figure_belongs_to_a_scenario_and_has_its_own_key(sizes) -> None:
    """So that each is shown once."""
    found = list(figures(sizes))
    assert {figure.scenario for figure in found} == set(TITLES) - {"hops"}
    assert len({figure.key for figure in found}) == len(found)
    assert set(SIDE_BY_SIDE) | set(ALONE) == set(TITLES)
    assert set(FOUR) < set(MODULES)


def test_contestants_take_turns() -> None:
    """Each has one a repeat, and none is always the first."""
    turns = list(planned(["taskkit", "celery", "ray"], list(TITLES), 3))
    common = [turn.of for turn in turns if turn.scenarios[0] not in ALONE]
    assert common == [
        *("taskkit", "celery", "ray"),
        *("celery", "ray", "taskkit"),
        *("ray", "taskkit", "celery"),
    ]
    assert [RARE[0] in turn.scenarios for turn in turns[:6]] == [True] * 3 + [False] * 3
    assert [(turn.of, turn.scenarios) for turn in turns[9:]] == [
        ("taskkit", ("queue",)),
        ("celery", ("queue",)),
        ("taskkit", ("clients",)),
        ("taskkit", ("hops",)),
    ]


def test_only_what_was_chosen_is_run() -> None:
    """No turn without a scenario, and no scenario of somebody who does not take part."""
    assert [turn.of for turn in planned(["ray"], ["noop", "queue"], 1)] == ["ray"]
    assert list(planned(["ray"], ["queue"], 3)) == []


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0.1234, "0.123"), (12.34, "12.3"), (12345.6, "12,346")]
)
def test_figures_are_shown_with_the_digits_that_count(value: float | None, text: str) -> None:
    """Three of them, but whole numbers whole."""
    assert shown(value) == text

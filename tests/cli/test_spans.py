"""Times as people type them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import typer

from taskkit.cli.spans import seconds, since


@pytest.mark.parametrize(
    ("text", "meant"),
    [("90", 90), ("90s", 90), ("10m", 600), ("2 h", 7200), ("3D", 259_200), ("1w", 604_800)],
)
def test_a_span_is_a_number_and_perhaps_a_unit(text: str, meant: float) -> None:
    """Seconds where there is none."""
    assert seconds(text) == meant
    assert since(text) == timedelta(seconds=meant)


def test_a_time_is_iso_8601() -> None:
    """With a zone or without."""
    assert since("2026-11-24T03:22") == datetime(2026, 11, 24, 3, 22)


def test_an_endless_span_is_a_century() -> None:
    """Rather than an error of the calendar."""
    assert since("9" * 30) == timedelta(days=36_500)


@pytest.mark.parametrize("text", ["", "yesterday", "-3h", "2026-13-01", "1 y", "nan", "inf"])
def test_what_is_neither_is_said_so(text: str) -> None:
    """With an example of each."""
    with pytest.raises(typer.BadParameter, match="2h nor a time such as 2026-11-24T03:22"):
        since(text)

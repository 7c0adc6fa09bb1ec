"""`taskkit capacity`."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from taskkit.capacity import MEASURED, Cost
from taskkit.cli import app

LIGHT = ["capacity", "--jobs-per-day", "10000", "--job-s", "5", "--workers", "4"]


def said(*words: str) -> tuple[int, str]:
    """Return the exit code and what was printed."""
    ran = CliRunner().invoke(app, [*LIGHT, *words])
    return ran.exit_code, ran.output


def test_a_light_load_fits() -> None:
    """Every part is listed, the fullest first, and how long a job waits."""
    code, text = said()
    assert code == 0, text
    for part in ("Redis' one thread", "server processes", "workers' processes", "sockets", "disk"):
        assert part in text
    assert "A job waits" in text


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--notebooks", "1000"], "sockets"),
        (["--jobs-per-day", "1e6", "--retention-days", "1"], "workers' processes"),
        (
            ["--jobs-per-day", "3e7", "--job-s", "0.1", "--workers", "100", "--redis-gb", "1e6"],
            "server processes",
        ),
        (["--jobs-per-day", "1e8", "--workers", "10000"], "Redis' memory"),
    ],
)
def test_what_does_not_fit_is_said_and_is_no_success(words: list[str], part: str) -> None:
    """So that a script can go by it; the first line is what is in the way."""
    code, text = said(*words)
    assert code == 1, text
    assert text.splitlines()[1].startswith(part), text


def test_costs_of_ones_own_machine_are_taken(tmp_path: Path) -> None:
    """As `make scale` leaves them; another machine has another wall."""
    slow = replace(MEASURED, run=Cost(redis_us=10_000_000))
    path = tmp_path / "scale.json"
    path.write_text(json.dumps({"costs": asdict(slow)}))
    code, text = said("--costs", str(path))
    assert code == 1, text
    assert text.splitlines()[1].startswith("Redis' one thread"), text

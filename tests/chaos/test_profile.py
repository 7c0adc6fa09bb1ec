"""The short profile: every fault that does not have to last, with fewer jobs."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from chaos.scenarios import SCENARIOS, Scenario, judged

SHORT = [scenario for scenario in SCENARIOS if scenario.is_short]


@pytest.mark.stack
@pytest.mark.timeout(240)
@pytest.mark.parametrize("scenario", SHORT, ids=lambda scenario: scenario.name)
def test_nothing_is_lost(scenario: Scenario, tmp_path: Path) -> None:
    """No job lost or doubled, no gap untold; the seed in the message throws the same dice again."""
    if why := scenario.why_not():
        pytest.skip(why)
    seed = random.randrange(10**6)
    row = judged(scenario, tmp_path, seed, is_short=True)
    assert row.verdict.jobs
    assert row.is_good, f"seed {seed}: {row.verdict}\n" + "\n".join(row.more)

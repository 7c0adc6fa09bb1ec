"""What the turns told: the values of each figure, the reasons of those that are missing."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from .figures import Figure


class Results:
    """By contestant and key."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, list[float]]] = {}
        self.reasons: dict[str, dict[str, str]] = {}
        #: By contestant and scenario.

    def take(self, name: str, line: Mapping[str, Any]) -> None:
        """Take a line of a turn's report."""
        if "missing" in line:
            self.explain(name, line["key"], line["missing"])
        else:
            self.runs.setdefault(name, {}).setdefault(line["key"], []).append(line["value"])

    def explain(self, name: str, scenario: str, reason: str) -> None:
        """Note why figures of a scenario are missing; what was said first stays."""
        self.reasons.setdefault(name, {}).setdefault(scenario, reason)

    def median(self, name: str, key: str) -> float | None:
        """Return the median of a figure's runs, or None."""
        values = self.runs.get(name, {}).get(key)
        return statistics.median(values) if values else None

    def best(self, figure: Figure, names: Sequence[str]) -> tuple[str, float] | None:
        """Return whoever of `names` has the best value, and that; None where nobody has one."""
        values = [
            (value, name) for name in names if (value := self.median(name, figure.key)) is not None
        ]
        if not values:
            return None
        value, name = max(values) if figure.is_high_good else min(values)
        return name, value

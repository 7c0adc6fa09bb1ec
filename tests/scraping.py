"""What a scrape of `/metrics` says, read by Prometheus' own parsers."""

from __future__ import annotations

from prometheus_client import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as read_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as read_text

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class Scrape:
    """One answer."""

    def __init__(self, text: str, content_type: str) -> None:
        is_open = content_type.startswith("application/openmetrics-text")
        self.families: list[Metric] = list((read_openmetrics if is_open else read_text)(text))
        self.names = {sample.name for family in self.families for sample in family.samples}
        self.values = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in self.families
            for sample in family.samples
        }

    def value(self, name: str, **labels: str) -> float | None:
        """Return the value of a series, None where there is none."""
        return self.values.get((name, tuple(sorted(labels.items()))))

    def sum(self, name: str, **labels: str) -> float:
        """Return the sum of all series of that name that have these labels."""
        return sum(
            value
            for (found, given), value in self.values.items()
            if found == name and labels.items() <= dict(given).items()
        )

    def labels(self) -> dict[str, set[str]]:
        """Return the values that each label has."""
        found: dict[str, set[str]] = {}
        for _, given in self.values:
            for label, value in given:
                found.setdefault(label, set()).add(value)
        return found

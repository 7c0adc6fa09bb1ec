"""What a turn tells the process that began it: lines of JSON, as soon as each is known."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


class Report:
    """A file that a turn adds to."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def figures(self, scenario: str, found: Mapping[str, float]) -> None:
        """Tell figures of a scenario, by the ends of their keys."""
        for end, value in found.items():
            self._add({"key": f"{scenario}.{end}", "value": value})

    def missing(self, scenario: str, reason: str) -> None:
        """Tell why a scenario's other figures are missing."""
        self._add({"key": scenario, "missing": reason})

    def _add(self, line: dict[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def lines(self) -> Iterator[dict[str, Any]]:
        """Yield what was told, in order."""
        if self._path.exists():
            for line in self._path.read_text(encoding="utf-8").splitlines():
                yield json.loads(line)

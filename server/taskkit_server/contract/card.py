"""The JSON of a job's card, as a type; docs/cards.md says what is in its parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class Card:
    """How a job's result came about. What is null is not known, or there is none."""

    schema: str
    #: ``taskkit.card/1``.
    card: dict[str, Any]
    #: When this card was made, and by which release.
    job: dict[str, Any]
    code: dict[str, Any]
    arguments: dict[str, Any]
    seed: dict[str, Any] | None
    environment: dict[str, Any] | None
    attempts: list[dict[str, Any]]
    result: dict[str, Any] | None
    error: dict[str, Any] | None
    usage: dict[str, Any] | None
    output: dict[str, Any]
    figures: list[dict[str, Any]]
    unknown: list[str]
    #: What it does not know, and why.
    redacted: list[str]
    #: Where something was taken out because it opens doors.

"""What docstrings show of cards is so."""

from __future__ import annotations

import doctest
import importlib

import pytest


@pytest.mark.parametrize(
    "name", ["provenance.comparing", "provenance.redaction", "provenance.seeds", "travel.described"]
)
def test_the_examples_run(name: str) -> None:
    """As they are written."""
    result = doctest.testmod(importlib.import_module(f"taskkit.{name}"))
    assert result.attempted > 0
    assert result.failed == 0

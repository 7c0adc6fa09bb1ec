"""What tests of several parts share: one real stack."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import taskkit


@pytest.fixture(scope="session")
def stack() -> Iterator[taskkit.LocalStack]:
    """Redis, server and two worker processes, open to this machine without a token."""
    with taskkit.LocalStack(workers=2, open=True) as running:
        yield running

"""A client of the shared stack, and the stack as the one that is found."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import taskkit


@pytest.fixture
def client(stack: taskkit.LocalStack) -> Iterator[taskkit.Client]:
    """A client of the stack that all tests share."""
    made = stack.client()
    yield made
    made.close()


@pytest.fixture
def found(stack: taskkit.LocalStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `taskkit.Client()` find that stack."""
    monkeypatch.setenv("TASKKIT_URL", stack.url)
    monkeypatch.setenv("TASKKIT_TOKEN", stack.token)

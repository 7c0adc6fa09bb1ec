"""The examples in all docstrings run: those of the reference, and those of modules behind it."""

from __future__ import annotations

import doctest
import importlib
import re
import sys
from collections.abc import Iterator
from contextvars import Context
from pathlib import Path

import pytest

import taskkit

ROOT = Path(__file__).parents[2]
EXTENSIONS = ROOT / "docs" / "_ext"
TREES = [
    (ROOT, "taskkit"),
    (ROOT / "server", "taskkit_server"),
    (ROOT / "worker", "taskkit_worker"),
    (EXTENSIONS, "."),
]


def modules() -> Iterator[str]:
    """Yield the modules whose text has an example."""
    for root, package in TREES:
        for path in (root / package).rglob("*.py"):
            if re.search(r">>> (?!.*\+SKIP).+", path.read_text("utf-8")):
                parts = path.relative_to(root).with_suffix("").parts
                yield ".".join(parts).removesuffix(".__init__")


@pytest.fixture(scope="module")
def own_stack() -> Iterator[taskkit.LocalStack]:
    """One that wants a token, as users' do: on an open one there are no links to share."""
    with taskkit.LocalStack(workers=2) as running:
        yield running


@pytest.mark.stack
@pytest.mark.parametrize("name", sorted(modules()))
def test_the_examples_of_a_module_run(
    name: str, own_stack: taskkit.LocalStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they are written, with what is public; those that want a stack find one as users do."""
    monkeypatch.setenv("TASKKIT_URL", own_stack.url)
    monkeypatch.setenv("TASKKIT_TOKEN", own_stack.token)
    monkeypatch.setenv("TASKKIT_SESSION", f"examples of {name}")
    monkeypatch.setattr(sys, "path", [*sys.path, str(EXTENSIONS)])
    public = {word: getattr(taskkit, word) for word in taskkit.__all__}
    module = importlib.import_module(name)
    # Not in a context in which other tests of this process have left what they are about.
    result = Context().run(doctest.testmod, module, extraglobs=public)
    assert result.attempted > 0
    assert result.failed == 0

"""One executor of each kind, and a gate that holds what they run."""

from __future__ import annotations

import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack
from pathlib import Path
from textwrap import dedent

import pytest
from executors import ALL, LIMIT_S, POOLS, TASKKIT, made
from gates import Gate, Make

import taskkit


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all of this folder: each starts real processes."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker("stack")


@pytest.fixture(scope="session")
def pools(stack: taskkit.LocalStack) -> Iterator[dict[str, Executor]]:
    """The standard library's executors, for all tests that leave them as they were."""
    with ExitStack() as running:
        yield {kind: running.enter_context(made(kind, stack)) for kind in POOLS}


@pytest.fixture
def client(stack: taskkit.LocalStack) -> Iterator[taskkit.Client]:
    """A client of the session's stack."""
    opened = stack.client()
    yield opened
    opened.close()


@pytest.fixture(params=ALL)
def executor(request: pytest.FixtureRequest) -> Executor:
    """Each kind in turn; `on` chooses others."""
    if request.param == TASKKIT:
        found: Executor = request.getfixturevalue("client")
        return found
    pool: Executor = request.getfixturevalue("pools")[request.param]
    return pool


@pytest.fixture(params=ALL)
def make(request: pytest.FixtureRequest, stack: taskkit.LocalStack) -> Iterator[Make]:
    """Each kind in turn, for tests that shut it down."""
    with ExitStack() as running:

        def one() -> Executor:
            executor = made(request.param, stack)
            running.callback(end, weakref.ref(executor))
            return executor

        yield one


def end(executor: weakref.ref[Executor]) -> None:
    """Shut an executor down that somebody may have held longer than the test."""
    if (found := executor()) is not None:
        found.shutdown(wait=False)


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """A gate that is closed; after the test it is open."""
    made_gate = Gate(tmp_path / "gate")
    yield made_gate
    made_gate.open()


@pytest.fixture
def run_script(
    tmp_path: Path, stack: taskkit.LocalStack
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a script in a Python of its own, which must end; its first argument is a stack's URL."""

    def run(text: str, *args: str, **beside: str) -> subprocess.CompletedProcess[str]:
        folder = tmp_path / "script"
        folder.mkdir(exist_ok=True)
        for name, source in {"script": text, **beside}.items():
            (folder / f"{name}.py").write_text(dedent(source))
        command = [sys.executable, str(folder / "script.py"), stack.url, *args]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=LIMIT_S, check=False, cwd=tmp_path
        )

    return run

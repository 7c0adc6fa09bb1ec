"""The executors that the same tests are run on, and how a test says on which."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest

import taskkit

TASKKIT, PROCESSES, THREADS = "taskkit", "processes", "threads"
ALL = (TASKKIT, PROCESSES, THREADS)
POOLS = (PROCESSES, THREADS)

WORKERS = 2
"""Each of them runs so many calls at the same time."""

LIMIT_S = 60.0
"""How long anything may take that must not hang."""


def on(*kinds: str, taskkit_fails: str = "", fixture: str = "executor") -> Any:
    """Run a test on these executors; `taskkit_fails` names the defect that it shows in taskkit."""
    defect = pytest.mark.xfail(strict=True, reason=taskkit_fails)
    params = [
        pytest.param(kind, marks=[defect] if taskkit_fails and kind == TASKKIT else [])
        for kind in kinds
    ]
    return pytest.mark.parametrize(fixture, params, indirect=True)


def made(kind: str, stack: taskkit.LocalStack) -> Executor:
    """Return a new executor of a kind."""
    match kind:
        case "taskkit":
            return stack.client()
        case "processes":
            # A fork would copy the threads' locks of the clients that live in this process.
            context = multiprocessing.get_context("forkserver")
            return ProcessPoolExecutor(WORKERS, mp_context=context)
    return ThreadPoolExecutor(WORKERS)

"""A local stack belongs to the program that makes it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from taskkit.connection import find
from taskkit.protocol.errors import NotReachable, Unavailable
from taskkit.stack.local import LocalStack
from taskkit.stack.parts import Plan

pytestmark = [pytest.mark.stack, pytest.mark.timeout(90)]

MAKER = """
import json, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from conftest import plan_with
from taskkit.stack.local import LocalStack
stack = LocalStack(workers=1, plan=plan_with(Path({journal!r}))).start()
print(json.dumps([stack.pids(), str(stack.logs)]), flush=True)
signal.pause()
"""


def test_maker_killed_by_sigkill_leaves_no_process_and_no_folder(
    journal: Path,
    alive: Callable[[dict[str, int]], list[str]],
    wait_until: Callable[..., None],
) -> None:
    """The whole stack ends, in order, and its private folder goes."""
    code = MAKER.format(tests=str(Path(__file__).parent), journal=str(journal))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as maker:
        assert maker.stdout is not None
        pids, logs = json.loads(maker.stdout.readline())
        assert len(alive(pids)) == 4
        os.kill(maker.pid, signal.SIGKILL)
        wait_until(lambda: alive(pids) == [])
    assert journal.read_text().splitlines()[-2:] == [
        "worker stops, Redis up",
        "server stops, Redis up",
    ]
    wait_until(lambda: not Path(logs).exists(), within_s=5)


def test_stack_outlives_the_thread_that_started_it(plan: Plan) -> None:
    """The kernel's death signal goes by threads; the stack must not."""
    stack = LocalStack(workers=1, plan=plan)
    thread = threading.Thread(target=stack.start)
    thread.start()
    thread.join()
    try:
        assert sorted(stack.pids()) == ["redis", "server", "supervisor", "worker"]
        assert {status.restarts for status in stack._running().status()} == {0}
    finally:
        stack.stop()


def test_local_stack_leaves_no_trace(plan: Plan, home: Path) -> None:
    """It writes no connection file and removes its folder; its port and token are its own."""
    with LocalStack(workers=1, plan=plan) as stack:
        logs = stack.logs
        assert logs.exists()
        assert stack.token not in repr(stack)
        with pytest.raises(NotReachable):
            find()
    assert not logs.exists()
    assert not (home / "data").exists()
    stack.stop()
    with pytest.raises(Unavailable, match="not running"):
        _ = stack.url


def test_data_folder_is_kept_for_the_next(plan: Plan, tmp_path: Path) -> None:
    """A given `data_dir` outlives the stack, with its token."""
    kept = tmp_path / "kept"
    tokens = []
    for _ in range(2):
        with LocalStack(workers=1, data_dir=kept, plan=plan) as stack:
            tokens.append(stack.token)
    assert tokens[0] == tokens[1]
    assert (kept / "redis").is_dir()


def test_data_folder_in_use_is_refused(plan: Plan, tmp_path: Path) -> None:
    """Two Redis servers never share a folder."""
    with (
        LocalStack(workers=1, data_dir=tmp_path / "kept", plan=plan),
        pytest.raises(Unavailable, match="Another stack uses"),
    ):
        LocalStack(workers=1, data_dir=tmp_path / "kept", plan=plan).start()

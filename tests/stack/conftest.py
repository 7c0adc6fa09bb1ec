"""Stacks with a real Redis and a real supervisor, whose server and worker are stand-ins."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from taskkit.stack.folders import Folders
from taskkit.stack.identity import Identity, free_port
from taskkit.stack.part import Part
from taskkit.stack.parts import Plan, Settings, server_part, worker_part
from taskkit.stack.redis import redis_part
from taskkit.stack.stack import Stack

STANDIN = Path(__file__).with_name("standin.py")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test its own XDG folders, so that it cannot meet a stack of the user's."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    for name in ("TASKKIT_URL", "TASKKIT_TOKEN", "TASKKIT_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Return the file in which the stand-ins note what they did."""
    return tmp_path / "journal"


@pytest.fixture
def plan(journal: Path) -> Plan:
    """Return the plan of a stack of a real Redis and two stand-ins."""
    return plan_with(journal)


def plan_with(journal: Path) -> Plan:
    """Return a plan whose stand-ins write to `journal`."""

    def parts(settings: Settings, folders: Folders, identity: Identity) -> Sequence[Part]:
        url = identity.redis_url
        shared = {"TASKKIT_REDIS_URL": url}
        server = server_part(settings, shared, identity)
        worker = worker_part(settings, shared, identity)
        command = (sys.executable, str(STANDIN))
        return (
            redis_part(folders, identity, settings.fsync),
            _as(server, (*command, "server", str(journal), str(settings.port))),
            _as(worker, (*command, "worker", str(journal))),
        )

    return parts


def _as(part: Part, command: tuple[str, ...]) -> Part:
    from dataclasses import replace

    return replace(part, command=command)


@pytest.fixture
def stack(plan: Plan) -> Iterator[Stack]:
    """Return a running stack as `taskkit up` has it."""
    with Stack(Settings(port=free_port(), workers=1), Folders.of_user(), plan=plan) as stack:
        yield stack


WaitUntil = Callable[..., None]


@pytest.fixture
def wait_until() -> WaitUntil:
    """Return a function that waits for a condition, and fails after a limit."""

    def wait(condition: Callable[[], object], *, within_s: float = 60.0) -> None:
        deadline, pause = time.monotonic() + within_s, threading.Event()
        while not condition():
            assert time.monotonic() < deadline, f"not within {within_s} s: {condition}"
            pause.wait(0.05)

    return wait


def is_running(pid: int) -> bool:
    """Return whether a process runs; one that is dead and not yet waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.fixture
def alive() -> Callable[[dict[str, int]], list[str]]:
    """Return a function that names those of some processes that still run."""
    return lambda pids: [name for name, pid in pids.items() if is_running(pid)]


@pytest.fixture
def group_members() -> Callable[[int], list[int]]:
    """Return a function that lists the processes of a process group."""

    def members(group: int) -> list[int]:
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            pid = int(folder.name)
            try:
                if os.getpgid(pid) == group and is_running(pid):
                    found.append(pid)
            except ProcessLookupError:
                continue
        return found

    return members

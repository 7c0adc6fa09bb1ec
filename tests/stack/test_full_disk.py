"""A full disk takes lines from the logs, and nothing else from the stack."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from supervisor import loggers

from taskkit.stack.folders import Folders
from taskkit.stack.full_disk import PatientFile
from taskkit.stack.identity import free_port
from taskkit.stack.parts import Plan, Settings
from taskkit.stack.stack import Stack

FULL = Path("/dev/full")

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="only Linux has /dev/full")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A log file on a full disk."""
    made = tmp_path / "a.log"
    made.symlink_to(FULL)
    return made


def log_to(handler: PatientFile, text: str) -> None:
    """Write one record, as supervisor does what a part wrote."""
    handler.setFormat("%(message)s")
    handler.emit(loggers.LogRecord(loggers.LevelsByName.INFO, text.encode()))


def test_a_line_that_does_not_fit_is_lost(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is raised, and nothing is said on an output that may be as full."""
    handler = PatientFile(str(path), maxBytes=10**6, backupCount=1)
    log_to(handler, "lost\n")
    handler.close()
    assert capsys.readouterr().err == ""


def test_the_log_goes_on_when_there_is_room(path: Path) -> None:
    """Also where it was being rotated when the disk was full."""
    handler = PatientFile(str(path), maxBytes=4, backupCount=1)
    log_to(handler, "lost, and too long\n")
    path.unlink()
    log_to(handler, "a\n")
    handler.close()
    assert path.read_text() == "a\n"


def test_other_errors_are_still_told(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are mistakes, and go to where supervisor reports them."""
    handler = PatientFile(str(path), maxBytes=10**6, backupCount=1)
    handler.setFormat("%(nonsense)s")
    handler.emit(loggers.LogRecord(loggers.LevelsByName.INFO, "text"))
    assert "KeyError" in capsys.readouterr().err


@pytest.mark.stack
@pytest.mark.timeout(90)
def test_a_stack_whose_logs_are_full_still_mends_itself(
    plan: Plan, wait_until: Callable[..., None]
) -> None:
    """The supervisor outlives what it cannot write, starts what died, and stops in order."""
    folders = Folders.of_user()
    folders.create()
    for name in ("daemon", "supervisor", "redis", "server", "worker"):
        (folders.logs / f"{name}.log").symlink_to(FULL)
    with Stack(Settings(port=free_port(), workers=1), folders, plan=plan) as stack:
        before = stack.pids()
        os.kill(before["worker"], signal.SIGKILL)
        wait_until(lambda: stack.pids().get("worker", before["worker"]) != before["worker"])
        assert stack.pids()["supervisor"] == before["supervisor"]
    assert stack.exit_code() is None
    assert sorted(path.name for path in folders.run.iterdir()) == ["lock"]

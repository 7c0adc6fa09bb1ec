"""The checker sees what a stock build loses, and sees nothing where nothing was done to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from chaos.checker import check
from chaos.facts import Entry
from chaos.history import History

from .faults import FAULTS, Fault
from .run import counted, gone, run
from .scene import Scene

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

JOBS = 72
SEED = 1


def still_running(folder: Path) -> list[str]:
    """Return the command lines of processes of a run, which its folder's name tells."""
    found = []
    for process in psutil.process_iter():
        try:
            is_meant = str(folder / "facts.jsonl") == process.environ().get("STOCK_FACTS")
            if is_meant and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


@pytest.fixture
def put_through(tmp_path: Path) -> Callable[[str], list[Entry]]:
    """Put a stock build through a fault, see that nothing of it stays; return the facts."""

    def put(fault: str) -> list[Entry]:
        entries = run(fault, tmp_path, SEED, JOBS)
        assert still_running(tmp_path) == []
        return entries

    return put


def test_without_a_fault_all_is_well(put_through: Callable[[str], list[Entry]]) -> None:
    """Otherwise the control itself is broken."""
    verdict = check(put_through("none"))
    assert len(verdict.jobs) == JOBS
    assert verdict.violations == (), str(verdict)
    assert {(1, 1)} == set(verdict.runs.values())


def test_a_worker_that_is_killed_takes_jobs_with_it(
    put_through: Callable[[str], list[Entry]],
) -> None:
    """Some for good: of what its BRPOP had taken nothing is left, and it never ran."""
    entries = put_through("worker")
    verdict = check(entries)
    assert len(verdict.jobs) == JOBS
    lost = {violation.about for violation in verdict.lost}
    assert gone(entries), str(verdict)
    assert gone(entries) <= lost
    assert {verdict.runs[job] for job in gone(entries)} == {(0, 0)}


def test_a_server_that_is_killed_loses_what_it_should_have_told(
    put_through: Callable[[str], list[Entry]],
) -> None:
    """All jobs ran, and Celery has their results; the client misses ends, and nobody tells it."""
    entries = put_through("server")
    verdict = check(entries)
    assert len(verdict.jobs) == JOBS
    assert verdict.lost
    assert verdict.gaps
    assert {kept.state for kept in History(entries).kept.values()} == {"succeeded"}
    assert gone(entries) == set()
    assert counted(verdict) == (JOBS, len(verdict.lost), 0, len(verdict.gaps))


@pytest.mark.alone  # it needs a client that is faster than the worker, and so free cores
def test_a_redis_that_is_killed_loses_jobs_and_messages(
    put_through: Callable[[str], list[Entry]],
) -> None:
    """Though it comes back with all that it had answered for."""
    verdict = check(put_through("redis"))
    assert len(verdict.jobs) == JOBS
    assert verdict.lost
    assert verdict.gaps


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a fault that breaks off with the server killed."""

    def break_off(scene: Scene) -> None:
        scene.until_accepted(10)
        with scene.fault("broken"):
            scene.build.server.kill()
            raise ZeroDivisionError

    monkeypatch.setitem(FAULTS, "broken", Fault(break_off, rounds=1, pause_s=0.01))
    return "broken"


def test_a_run_that_breaks_off_leaves_no_process(broken: str, tmp_path: Path) -> None:
    """Nor does it wait for jobs that nobody accepts any more."""
    with pytest.raises(ZeroDivisionError):
        run(broken, tmp_path, SEED, JOBS)
    assert still_running(tmp_path) == []
    assert (tmp_path / "facts.jsonl").exists()

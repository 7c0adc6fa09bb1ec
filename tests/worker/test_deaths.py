"""Of what a process died, in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskkit_worker.deaths import OutOfMemory, cause_of_death

LOST = "Worker exited prematurely: {} Job: 3."


@pytest.mark.parametrize(
    ("message", "is_out_of_memory", "cause"),
    [
        (LOST.format("signal 11 (SIGSEGV)"), False, "its process ended with signal 11 (SIGSEGV)"),
        (LOST.format("signal 11 (SIGSEGV)"), True, "its process ended with signal 11 (SIGSEGV)"),
        (LOST.format("exitcode 3"), False, "its process ended with exit code 3"),
        (LOST.format("signal 9 (SIGKILL)"), False, "its process ended with signal 9 (SIGKILL)"),
        (
            LOST.format("signal 9 (SIGKILL)"),
            True,
            "out of memory: the kernel ended its process (signal 9 (SIGKILL))",
        ),
        ("something new", False, "its process died (something new)"),
    ],
)
def test_a_death_is_told_as_a_clause(message: str, is_out_of_memory: bool, cause: str) -> None:
    """Celery's words, for somebody who does not know Celery."""
    assert cause_of_death(message, is_out_of_memory=is_out_of_memory) == cause


def test_the_kernels_kills_are_counted(tmp_path: Path) -> None:
    """Each is told once; those before the worker's time are nobody's."""
    vmstat = tmp_path / "vmstat"
    vmstat.write_text("nr_free_pages 7\noom_kill 4\n")
    memory = OutOfMemory(vmstat)
    assert not memory.has_struck()
    vmstat.write_text("nr_free_pages 7\noom_kill 5\n")
    assert memory.has_struck()
    assert not memory.has_struck()


def test_a_system_that_does_not_say_is_not_out_of_memory(tmp_path: Path) -> None:
    """macOS, or a sandbox."""
    assert not OutOfMemory(tmp_path / "none").has_struck()

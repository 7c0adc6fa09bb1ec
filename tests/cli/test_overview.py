"""What `taskkit top` knows, and how it fits a screen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cli_records import NOW, START, record

from taskkit.cli.overview import MOST_FINAL, Jobs, Overview
from taskkit.cli.screenful import screenful
from taskkit.protocol.events import AttemptStarted, JobFailed, JobSubmitted, ProgressReported
from taskkit.protocol.jobs import ErrorInfo, JobRecord, JobState, Progress
from taskkit.protocol.workers import WorkerInfo

WORKER = WorkerInfo(name="lab-7-a3f0", host="lab", pid=7, processes=4, python="3.12.1")
NO = ErrorInfo(type="ValueError", message="no")


def jobs(state: JobState, count: int) -> list[JobRecord]:
    return [record(state, id=f"{n:08x}" * 4, task=f"task {n}") for n in range(count)]


def test_a_job_is_followed_from_its_submission_to_its_failure() -> None:
    """By events alone."""
    known, job = Jobs(), "ab" * 16
    known.take([JobSubmitted(seq=1, at=START, job=job, task="fit")])
    assert [one.id for one in known.overview([], NOW).queued] == [job]
    known.take([AttemptStarted(seq=2, at=START, job=job, attempt=1, worker="w")])
    known.take([ProgressReported(seq=3, at=START, job=job, done=1, total=4)])
    [running] = known.overview([], NOW).running
    assert running.progress == Progress(done=1, total=4)
    known.take([JobFailed(seq=4, at=NOW, job=job, error=NO)])
    seen = known.overview([], NOW)
    assert (seen.running, seen.queued, [one.error for one in seen.failed]) == ((), (), [NO])


def test_a_job_that_was_not_listed_is_asked_for_when_it_begins() -> None:
    """It waited for longer than the newest jobs are old."""
    known, job = Jobs(), "ab" * 16
    known.take([AttemptStarted(seq=2, at=START, job=job, attempt=1, worker="w")])
    assert known.unknown() == [job]
    known.put([record(id=job, seq=2)])
    assert known.unknown([job]) == []
    assert [one.id for one in known.overview([], NOW).running] == [job]


def test_a_job_of_which_something_was_missed_is_asked_for() -> None:
    """An event that cannot follow what is known changes nothing."""
    known = Jobs()
    waiting = record(JobState.QUEUED, seq=1)
    known.begin_with([waiting], is_all=True)
    known.take([ProgressReported(seq=3, at=START, job=waiting.id, done=1)])
    assert known.unknown() == [waiting.id]
    known.forget(waiting.id)
    assert known.unknown() == []
    assert known.overview([], NOW) == Overview()


def test_an_older_record_changes_nothing() -> None:
    """An answer may be overtaken by events."""
    known = Jobs()
    known.put([record(seq=5, attempt=2)])
    known.put([record(seq=3, attempt=1)])
    assert known.overview([], NOW).running[0].attempt == 2


def test_of_many_final_jobs_the_failures_are_remembered() -> None:
    """Success needs no attention."""
    known = Jobs()
    failed = [replace(one, id=f"f{one.id[1:]}") for one in jobs(JobState.FAILED, 3)]
    known.put(failed)
    known.put(jobs(JobState.SUCCEEDED, 10 * MOST_FINAL))
    assert len(known.overview([], NOW).failed) == 3


def seen(running: int = 2, queued: int = 3, failed: int = 2, workers: int = 1) -> Overview:
    return Overview(
        workers=(WORKER,) * workers,
        running=tuple(
            replace(one, progress=Progress(done=n, total=running or 1))
            for n, one in enumerate(jobs(JobState.RUNNING, running))
        ),
        queued=tuple(jobs(JobState.QUEUED, queued)),
        failed=tuple(jobs(JobState.FAILED, failed)),
        is_more_queued=True,
    )


def told(shown: Overview, width: int = 79, height: int | None = 24, trouble: str = "") -> list[str]:
    lines = screenful(
        shown, url="http://lab:5000", now_ms=NOW, width=width, height=height, trouble=trouble
    )
    assert max(line.cell_len for line in lines) <= width
    return [line.plain for line in lines]


def test_a_screen_says_what_works_what_runs_what_waits_and_what_failed() -> None:
    """Each under its own word."""
    lines = told(seen())
    assert lines[0].startswith("  taskkit  http://lab:5000")
    assert lines[1] == "  4 processes · 2 running · 3 queued of the newest 200"
    for heading in ("  workers", "  running", "  next", "  failed lately"):
        assert heading in lines
    assert any("00000001  task 1" in line and "50 %" in line for line in lines)
    assert any("ValueError: no convergence" in line for line in lines)


def test_jobs_of_one_name_that_wait_are_counted() -> None:
    """A sweep of a thousand is one word."""
    shown = replace(seen(), queued=tuple(record(JobState.QUEUED) for _ in range(30)))
    assert "  fit ×30" in told(shown)
    shown = replace(shown, queued=shown.queued * 100)
    assert "  fit ×1000, …" in told(shown)


@pytest.mark.parametrize("height", [8, 12, 24, 50])
@pytest.mark.parametrize(("running", "failed", "workers"), [(0, 0, 0), (3, 9, 2), (100, 9, 30)])
@pytest.mark.parametrize("width", [30, 79, 200])
def test_it_fits_any_screen(
    height: int, width: int, running: int, failed: int, workers: int
) -> None:
    """No line is too long, and there are not too many of them."""
    lines = told(seen(running=running, failed=failed, workers=workers), width, height)
    assert len(lines) <= height
    assert not lines[-1].startswith("  running")
    assert "" not in (lines[-1], lines[0])


def test_on_a_small_screen_what_runs_is_the_last_to_go() -> None:
    """Failures go first, then the workers, then what comes next."""
    lines = told(seen(running=4, failed=9, workers=9), width=60, height=12)
    assert sum("task" in line and "%" in line for line in lines) == 4
    assert "  failed lately" not in lines
    assert "  next" in lines


def test_what_there_is_no_room_for_is_counted() -> None:
    """At 80 × 24, with the running jobs before the failed ones."""
    lines = told(seen(running=100, failed=9))
    [more] = [line for line in lines if line.startswith("  and ")]
    shown = sum("task" in line and "%" in line for line in lines)
    assert more == f"  and {100 - shown} more"
    assert shown >= 6
    assert "  failed lately" in lines


def test_a_connection_that_is_cut_is_said() -> None:
    """What is shown meanwhile is what was known before."""
    assert told(seen(), trouble="reconnecting for 3 s")[1] == "  reconnecting for 3 s"


def test_without_a_worker_it_says_how_to_start_one() -> None:
    """Nothing will run until then."""
    assert any("`taskkit worker`" in line for line in told(seen(workers=0)))

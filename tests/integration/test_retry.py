"""What failed or was cancelled is submitted again, as it was sent, on a real stack."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from waiting import wait_until

import taskkit
from taskkit.protocol.errors import JobNotFailed
from taskkit.protocol.jobs import JobState

pytestmark = pytest.mark.stack


def read(path: str, number: int = 0) -> int:
    """Need a file that may not be there yet."""
    return len(Path(path).read_text()) + number


def test_a_failed_job_is_tried_again(stack: taskkit.LocalStack, tmp_path: Path) -> None:
    """As a new job, with the arguments that it had, when what was missing is there."""
    path = tmp_path / "data"
    with stack.client() as client:
        job = client.options(name="reading").submit(read, str(path), number=5)
        with pytest.raises(FileNotFoundError):
            job.result(30)
        path.write_text("abc")
        again = job.retry()
        assert again.result(30) == 8
        assert (again.title, again.id == job.id) == ("reading", False)
        assert job.state is JobState.FAILED
        with pytest.raises(JobNotFailed):
            again.retry()


def test_a_cancelled_job_is_tried_again(stack: taskkit.LocalStack) -> None:
    """Also one that another client found."""
    with stack.client() as client:
        job = client.submit(time.sleep, 60)
        wait_until(lambda: job.state is JobState.RUNNING)
        with pytest.raises(JobNotFailed):
            job.retry()
        job.cancel()
        again = client.job(job.id).retry()
        wait_until(lambda: again.state is JobState.RUNNING)
        assert again.cancel()


@pytest.mark.parametrize("chunksize", [1, 4])
def test_a_batch_tries_its_failures_again(
    stack: taskkit.LocalStack, tmp_path: Path, chunksize: int
) -> None:
    """In their places; what had succeeded is not done again."""
    paths = [tmp_path / f"data{n}" for n in range(10)]
    for path in paths[::2]:
        path.write_text("abc")
    with stack.client() as client:
        batch = client.map(read, map(str, paths), range(10), chunksize=chunksize)
        wait_until(batch.done)
        failed = [n for n, r in enumerate(batch.records()) if r.state is JobState.FAILED]
        assert failed == [1, 3, 5, 7, 9]
        before = {n: batch.records()[n].id for n in range(0, 10, 2)}
        for path in paths[1::2]:
            path.write_text("abcdef")
        assert batch.retry() is batch
        assert list(batch) == [3, 7, 5, 9, 7, 11, 9, 13, 11, 15]
        assert {n: batch.records()[n].id for n in before} == before
        assert all(record.state is JobState.SUCCEEDED for record in batch.records())
        assert batch.retry().done()


def test_what_a_cancelled_batch_had_not_done_is_done(stack: taskkit.LocalStack) -> None:
    """Whether its items had jobs by then or not."""
    with stack.client() as client:
        batch = client.map(time.sleep, [0.3] * 200)
        wait_until(lambda: sum(r.is_final for r in batch.records()) >= 2)
        batch.cancel()
        wait_until(batch.done)
        left = sum(record.state is JobState.CANCELLED for record in batch.records())
        assert left > 150
        batch.retry()
        assert not batch.done()
        wait_until(lambda: sum(r.state is JobState.SUCCEEDED for r in batch.records()) > 201 - left)
        batch.cancel()

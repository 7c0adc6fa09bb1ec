"""What a notebook finds again after its kernel, or the script its process, is gone."""

from __future__ import annotations

import doctest
import importlib
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import wait_until

import taskkit
from taskkit.client import Client
from taskkit.panels.render import picture

pytestmark = pytest.mark.stack

LIMIT_S = 60


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch, stack: taskkit.LocalStack) -> str:
    """A session that no other test has, in this process's environment as in its children's."""
    name = f"/home/ada/{uuid.uuid4().hex}.ipynb"
    monkeypatch.setenv("TASKKIT_SESSION", name)
    monkeypatch.setenv("TASKKIT_URL", stack.url)
    monkeypatch.setenv("TASKKIT_TOKEN", stack.token)
    return name


@pytest.fixture
def client(session: str) -> Iterator[Client]:
    """A client that comes later, in this process."""
    made = Client()
    yield made
    made.close()


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """A file for which held jobs wait; it is there at the end in any case."""
    path = tmp_path / "gate"
    yield path
    path.touch()


class Script:
    """A process of its own that runs cells as a notebook's `__main__`, and says what they print."""

    def __init__(self, *cells: str) -> None:
        code = "\n".join(["import os, taskkit", "client = taskkit.Client()", *cells])
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Script:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def line(self) -> str:
        """Return the next line that it prints; empty at its end."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def lines(self) -> list[str]:
        """Return all that it prints until it ends by itself."""
        out, _ = self.process.communicate(timeout=LIMIT_S)
        assert self.process.returncode == 0
        return out.splitlines()


HELD = """
class Diverged(Exception):
    pass
def held(n, gate=None, marks=None):
    import pathlib, time
    if marks:
        with pathlib.Path(marks).open("a") as file:
            file.write(f"{n}\\n")
    while gate and not pathlib.Path(gate).exists():
        time.sleep(0.02)
    if n < 0:
        raise Diverged(n)
    return [n] * n * 1000
"""


def test_a_second_process_finds_all_jobs_of_one_that_was_killed(
    session: str, client: Client, gate: Path
) -> None:
    """By the session alone: results, errors and order as of one batch; what runs is live."""
    cells = [
        HELD,
        "done = [client.submit(held, n) for n in (1, 2)]",
        "failed = client.submit(held, -1)",
        f"running = client.options(name='long').submit(held, 3, {str(gate)!r})",
        "print(*[job.id for job in (*done, failed, running)])",
        "taskkit.wait([*done, failed]), print('waits'), running.result()",
    ]
    with Script(*cells) as first:
        ids = first.line().split()
        assert first.line() == "waits"
        first.process.send_signal(signal.SIGKILL)
        assert first.process.wait(LIMIT_S) == -signal.SIGKILL
    batch = client.reattach()
    assert [job.id for job in batch.jobs] == ids
    assert [job.title for job in batch.jobs] == ["held", "held", "held", "long"]
    assert {job.record.options.session for job in batch.jobs} == {session}
    assert batch[:2] == [[1] * 1000, [2] * 2000]
    with pytest.raises(Exception, match="-1") as caught:
        batch[2]
    assert type(caught.value).__name__ == "Diverged"
    wait_until(batch.jobs[3].running)
    assert not batch.done()
    changed = threading.Event()
    stop = batch.watch(changed.set)
    assert "running" in line_of(batch)
    gate.touch()
    assert changed.wait(LIMIT_S)
    assert batch[3] == [3] * 3000
    assert batch.done()
    stop()
    assert "3 succeeded" in line_of(batch)
    assert batch.title in line_of(batch)
    assert batch.title == session.rpartition("/")[2]


def test_a_session_without_jobs_is_an_empty_batch_that_says_so(
    session: str, client: Client
) -> None:
    """A sentence, not an error: the cell may run before any job was submitted."""
    batch = client.reattach()
    assert (len(batch), list(batch), batch.done()) == (0, [], True)
    assert line_of(batch) == f"{session.rpartition('/')[2]} has no jobs."


def test_a_key_finds_each_job_of_a_map_again_in_another_process(
    session: str, tmp_path: Path
) -> None:
    """Though the second pickles classes and sets otherwise; a longer list adds the new items."""
    marks = tmp_path / "marks"
    run = f"""
{HELD}
UNITS = {{"metre", "second", "kelvin"}}
def fit(n):
    # a comment that will be another
    assert "second" in UNITS and str(n) not in {{"a", "b", "c"}}
    return len(held(n, None, {str(marks)!r}))
batch = client.options(key={session!r}).map(fit, range(ITEMS))
print(*[job.id for job in batch.jobs]), print(list(batch))
"""
    first, results = Script(run.replace("ITEMS", "3")).lines()
    assert results == "[0, 1000, 2000]"
    longer = "\n" + run.replace("ITEMS", "5").replace("that will be another", "")
    second, results = Script(longer).lines()
    assert results == "[0, 1000, 2000, 3000, 4000]"
    assert second.split()[:3] == first.split()
    assert len(set(second.split())) == 5
    assert sorted(marks.read_text().split()) == ["0", "1", "2", "3", "4"]


def test_a_key_is_refused_for_another_call(client: Client, session: str) -> None:
    """Other arguments or other code are other work; a result of before would be a wrong one."""
    keyed = client.options(key=session)
    first = keyed.submit(lambda n: n + 1, 2)
    assert first.result(LIMIT_S) == 3
    for call, argument in ((lambda n: n + 1, 3), (lambda n: n + 2, 2)):
        error = keyed.submit(call, argument).exception(LIMIT_S)
        assert "belongs to another request" in str(error)
    assert keyed.submit(lambda n: n + 1, 2).id == first.id


def test_a_large_result_of_before_is_there_under_its_key(client: Client, session: str) -> None:
    """The job was final when it was submitted again."""
    keyed = client.options(key=session)
    first = keyed.submit(bytes, 100_000)
    assert first.result(LIMIT_S) == bytes(100_000)
    again = keyed.submit(bytes, 100_000)
    assert again.id == first.id
    assert again.result(LIMIT_S) == bytes(100_000)
    assert again.done()


def test_jobs_are_found_by_what_they_are(client: Client, session: str) -> None:
    """By name, state, time and session, each alone and together."""
    good = client.options(name=f"good {session}").submit(pow, 2, 3)
    bad = client.options(name=f"bad {session}").submit(pow, 0, -1)
    taskkit.wait([good, bad], LIMIT_S)

    def found(**filters: object) -> list[str]:
        return [job.id for job in client.jobs(session=session, **filters)]  # type: ignore[arg-type]

    assert found() == [bad.id, good.id]
    assert found(limit=1) == [bad.id]
    assert found(name=f"good {session}") == [good.id]
    assert found(name="pow") == [bad.id, good.id]
    assert found(state="failed") == [bad.id]
    assert found(state=["failed", taskkit.JobState.SUCCEEDED]) == [bad.id, good.id]
    assert found(since="2999-01-01") == []
    assert found(since="2000-01-01T00:00:00Z") == [bad.id, good.id]
    assert client.jobs(name=f"good {session}")[0].id == good.id
    assert client.jobs(session=f"not {session}") == []


RETRIED = """
class Unstable(Exception):
    pass
class Diverged(Unstable):
    pass
def fit(marks, kind, limit):
    import pathlib
    with pathlib.Path(marks).open("a") as file:
        file.write("began\\n")
    if len(pathlib.Path(marks).read_text().splitlines()) < limit:
        raise kind("not yet")
    return "fits"
"""


def test_a_job_is_tried_again_after_the_notebooks_own_exception(
    session: str, tmp_path: Path
) -> None:
    """After one that derives from it, too; not after another one, and not more often than said."""
    marks = [tmp_path / name for name in ("derived", "another", "spent")]
    cells = [
        RETRIED,
        "patient = client.options(retries=2, retry_on=Unstable)",
        f"jobs = [patient.submit(fit, {str(marks[0])!r}, Diverged, 3)]",
        f"jobs += [patient.submit(fit, {str(marks[1])!r}, ValueError, 3)]",
        f"jobs += [patient.options(retries=1).submit(fit, {str(marks[2])!r}, Unstable, 9)]",
        "outcomes = [job.exception() or job.result() for job in jobs]",
        "print([str(outcome) for outcome in outcomes])",
        "print([job.record.attempt for job in jobs])",
        "print([[past.end.value for past in job.record.past_attempts] for job in jobs])",
    ]
    outcomes, attempts, ends = Script(*cells).lines()
    assert outcomes == "['fits', 'not yet', 'not yet']"
    assert attempts == "[3, 1, 2]"
    assert ends == "[['failed', 'failed'], [], ['failed']]"
    assert [len(path.read_text().splitlines()) for path in marks] == [3, 1, 2]


def test_a_job_that_runs_for_too_long_raises_job_timed_out(client: Client) -> None:
    """Its own error, apart from the wait's: the job is over."""
    job = client.options(timeout_s=0.5).submit(time.sleep, 60)
    with pytest.raises(taskkit.JobTimedOut):
        job.result(LIMIT_S)
    assert job.state == "failed"
    found = client.job(job.id)
    assert isinstance(found.exception(LIMIT_S), taskkit.JobTimedOut)


def test_an_interrupted_wait_leaves_the_job_running(
    session: str, client: Client, gate: Path
) -> None:
    """Ctrl-C, or Jupyter's stop button, ends the cell; the result is there later."""
    cells = [
        HELD,
        f"job = client.submit(held, 1, {str(gate)!r})",
        "try:\n    print(job.id)\n    job.result()\n"
        "except KeyboardInterrupt:\n    print('detached', job.done())",
    ]
    with Script(*cells) as script:
        job = client.job(script.line())
        wait_until(job.running)
        script.process.send_signal(signal.SIGINT)
        assert script.line() == "detached False"
        assert script.process.wait(LIMIT_S) == 0
    assert job.running()
    gate.touch()
    assert job.result(LIMIT_S) == [1] * 1000
    assert job.record.attempt == 1


@pytest.mark.parametrize("name", ["client", "finder", "session", "carded", "batch"])
def test_the_examples_of_the_client_run(name: str, session: str) -> None:
    """As they are written, against a stack."""
    module = importlib.import_module(f"taskkit.client.{name}")
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def line_of(batch: taskkit.Batch[object]) -> str:
    """Return what a panel shows of a batch now, as a line."""
    now_ms = time.time_ns() // 1_000_000
    return picture(batch.title, batch.records(), now_ms=now_ms).line

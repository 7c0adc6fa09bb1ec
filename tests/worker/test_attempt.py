"""One attempt at a job, from claim to finish, on the ledger in memory."""

from __future__ import annotations

import base64
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

import taskkit
from taskkit.ledger import Claim, JobRef, Lease, Ran, StoredResult, Write
from taskkit.ledger.memory import MemoryLedger
from taskkit.protocol import wire
from taskkit.protocol.errors import PythonMismatch, Unavailable
from taskkit.protocol.events import JobFailed, JobSucceeded
from taskkit.protocol.jobs import JobRecord, JobState
from taskkit.protocol.options import DEFAULT, TIMED_OUT, JobOptions
from taskkit.protocol.spec import INLINE_RESULT_BYTES, JobSpec
from taskkit.protocol.workers import WorkerInfo
from taskkit.travel import values
from taskkit.travel.functions import PYTHON_MINOR, pickle_arguments, pickle_function
from taskkit.travel.values import preview
from taskkit_worker import outcome
from taskkit_worker.attempt import Attempts
from taskkit_worker.catalogue import Catalogue
from taskkit_worker.handover import Handover
from taskkit_worker.owned_blobs import OwnedBlobs
from taskkit_worker.performance import Here, Inquiry
from taskkit_worker.tree import end_tree

WORKER = "lab-7-1f"


class Finishing(MemoryLedger):
    """A ledger whose finishing can fail, and in which somebody may be quick to cancel."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: list[Exception] = []
        self.finishes = 0
        self.cancels_what_is_claimed = False

    def claim(self, ref: JobRef, *, worker: str, pid: int) -> Claim | None:
        claim = super().claim(ref, worker=worker, pid=pid)
        if self.cancels_what_is_claimed:
            self.cancel(ref)
        return claim

    def finish(
        self,
        lease: Lease,
        outcome: JobSucceeded | JobFailed,
        result: StoredResult | None,
        *,
        is_retryable: bool = False,
        ran: Ran | None = None,
    ) -> Write:
        self.finishes += 1
        if self.failures:
            raise self.failures.pop()
        return super().finish(lease, outcome, result, is_retryable=is_retryable, ran=ran)


NOWHERE = OwnedBlobs(None, Path("unused"))


class Bench:
    """A ledger, a worker's process, and jobs for it."""

    def __init__(self) -> None:
        self.ledger = Finishing()
        self._others = self._children()
        info = WorkerInfo(name=WORKER, host="lab", pid=1, processes=1, python="3.11.7", cores=1)
        self.ledger.join(info)
        self.attempts = self.attempts_at(Catalogue())

    def attempts_at(self, catalogue: Catalogue, blobs: OwnedBlobs = NOWHERE) -> Attempts:
        """Return what runs jobs, with other named tasks or a place for blobs."""
        performer = Here(
            catalogue,
            reports=self.ledger,
            source=self.ledger,
            blobs=blobs,
            is_over=Inquiry(self.ledger).is_over,
            end_children=self._end_children,
        )
        return Attempts(self.ledger, performer, WORKER, handover=Handover())

    def _children(self) -> set[int]:
        return {child.pid for child in psutil.Process().children()}

    def _end_children(self) -> None:
        """As in a pool process, but for the Redis and the executors of other tests."""
        for pid in self._children() - self._others:
            end_tree(pid)
            os.waitpid(pid, 0)

    def submit(
        self,
        function: Callable[..., Any],
        *args: Any,
        python: str = PYTHON_MINOR,
        options: JobOptions = DEFAULT,
    ) -> JobRef:
        """Make a job of a function that travels."""
        pickled, _ = pickle_function(function)
        digest = sha256(pickled).hexdigest()
        self.ledger.put_function("ada", digest, pickled)
        payload, _ = pickle_arguments(args, {})
        spec = JobSpec(task="fit", function=digest, payload=payload, python=python, options=options)
        return self._submit(spec)

    def submit_named(self, task: str, arguments: str = "{}") -> JobRef:
        """Make a job of a named task."""
        return self._submit(JobSpec(task=task, arguments=arguments))

    def _submit(self, spec: JobSpec) -> JobRef:
        [made] = self.ledger.submit("ada", [(os.urandom(8).hex(), spec)])
        return JobRef("ada", made.record.id)

    def run(self, function: Callable[..., Any], *args: Any) -> JobRecord:
        """Run a function as a job; return what became of it."""
        return self.run_ref(self.submit(function, *args))

    def run_ref(self, ref: JobRef) -> JobRecord:
        """Run a job; return what became of it."""
        claim = self.attempts.begin("default")
        assert claim is not None
        assert claim.lease.ref == ref
        assert self.attempts.run(claim, lambda: False) is None
        record = self.ledger.job(ref)
        assert record is not None
        assert self.ledger.held(WORKER) == []
        return record

    def value(self, record: JobRecord) -> Any:
        """Return what is stored of a job."""
        stored = self.ledger.result(JobRef("ada", record.id))
        assert stored is not None
        return values.decode(stored.media_type, stored.body)


@pytest.fixture
def bench() -> Bench:
    """An empty one."""
    return Bench()


def test_a_function_runs_and_its_result_is_kept(bench: Bench) -> None:
    """In the record where it is small, with a preview; its output and progress before it."""

    def fit(x: int) -> dict[str, int]:
        os.write(1, b"fitting\n")
        taskkit.progress(1, 1)
        return {"x": x * 2}

    record = bench.run(fit, 21)
    assert (record.state, record.attempt, record.worker) == (JobState.SUCCEEDED, 1, WORKER)
    assert record.output == "fitting\n"
    assert record.progress is not None
    assert record.result is not None
    assert (record.result.media_type, record.result.preview) == (wire.JSON, "{'x': 42}")
    assert base64.b64decode(record.result.inline or "") == b'{"x":42}'
    assert bench.value(record) == {"x": 42}


def test_a_named_task_runs_with_its_arguments(bench: Bench) -> None:
    """By name, as JSON."""
    record = bench.run_ref(bench.submit_named("primes", '{"limit": 100}'))
    assert bench.value(record) == 25


def test_a_larger_result_is_stored_beside_the_record(bench: Bench) -> None:
    """As a pickle, in full."""
    record = bench.run(lambda: np.arange(10_000))
    assert record.result is not None
    assert record.result.inline is None
    assert record.result.size_bytes > INLINE_RESULT_BYTES
    assert record.result.preview == "ndarray of shape (10000,), int64"
    assert (bench.value(record) == np.arange(10_000)).all()


@pytest.mark.parametrize(
    "value",
    ["caf\udce9", {"\ud800": 1}, 2**20_000, float("nan"), (1, {2: 3}), None],
    ids=["name", "key", "large", "nan", "tuple", "none"],
)
def test_strange_results_are_results(bench: Bench, value: object) -> None:
    """Names of files that are not UTF-8, and very large numbers."""
    record = bench.run(lambda: value)
    assert record.state is JobState.SUCCEEDED
    assert preview(bench.value(record)) == preview(value)
    wire.event_data(JobSucceeded(result=record.result)).encode()


def diverge(step: int) -> None:
    """Raise, some calls deep."""

    def deeper() -> None:
        raise ArithmeticError(f"diverged at step {step}")

    deeper()


def test_an_exception_is_kept_with_the_users_own_frames(bench: Bench) -> None:
    """Its class, message and pickle; of the traceback no frame of the worker's."""
    record = bench.run(diverge, 7)
    assert record.state is JobState.FAILED
    assert record.error is not None
    assert (record.error.type, record.error.message) == ("ArithmeticError", "diverged at step 7")
    error = bench.value(record)
    assert type(error) is ArithmeticError
    text = record.error.traceback
    assert text.startswith("Traceback (most recent call last):\n")
    assert text.count("  File ") == 2
    assert "in deeper" in text
    assert "taskkit_worker" not in text
    assert text.endswith("ArithmeticError: diverged at step 7\n")


def test_a_named_tasks_exception_has_the_users_own_frames(
    bench: Bench, tmp_path: Path, fresh_imports: None
) -> None:
    """Neither the worker's nor pydantic's are among them."""
    file = tmp_path / "failing_x.py"
    file.write_text("import taskkit\n@taskkit.task\ndef failing(x: int):\n    return 1 / x\n")
    bench.attempts = bench.attempts_at(Catalogue([str(file)]))
    record = bench.run_ref(bench.submit_named("failing", '{"x": 0}'))
    assert record.error is not None
    assert record.error.type == "ZeroDivisionError"
    assert record.error.traceback.count("  File ") == 1
    assert f'File "{file}"' in record.error.traceback


def test_arguments_that_do_not_fit_fail_the_job_by_name(bench: Bench) -> None:
    """Where a worker of another version accepted them; no traceback of ours."""
    record = bench.run_ref(bench.submit_named("primes", '{"limit": "x"}'))
    assert record.error is not None
    assert record.error.type == "taskkit.InvalidArguments"
    assert "limit: " in record.error.message
    assert "  File " not in record.error.traceback


def leave() -> None:
    """End the process, or try to."""
    sys.exit(3)


def interrupt() -> None:
    """Behave as if somebody had pressed Ctrl-C."""
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("function", "kind"), [(leave, "SystemExit"), (interrupt, "KeyboardInterrupt")]
)
def test_leaving_ends_the_job_and_not_the_worker(
    bench: Bench, function: Callable[[], None], kind: str
) -> None:
    """It failed, by whatever it raised."""
    record = bench.run(function)
    assert record.state is JobState.FAILED
    assert record.error is not None
    assert record.error.type == kind
    assert bench.run(lambda: 1).state is JobState.SUCCEEDED


class Mute(Exception):
    """Its message cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no")


class Holding(Exception):
    """Cannot be pickled."""

    def __init__(self) -> None:
        super().__init__("holds a lock")
        self.lock = threading.Lock()


def raising(make: Callable[[], BaseException]) -> Callable[[], None]:
    """Return a function that raises what `make` returns."""

    def fail() -> None:
        raise make()

    return fail


def test_an_exception_that_cannot_travel_is_told_in_words(bench: Bench) -> None:
    """Its name, message and traceback; nothing is stored."""
    record = bench.run(raising(Holding))
    assert record.error is not None
    assert record.error.type.endswith("Holding")
    assert record.error.message == "holds a lock"
    assert bench.ledger.result(JobRef("ada", record.id)) is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Mute, "(its message cannot be had)"),
        (lambda: ValueError("caf\udce9"), "caf\\udce9"),
        (lambda: ValueError("x" * 20_000), "x" * 10_000),
    ],
    ids=["mute", "half a pair", "long"],
)
def test_a_strange_exception_still_fails_the_job(
    bench: Bench, make: Callable[[], BaseException], message: str
) -> None:
    """A job that stayed running for ever would be worse than any message."""
    record = bench.run(raising(make))
    assert record.state is JobState.FAILED
    assert record.error is not None
    assert record.error.message == message
    wire.event_data(JobFailed(error=record.error)).encode()


@pytest.mark.parametrize("make", [threading.Lock, lambda: (n for n in ())], ids=["lock", "gen"])
def test_a_result_that_cannot_travel_is_named(bench: Bench, make: Callable[[], Any]) -> None:
    """With its type; the job failed."""
    record = bench.run(lambda: make())
    assert record.error is not None
    assert record.error.type == "TypeError"
    kind = type(make()).__name__
    assert record.error.message.startswith(f"the result, a {kind}, cannot be pickled: ")
    assert "  File " not in record.error.traceback


def test_a_result_that_is_too_large_is_told_with_another_way(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job failed; nothing of it is stored."""
    monkeypatch.setattr(outcome, "MAX_RESULT_BYTES", 2**20)
    record = bench.run(lambda: b"x" * (3 * 2**20))
    assert record.error is not None
    assert record.error.message == (
        "the result takes 3 MiB and may take 1: "
        "write it to a file that you can reach and return its path"
    )
    assert bench.run(lambda: b"x" * 2**19).state is JobState.SUCCEEDED


def test_a_function_of_another_python_is_not_loaded(bench: Bench) -> None:
    """Its pickle may mean something else here."""
    record = bench.run_ref(bench.submit(len, [1], python="3.7"))
    assert record.error is not None
    assert "Python 3.7" in record.error.message
    assert isinstance(bench.value(record), PythonMismatch)


def test_a_function_that_is_gone_is_told(bench: Bench) -> None:
    """Its time was over before the job's turn came."""
    ref = bench.submit(len, [1])
    bench.ledger._functions.clear()
    record = bench.run_ref(ref)
    assert record.error is not None
    assert record.error.type == "LookupError"
    assert "submit the job again" in record.error.message


def test_a_function_is_loaded_once(bench: Bench) -> None:
    """Its second job finds it, as the first left it, without asking the ledger."""

    def fit() -> int:
        fit.calls = getattr(fit, "calls", 0) + 1  # type: ignore[attr-defined]
        return int(fit.calls)  # type: ignore[attr-defined]

    first, second = bench.submit(fit), bench.submit(fit)
    assert bench.value(bench.run_ref(first)) == 1
    bench.ledger._functions.clear()
    assert bench.value(bench.run_ref(second)) == 2


def test_a_job_that_is_not_to_be_had_is_not_run(bench: Bench) -> None:
    """A wake-up that came twice, for a cancelled job, or in a queue that has none."""
    done = bench.submit(len, [1])
    bench.run_ref(done)
    cancelled = bench.submit(len, [1])
    bench.ledger.cancel(cancelled)
    finishes = bench.ledger.finishes
    for queue in ("default", "default", "gpu"):
        assert bench.attempts.begin(queue) is None
    assert bench.ledger.finishes == finishes


@pytest.mark.parametrize("text", [b"", b"said too late"], ids=["silent", "printing"])
def test_a_cancelled_job_stays_cancelled(bench: Bench, text: bytes) -> None:
    """What its attempt says and returns is nobody's, and the worker lets go of it at once."""
    bench.ledger.cancels_what_is_claimed = True
    record = bench.run(lambda: os.write(1, text))
    assert record.state is JobState.CANCELLED
    assert (record.output, record.result) == ("", None)


def test_a_cancelled_job_is_interrupted(bench: Bench) -> None:
    """The signal ends it where it is; the process goes on to the next."""

    def work() -> None:
        signal.raise_signal(signal.SIGINT)
        os.write(1, b"not reached")

    bench.ledger.cancels_what_is_claimed = True
    assert bench.run(work).state is JobState.CANCELLED
    bench.ledger.cancels_what_is_claimed = False
    record = bench.run(work)
    assert (record.state, record.output) == (JobState.SUCCEEDED, "not reached")


def test_a_ledger_that_is_away_is_waited_for(bench: Bench) -> None:
    """The outcome is not lost, and not computed again."""
    bench.ledger.failures = [Unavailable("Redis does not answer (test)") for _ in range(2)]
    record = bench.run(lambda: 5)
    assert bench.ledger.finishes == 3
    assert bench.value(record) == 5


def test_an_outcome_that_cannot_be_written_costs_the_attempt(bench: Bench) -> None:
    """The job is queued again and its cause is kept; it does not stay running for ever."""
    bench.ledger.failures = [ZeroDivisionError("a bug")]
    ref = bench.submit(lambda: 5)
    record = bench.run_ref(ref)
    assert record.state is JobState.QUEUED
    [lost] = record.past_attempts
    assert "ZeroDivisionError: a bug" in lost.cause
    assert bench.value(bench.run_ref(ref)) == 5


def test_jobs_of_one_process_do_not_mix(bench: Bench) -> None:
    """Each has its own output and progress."""

    def say(word: str) -> str:
        os.write(1, word.encode())
        return word

    records = [bench.run(say, word) for word in ("one", "two", "three")]
    assert [record.output for record in records] == ["one", "two", "three"]
    assert [bench.value(record) for record in records] == ["one", "two", "three"]


class Flaky(ValueError):
    """What a task of a notebook may raise."""


@pytest.mark.parametrize(
    ("retry_on", "state"),
    [
        ((), JobState.QUEUED),
        (("ValueError",), JobState.QUEUED),
        ((f"{Flaky.__module__}.Flaky",), JobState.QUEUED),
        (("KeyError",), JobState.FAILED),
    ],
)
def test_only_what_was_named_is_tried_again(
    bench: Bench, retry_on: tuple[str, ...], state: JobState
) -> None:
    """By its own class, or by one that it derives from."""

    def fit() -> None:
        raise Flaky("no")

    record = bench.run_ref(bench.submit(fit, options=JobOptions(retries=1, retry_on=retry_on)))
    assert record.state is state


def test_a_task_that_exits_is_not_tried_again(bench: Bench) -> None:
    """`SystemExit` is no failure that passes by itself."""
    record = bench.run_ref(bench.submit(sys.exit, "done", options=JobOptions(retries=1)))
    assert record.state is JobState.FAILED


def test_a_job_that_runs_for_too_long_is_stopped(bench: Bench) -> None:
    """In its own code, so that it can clean up; the children it leaves are ended for it."""

    def fit(pid_file: str) -> None:
        import subprocess
        import time
        from pathlib import Path

        child = subprocess.Popen(["sh", "-c", "trap '' TERM INT; while :; do sleep 0.1; done"])
        Path(pid_file).write_text(str(child.pid))
        time.sleep(60)

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pid"
        options = JobOptions(timeout_s=0.3)
        record = bench.run_ref(bench.submit(fit, str(file), options=options))
        assert record.state is JobState.FAILED
        assert record.error is not None
        assert record.error.type == TIMED_OUT
        assert "0.3 s" in record.error.message
        assert "time.sleep(60)" in record.error.traceback
        assert not psutil.pid_exists(int(file.read_text()))


def test_a_job_in_time_hears_nothing_later(bench: Bench) -> None:
    """The next job of the process is not interrupted by the alarm of this one."""
    assert bench.run_ref(bench.submit(pow, 2, 3, options=JobOptions(timeout_s=0.05))).result
    bench.run(time.sleep, 0.1)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts private memory")
def test_a_job_that_takes_too_much_memory_fails_alone(bench: Bench) -> None:
    """With what its limit was; the next job of the process has its own."""

    def fit(mib: int) -> int:
        return len(bytearray(mib * 2**20))

    options = JobOptions(memory_mib=64)
    record = bench.run_ref(bench.submit(fit, 512, options=options))
    assert record.error is not None
    assert record.error.type == "MemoryError"
    assert "64 MiB" in record.error.traceback
    assert bench.run_ref(bench.submit(fit, 16, options=options)).state is JobState.SUCCEEDED
    assert bench.run(fit, 512).state is JobState.SUCCEEDED


def test_a_job_and_its_children_know_who_they_are(bench: Bench) -> None:
    """So that what they do outside can be made to happen once."""

    def fit() -> str:
        import subprocess

        command = ["sh", "-c", "echo $TASKKIT_JOB_ID $TASKKIT_ATTEMPT"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    record = bench.run(fit)
    assert bench.value(record) == f"{record.id} 1\n"

"""What jobs can do is the same in a process of their own, and that costs nobody else when it dies.

Both ways to perform run on the ledger in memory; the boxes are real.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from boxing import Bench, boxed
from waiting import wait_until

import taskkit
from taskkit.ledger import JobRef
from taskkit.ledger.memory import MemoryLedger
from taskkit.protocol.jobs import AttemptEnd, JobState
from taskkit.protocol.options import TIMED_OUT
from taskkit.protocol.spec import JobSpec
from taskkit.travel.chunks import Blocks, Outcomes
from taskkit.travel.pickling import dumps
from taskkit_worker.box.boxes import Boxes, open_boxes
from taskkit_worker.box.bubble import Bubble
from taskkit_worker.catalogue import Catalogue
from taskkit_worker.owned_blobs import OwnedBlobs
from taskkit_worker.performance import Here, Inquiry, Performs
from taskkit_worker.settings import Settings
from taskkit_worker.tree import PR_SET_CHILD_SUBREAPER, adopt_orphans

pytestmark = boxed()

MODULE = "taskkit_worker.box.inside"


@pytest.fixture(scope="module")
def boxes() -> Iterator[Boxes]:
    """What a worker has for its boxes."""
    with closing(open_boxes(Settings(redis_url="redis://nowhere"), [])) as opened:
        yield opened


@pytest.fixture(params=["here", "box"])
def bench(request: pytest.FixtureRequest, boxes: Boxes, tmp_path: Path) -> Bench:
    """One of either kind."""

    def make(ledger: MemoryLedger, blobs: OwnedBlobs) -> Performs:
        if request.param == "box":
            return boxes.performer(ledger, blobs)  # type: ignore[arg-type]
        is_over = Inquiry(ledger).is_over  # type: ignore[arg-type]
        return Here(Catalogue(), reports=ledger, source=ledger, blobs=blobs, is_over=is_over)

    return Bench(make, tmp_path)


@pytest.fixture
def box(boxes: Boxes, tmp_path: Path) -> Bench:
    """One whose jobs are boxed."""
    return boxing(boxes, tmp_path)


def boxing(boxes: Boxes, folder: Path) -> Bench:
    """Return a bench with these boxes."""
    return Bench(lambda ledger, blobs: boxes.performer(ledger, blobs), folder)  # type: ignore[arg-type]


def test_a_job_says_and_returns_what_it_does(bench: Bench) -> None:
    """Progress, curves, figures, output of C code, in its order, and its value."""

    def fit(x: int) -> dict[str, int]:
        taskkit.progress(1, 4, "halfway there")
        taskkit.report(loss=0.5, step=3)
        taskkit.display([1, 2], name="pair")
        os.write(1, b"first\n")
        os.write(2, b"from C\n")
        return {"x": x + 1}

    record = bench.run(fit, 2)
    assert record.state is JobState.SUCCEEDED, record.error
    assert bench.value(record) == {"x": 3}
    assert record.result is not None
    assert (record.result.preview, record.result.inline is None) == ("{'x': 3}", False)
    assert record.progress is not None
    assert (record.progress.done, record.progress.message) == (1, "halfway there")
    assert [(curve.name, curve.x, curve.y) for curve in record.curves] == [("loss", (3,), (0.5,))]
    assert [figure.name for figure in record.figures] == ["pair"]
    assert record.output == "first\nfrom C\n"


def test_large_values_come_and_go(bench: Bench) -> None:
    """As blobs of the owner's store, in pieces where they are larger than one; figures, too."""

    def double(array: Any) -> Any:
        class Picture:
            def _repr_png_(self) -> bytes:
                return bytes(100_000)

        taskkit.display(Picture())
        array += 1  # its own
        return array * 2

    array = np.arange(1_500_000, dtype=float)
    record = bench.run(double, array)
    assert record.state is JobState.SUCCEEDED, record.error
    assert np.array_equal(bench.value(record), 2 * (array + 1))
    assert array[1] == 1.0
    store = bench.blobs.of("ada")
    assert store is not None
    [figure] = record.figures
    assert figure.digest is not None
    assert bytes(store.read(figure.digest)) == bytes(100_000)


def test_a_named_task_is_called(bench: Bench) -> None:
    """With arguments that were checked."""
    wrong = bench.run_ref(bench.submit_spec(JobSpec(task="primes", arguments='{"limit": "x"}')))
    assert wrong.error is not None
    unknown = bench.run_ref(bench.submit_spec(JobSpec(task="nothing")))
    assert unknown.error is not None
    assert unknown.error.type == "taskkit.TaskNotFound"
    assert "nothing" in unknown.error.message


TASKS = """
from pathlib import Path
from taskkit import task
import beside

@task
def peek(name: str) -> str:
    return beside.read(Path(__file__).parent / name)
"""


@pytest.mark.parametrize("is_by_name", [False, True], ids=["file", "module"])
def test_a_worker_s_own_tasks_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_by_name: bool
) -> None:
    """By their file or as a package; the configuration that lies beside them is not."""
    package = tmp_path / "boxed_lab"
    package.mkdir()
    (package / "taskkit.toml").write_text("secret")
    (package / "data.txt").write_text("data")
    (package / "beside.py").write_text("def read(path): return path.read_text()")
    if is_by_name:
        text = TASKS.replace("import beside", "from . import beside")
        (package / "__init__.py").write_text(text)
        monkeypatch.syspath_prepend(str(tmp_path))
        task = "boxed_lab"
    else:
        (package / "peeking.py").write_text(TASKS)
        task = str(package / "peeking.py")
    settings = Settings(redis_url="redis://nowhere", tasks=(task,))
    with closing(open_boxes(settings, [package / "taskkit.toml"])) as boxes:
        bench = boxing(boxes, tmp_path)
        found = [
            bench.value(bench.run_ref(bench.submit_spec(JobSpec(task="peek", arguments=arguments))))
            for arguments in ('{"name": "data.txt"}', '{"name": "taskkit.toml"}')
        ]
    assert found[0] == "data"
    assert isinstance(found[1], PermissionError)


def test_an_exception_travels_with_its_traceback(bench: Bench) -> None:
    """Itself, and in words from the user's own code on."""

    def fail() -> None:
        raise ValueError("no such thing")

    record = bench.run(fail)
    assert record.state is JobState.FAILED
    assert record.error is not None
    assert (record.error.type, record.error.message) == ("ValueError", "no such thing")
    lines = record.error.traceback.splitlines()
    assert "in fail" in lines[1]
    assert isinstance(bench.value(record), ValueError)


def test_what_cannot_be_pickled_is_said(bench: Bench) -> None:
    """Of a result where it is, of an exception in words."""
    lock = bench.run(lambda: {"lock": threading.Lock()})
    assert lock.error is not None
    assert "cannot be pickled" in lock.error.message

    def fail() -> None:
        class Odd(Exception):
            def __reduce__(self) -> Any:
                raise TypeError("never")

        raise Odd("it is so")

    odd = bench.run(fail)
    assert odd.error is not None
    assert odd.error.message == "it is so"


def test_the_calls_of_a_map_share_a_process(bench: Bench) -> None:
    """And what one of them raises is in its own place."""

    def halve(x: int) -> float:
        return 1 / x

    calls = [(1,), (2,), (0,), (4,)]
    chunk = Blocks(calls, dumps).chunk(0, 4, None)
    record = bench.run_ref(bench.submit(halve, chunk))
    assert record.state is JobState.FAILED
    outcomes = bench.value(record).outcomes
    assert isinstance(outcomes, Outcomes)
    assert [one for one in outcomes.values if isinstance(one, float)] == [1.0, 0.5, 0.25]
    assert record.error is not None
    assert record.error.type == "ZeroDivisionError"


def test_a_job_that_takes_too_long_ends(bench: Bench) -> None:
    """By its time limit, with the exception that says so."""
    record = bench.run(lambda: time.sleep(60), timeout_s=0.5)
    assert record.error is not None
    assert record.error.type == TIMED_OUT


def test_a_job_that_takes_too_much_memory_fails(bench: Bench) -> None:
    """With the limit in the note of its MemoryError, the process being there still."""
    record = bench.run(lambda: len(bytearray(400 * 2**20)), memory_mib=100)
    assert record.error is not None
    assert record.error.type == "MemoryError"
    assert "100 MiB" in record.error.traceback
    assert bench.value(bench.run(lambda: len(bytearray(2**20)), memory_mib=100)) == 2**20


def test_bars_of_tqdm_are_shown(box: Bench) -> None:
    """Without an import of ours in the job."""

    def loop() -> int:
        from tqdm import tqdm

        return sum(1 for _ in tqdm(range(50), desc="steps"))

    record = box.run(loop)
    assert record.progress is not None
    assert (record.progress.done, record.progress.message) == (50, "steps")


def test_a_cancelled_job_is_interrupted(box: Bench) -> None:
    """In the midst of what it does, so that it can still tidy up, and the process is gone."""

    def wait() -> None:
        try:
            taskkit.progress(1)
            time.sleep(120)
        except KeyboardInterrupt:
            print("tidied up")
            raise

    ref = box.submit(wait)
    claim = box.begin()

    def cancel() -> None:
        wait_until(lambda: box.record(ref).progress is not None)
        os.kill(os.getpid(), signal.SIGINT)  # meant for another: the job goes on
        box.ledger.cancel(ref)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=cancel)
    thread.start()
    began = time.monotonic()
    assert box.attempts.run(claim, lambda: False) is None
    thread.join()
    assert time.monotonic() - began < 100
    assert box.record(ref).state is JobState.CANCELLED


def test_an_interrupt_that_is_not_meant_for_it_is_passed_over(box: Bench) -> None:
    """The ledger is asked before anything is."""

    def wait() -> str:
        taskkit.progress(1)
        time.sleep(1.0)
        return "done"

    ref = box.submit(wait)
    claim = box.begin()

    def disturb() -> None:
        wait_until(lambda: box.record(ref).progress is not None)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=disturb)
    thread.start()
    box.attempts.run(claim, lambda: False)
    thread.join()
    assert box.value(box.record(ref)) == "done"


@dataclass(frozen=True, slots=True)
class Death:
    """How a job ends its process, and what is said of it."""

    die: Callable[[], Any]
    cause: str


def fault() -> None:
    """Have the kernel end this process for what it reads."""
    import ctypes

    ctypes.string_at(0)


DEATHS = {
    "SIGKILL": Death(
        lambda: os.kill(os.getpid(), signal.SIGKILL), "its process ended with signal 9 (SIGKILL)"
    ),
    "segfault": Death(fault, "its process ended with signal 11 (SIGSEGV)"),
    "exit": Death(lambda: os._exit(3), "its process ended with exit code 3"),
    "line": Death(lambda: os.closerange(3, 256), "its process ended with exit code 1"),
}


@pytest.mark.parametrize("name", DEATHS)
def test_a_process_that_dies_costs_the_attempt(box: Bench, name: str) -> None:
    """With its cause; the job is queued again, and the next one has a process of its own."""
    death = DEATHS[name]
    record = box.run(death.die)
    assert record.state is JobState.QUEUED
    [past] = record.past_attempts
    assert (past.end, past.cause) == (AttemptEnd.LOST, death.cause)
    box.ledger.cancel(JobRef("ada", record.id))
    assert box.value(box.run(lambda: 5)) == 5


def runs(process: psutil.Process, text: str) -> bool:
    """Return whether a process runs, with this in its command line."""
    try:
        return any(text in word for word in process.cmdline())
    except psutil.Error:  # it has ended
        return False


def zombies() -> set[int]:
    """Return this process's children that nobody has waited for."""
    children = psutil.Process().children()
    return {one.pid for one in children if one.status() == psutil.STATUS_ZOMBIE}


def test_a_process_that_died_before_its_job_came_costs_nothing(box: Bench) -> None:
    """Another one is started in its place."""
    box.run(lambda: 1)
    waiting = [one for one in psutil.Process().children() if runs(one, MODULE)]
    assert waiting  # also what other tests have left
    for one in waiting:
        one.kill()
    record = box.run(lambda: 2)
    assert (box.value(record), record.past_attempts) == (2, ())


def test_what_a_job_leaves_running_ends_with_it(box: Bench) -> None:
    """Whatever it ignores, and its files go."""

    def leave() -> str:
        import subprocess
        from pathlib import Path

        script = (
            "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(99)"
        )
        subprocess.Popen([sys.executable, "-c", script, "left-by-a-box"], start_new_session=True)
        deep = Path("a/b/c")
        deep.mkdir(parents=True)
        (deep / "file").write_text("x")
        deep.chmod(0)
        return str(Path.cwd())

    assert box.value(box.run(leave)) == "/tmp"

    def left() -> list[int]:
        found = []
        for process in psutil.process_iter(["cmdline"]):
            if "left-by-a-box" in (process.info["cmdline"] or ()):
                found.append(process.pid)
        return found

    wait_until(lambda: not left())


def test_each_box_is_gone_with_its_job(boxes: Boxes, tmp_path: Path) -> None:
    """Its processes, its descriptors and its folder; only the next one waits."""
    gc.collect()  # benches of other tests, whose boxes end with them
    bench = boxing(boxes, tmp_path)
    adopt_orphans()  # as a pool process does
    bench.run(lambda: 1)
    others = zombies()  # what other tests have killed
    before, folders = psutil.Process().num_fds(), len(list(boxes.folder.iterdir()))
    for _ in range(3):
        bench.run(lambda: 1)
    assert psutil.Process().num_fds() <= before
    assert len(list(boxes.folder.iterdir())) == folders
    left = zombies() - others
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 0)
    assert len(left) < 3  # one a job, if it were so


def test_usage_is_that_of_the_jobs_process(box: Bench) -> None:
    """Measured from outside: its memory and its CPU time, and not this process's."""

    def work() -> int:
        block = bytearray(os.urandom(1)) * (150 * 2**20)
        until = time.monotonic() + 2.5
        while time.monotonic() < until:
            pass
        return len(block)

    ballast = bytearray(os.urandom(1)) * (400 * 2**20)
    record = box.run(work)
    assert record.usage is not None
    assert 150 * 2**20 < record.usage.peak_bytes < len(ballast)
    assert record.usage.cores > 0.05


def test_a_job_that_takes_too_much_cpu_time_fails(boxes: Boxes, tmp_path: Path) -> None:
    """Not by being killed, where Python gets to know of it."""
    bubble = replace(boxes.bubble, cpu_s=0.5)
    bench = boxing(replace(boxes, bubble=bubble), tmp_path)

    def spin() -> None:
        while True:
            pass

    record = bench.run(spin)
    assert record.state is JobState.FAILED
    assert record.error is not None
    assert record.error.type == TIMED_OUT
    assert "0.5 s of CPU time" in record.error.message
    assert bench.value(bench.run(lambda: 1)) == 1


SCRIPTS = {
    "silent": ("", "no process could be started for it: exitcode 0"),
    "garbage": ("say(b'x' * 4096); wait()", "no process could be started for it: it says"),
    "flood": (
        "ready()\nwhile True: say(frame({'kind': 'function', 'id': 1}))",
        None,
    ),
    "huge head": ("ready(); say(struct.pack('!IQ', 2**31, 0)); wait()", "its process was ended"),
    "huge body": (
        "ready(); say(frame({'kind': 'piece', 'id': 1, 'at': 0}, length=2**40)); wait()",
        "its process was ended: it brings",
    ),
    "half a frame": (
        "ready(); say(frame({'kind': 'result'})[:9]); sys.exit(4)",
        "its process ended with exit code 4",
    ),
    "no result": ("ready(); say(frame({'kind': 'result'})); wait()", "its process was ended"),
    "after it was told": (
        "ready(); line.recv(1); sys.exit(5)",
        "its process ended with exit code 5",
    ),
    "no JSON": (
        "ready(); say(struct.pack('!IQ', 4, 0) + b'{NaN'); wait()",
        "its process was ended",
    ),
    "another's job": (
        "ready(); say(frame({'kind': 'job_result', 'id': 1, 'job': 'f' * 32})); wait()",
        "its process was ended: it asks for a job's result that it was not given",
    ),
    "too many events": (
        "ready()\nfor n in range(1, 9999): append(n, progress(n)); hear()",
        "its process was ended: it says more than a job may",
    ),
    "a foreign event": (
        "ready(); append(1, {'type': 'job_cancelled', 'data': {}}); wait()",
        "its process was ended: it says what is not for it to say",
    ),
}

STRANGER = """
import json, socket, struct, sys, time
line = socket.socket(fileno=int(sys.argv[1]))
say = line.sendall
def wait(): time.sleep(120)
def frame(head, length=0):
    head = json.dumps(head).encode()
    return struct.pack('!IQ', len(head), length) + head
def ready(): say(frame({'kind': 'ready'}))
def progress(n): return {'type': 'progress_reported', 'data': {'done': n}}
def append(n, event): say(frame({'kind': 'append', 'id': n, 'number': n, 'events': [event]}))
def hear(): line.recv(65536)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strange(Bubble):
    """Starts a program that is no job's process."""

    script: str = ""

    def command(self, scratch: Path, line: int) -> list[str]:
        return [sys.executable, "-c", STRANGER + self.script, str(line)]


@pytest.mark.parametrize("name", [name for name in SCRIPTS if SCRIPTS[name][1]])
def test_a_stranger_on_the_line_costs_the_attempt(name: str, boxes: Boxes, tmp_path: Path) -> None:
    """Whatever it says, and whenever it goes; the pool process is none the worse."""
    script, cause = SCRIPTS[name]
    bench = boxing(replace(boxes, bubble=Strange(script=script)), tmp_path)
    record = bench.run(lambda: 1)
    assert record.state is JobState.QUEUED
    [past] = record.past_attempts
    assert cause is not None
    assert past.cause.startswith(cause), past.cause


def test_one_that_only_asks_is_not_listened_to(boxes: Boxes, tmp_path: Path) -> None:
    """Answers that it does not take are not heaped up, and it can be ended."""
    bench = boxing(replace(boxes, bubble=Strange(script=SCRIPTS["flood"][0])), tmp_path)
    large = bytes(2**21)
    ref = bench.submit(lambda: len(large))
    answered: list[str] = []
    kept = bench.ledger.function

    def function(owner: str, digest: str) -> bytes | None:
        answered.append(digest)
        return kept(owner, digest)

    bench.ledger.function = function  # type: ignore[method-assign]
    claim = bench.begin()

    def end() -> None:
        wait_until(lambda: bool(answered))
        threading.Event().wait(2.0)  # in which it goes on
        for one in psutil.Process().children():
            if runs(one, STRANGER):
                one.kill()

    thread = threading.Thread(target=end)
    thread.start()
    bench.attempts.run(claim, lambda: False)
    thread.join()
    assert len(answered) <= 3
    assert bench.record(ref).past_attempts[0].cause == "its process ended with signal 9 (SIGKILL)"


def test_a_result_counts_from_when_it_was_said(boxes: Boxes, tmp_path: Path) -> None:
    """What becomes of the process after that does not matter."""
    script = """
ready()
line.recv(65536)
head = {'kind': 'result', 'is_retryable': False, 'media_type': 'application/json', 'blobs': [],
  'outcome': {'type': 'job_succeeded', 'data': {'result': {
    'media_type': 'application/json', 'size_bytes': 1, 'preview': '7', 'inline': 'Nw=='}}}}
say(frame(head, length=1) + b'7' + b'and then nonsense')
import os, signal
os.kill(os.getpid(), signal.SIGKILL)
"""
    bench = boxing(replace(boxes, bubble=Strange(script=script)), tmp_path)
    assert bench.value(bench.run(lambda: 1)) == 7

"""A real stack whose worker boxes its jobs: what they find, reach and can do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from boxing import boxed
from waiting import wait_until

import taskkit
from taskkit.stack.parts import plan_parts

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

MODULE = "taskkit_worker.box.inside"


def boxing(*options: str) -> Callable[..., Any]:
    """Return a plan of a stack whose jobs are boxed."""

    def plan(*given: Any) -> Any:
        *parts, worker = plan_parts(*given)
        return [*parts, replace(worker, command=(*worker.command, "--sandbox", "box", *options))]

    return plan


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[taskkit.LocalStack]:
    """With two pool processes, a folder to read and one to write."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "in").mkdir()
    (folder / "out").mkdir()
    (folder / "in" / "file").write_text("read me")
    paths = ("--sandbox-path", f"{folder}/in", "--sandbox-path", f"{folder}/out:rw")
    with taskkit.LocalStack(workers=2, plan=boxing(*paths)) as running:
        running_in[running.url] = folder
        yield running


running_in: dict[str, Path] = {}
"""The folder of each stack."""


@pytest.fixture
def client(stack: taskkit.LocalStack) -> Iterator[taskkit.Client]:
    """Whom the stack belongs to."""
    with closing(stack.client()) as made:
        yield made


def of(stack: taskkit.LocalStack, user: str) -> taskkit.Client:
    """Return another user's client."""
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "taskkit", "token", "create", "--user", user, "--json"),
            *("--scope", "submit,read,cancel,code"),
        ],
        env={**os.environ, "TASKKIT_URL": stack.url, "TASKKIT_TOKEN": stack.token},
        capture_output=True,
        check=True,
        timeout=60,
    )
    return taskkit.Client(stack.url, token=json.loads(ran.stdout)["token"])


def holds(pid: int, needles: dict[str, bytes]) -> set[str]:
    """Return which of the needles a process has anywhere in its memory, as root reads it."""
    found: set[str] = set()
    maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in maps:
            place, mode, *_ = line.split()
            start, end = (int(one, 16) for one in place.split("-"))
            if not mode.startswith("r") or line.endswith(("[vvar]", "[vsyscall]")):
                continue
            with suppress(OSError, ValueError, OverflowError):
                memory.seek(start)
                block = memory.read(end - start)
                found |= {name for name, needle in needles.items() if needle in block}
    return found


def tree(pid: int) -> list[psutil.Process]:
    """Return a process's descendants."""
    return psutil.Process(pid).children(recursive=True)


def boxed_in(pid: int) -> list[psutil.Process]:
    """Return the processes of a worker's boxes."""
    found = []
    for one in tree(pid):
        with suppress(psutil.Error):  # it has ended meanwhile
            if MODULE in one.cmdline():
                found.append(one)
    return found


@boxed()
@pytest.mark.skipif(os.geteuid() != 0, reason="only root reads another process's memory")
def test_no_secret_is_in_the_memory_of_a_jobs_process(
    stack: taskkit.LocalStack, client: taskkit.Client
) -> None:
    """Nor in its environment, its command line or those of what has started it.

    The pool process, which has them, shows that the search finds what is there.
    """
    key_file = stack.signing_keys_file
    assert key_file is not None
    needles = {
        "password": stack.redis_url.split(":")[2].split("@")[0].encode(),
        "key": key_file.read_text().split()[0].encode(),
    }
    raw = bytes.fromhex(needles["key"].decode())
    needles["raw key"] = raw

    def wait() -> None:
        taskkit.progress(1)
        while True:
            time.sleep(0.1)

    job = client.submit(wait)
    wait_until(lambda: job.record is not None and job.record.progress is not None)
    [worker] = [worker.pid for worker in client.workers()]
    # Of each bubblewrap itself, twice, and Python; of the job, and of the two that wait.
    wait_until(lambda: len(boxed_in(worker)) >= 9)
    boxes = boxed_in(worker)
    pools = {one.parent() for one in boxes} - {*boxes}
    assert pools
    for pool in pools:
        assert pool is not None
        assert {"password", "key"} <= holds(pool.pid, needles)
    needles["token"] = stack.token.encode()
    for box in boxes:
        assert holds(box.pid, needles) == set()
        words = Path(f"/proc/{box.pid}/environ").read_bytes() + repr(box.cmdline()).encode()
        assert not [name for name, needle in needles.items() if needle in words]
    job.cancel()


@boxed()
def test_what_the_service_has_is_not_there_for_a_job(
    stack: taskkit.LocalStack, client: taskkit.Client
) -> None:
    """No file of its, no process, no connection, and at Redis's port nobody without a password."""
    key_file = stack.signing_keys_file
    assert key_file is not None
    data = str(key_file.parent)
    port = int(stack.redis_url.rpartition(":")[2].split("/")[0])

    shut = ["/", "/usr", "/etc", "/var", "/proc/sys/kernel/core_pattern", "/sys/devices/system"]
    shut += ["/proc/sysrq-trigger", "/proc/sys/vm/drop_caches", "/proc/irq"]

    def look(data: str, port: int, shut: list[str]) -> dict[str, Any]:
        import socket

        sockets = []
        for link in Path("/proc/self/fd").iterdir():
            with suppress(OSError):
                if str(link.readlink()).startswith("socket:"):
                    with socket.socket(fileno=os.dup(int(link.name))) as connected:
                        sockets.append((connected.family.name, connected.getpeername()))
        with socket.create_connection(("127.0.0.1", port), 5) as redis:
            redis.sendall(b"GET x\r\n")
            answer = redis.recv(100)
        status = Path("/proc/self/status").read_text().splitlines()
        facts = dict(line.split(":\t", 1) for line in status)
        return {
            "data": Path(data).exists(),
            "pids": [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()],
            "parent": Path("/proc/1/cmdline").read_text(),
            "sockets": sockets,
            "answer": answer.decode(),
            "there": [path for path in ("/home", "/etc/shadow", "/run") if Path(path).exists()],
            "writable": [path for path in shut if os.access(path, os.W_OK)],
            "capabilities": int(facts["CapEff"], 16),
            "no_new_privs": facts["NoNewPrivs"],
        }

    found = client.submit(look, data, port, shut).result(120)
    assert found["data"] is False
    assert max(found["pids"]) < 20
    assert "bwrap" in found["parent"]
    assert found["sockets"] == [("AF_UNIX", "")]
    assert found["answer"].startswith("-NOAUTH")
    assert (found["there"], found["writable"]) == ([], [])
    assert (found["capabilities"], found["no_new_privs"]) == (0, "1")


@boxed()
def test_users_see_nothing_of_one_another(stack: taskkit.LocalStack) -> None:
    """No file, no process and no memory, at the same time or one after another."""

    def leave(mark: str) -> None:
        import builtins

        vars(builtins)["left_here"] = mark
        Path("left-here").write_text(mark)
        taskkit.progress(1, message="left")
        until = time.monotonic() + 60
        while not Path("stop").exists() and time.monotonic() < until:
            time.sleep(0.05)

    def look() -> tuple[bool, list[str], list[str]]:
        import builtins

        here = Path("/proc").iterdir()
        commands = [(one / "cmdline").read_text() for one in here if one.name.isdigit()]
        return hasattr(builtins, "left_here"), [one.name for one in Path().iterdir()], commands

    with closing(of(stack, "ada")) as ada, closing(of(stack, "bob")) as bob:
        job = ada.submit(leave, "ada's secret")
        wait_until(lambda: job.record is not None and job.record.progress is not None)
        seen = [bob.submit(look).result(120) for _ in range(2)]
        job.cancel()
        seen += [bob.submit(look).result(120) for _ in range(3)]
    for is_marked, files, commands in seen:
        assert not is_marked
        assert "left-here" not in files
        assert len(commands) == 2  # bubblewrap's and its own
        assert all(MODULE in command for command in commands)


@boxed()
def test_paths_are_there_that_were_named(stack: taskkit.LocalStack, client: taskkit.Client) -> None:
    """To be read, and to be written where that was said."""

    def use(folder: str) -> str:
        text = (Path(folder) / "in" / "file").read_text()
        (Path(folder) / "out" / "made").write_text(text.upper())
        try:
            (Path(folder) / "in" / "made").write_text("no")
        except OSError as error:
            return type(error).__name__
        return "written"

    folder = running_in[stack.url]
    assert client.submit(use, str(folder)).result(120) == "OSError"
    assert (folder / "out" / "made").read_text() == "READ ME"


@boxed()
def test_all_that_a_notebook_does_with_jobs_is_done(client: taskkit.Client) -> None:
    """Named tasks, maps, jobs as arguments, large values, output, and errors as themselves."""
    assert "took" in client.submit("demo", name="Ada").result(120)
    assert list(client.map(lambda x: x * x, range(500), timeout=120)) == [x * x for x in range(500)]
    array = np.arange(1_000_000, dtype=float)

    def double(values: Any) -> Any:
        print("doubled")
        return values * 2

    first = client.submit(double, array)
    second = client.submit(double, first)
    assert np.array_equal(second.result(120), array * 4)
    assert second.output == "doubled\n"

    def fail() -> None:
        raise LookupError("no such star")

    with pytest.raises(LookupError, match="no such star") as raised:
        client.submit(fail).result(120)
    assert "in fail" in str(raised.value.__cause__)


@boxed()
def test_a_job_that_heeds_no_interrupt_is_ended(client: taskkit.Client) -> None:
    """With its pool process, and another takes its place."""

    def ignore() -> None:
        import signal

        signal.signal(signal.SIGINT, signal.SIG_IGN)
        taskkit.progress(1)
        while True:
            time.sleep(0.1)

    [worker] = [worker.pid for worker in client.workers()]
    job = client.submit(ignore)
    wait_until(lambda: job.record is not None and job.record.progress is not None)
    before = {one.pid for one in tree(worker)}
    job.cancel()
    with pytest.raises(CancelledError):
        job.result(60)
    wait_until(lambda: bool(before - {one.pid for one in tree(worker)}))
    assert sorted(client.map(lambda x: x, range(4), timeout=120)) == [0, 1, 2, 3]


@boxed()
def test_a_process_that_dies_is_told_as_ever(client: taskkit.Client) -> None:
    """By the signal, of each attempt."""
    job = client.submit(lambda: os.kill(os.getpid(), 9))
    with pytest.raises(taskkit.JobLost, match="its process ended with signal 9"):
        job.result(180)


@boxed()
def test_without_the_network_nothing_is_reached() -> None:
    """Where the worker was told so; and its boxes leave nothing behind."""

    def reach(port: int) -> str:
        import socket

        try:
            socket.create_connection(("127.0.0.1", port), 5)
        except OSError as error:
            return type(error).__name__
        return "reached"

    with taskkit.LocalStack(workers=1, plan=boxing("--no-sandbox-network")) as stack:
        with closing(stack.client()) as client:
            port = int(stack.url.rpartition(":")[2])
            assert client.submit(reach, port).result(120) == "ConnectionRefusedError"
            [worker] = [worker.pid for worker in client.workers()]
        boxes = boxed_in(worker)
        assert boxes
    wait_until(lambda: not any(map(is_there, boxes)))


def is_there(process: psutil.Process) -> bool:
    """Return whether it runs; one that nobody has waited for does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def started(*options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Try to start a worker."""
    return subprocess.run(
        [sys.executable, "-m", "taskkit_worker", *options],
        env={"TASKKIT_REDIS_URL": "redis://127.0.0.1:1", **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_without_bubblewrap_it_is_refused(tmp_path: Path) -> None:
    """At the start, with what to install."""
    ran = started("--sandbox", "box", PATH=str(tmp_path))
    assert ran.returncode != 0
    assert "apt-get install bubblewrap" in ran.stderr


def test_where_bubblewrap_cannot_work_it_is_refused(tmp_path: Path) -> None:
    """With its own words."""
    program = tmp_path / "bwrap"
    program.write_text(
        "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2; exit 1\n"
    )
    program.chmod(0o755)
    ran = started("--sandbox", "box", PATH=f"{tmp_path}:/usr/bin:/bin")
    assert ran.returncode != 0
    assert "No permissions to create new namespace" in ran.stderr


@boxed()
def test_a_path_that_is_not_there_is_refused() -> None:
    """At the start, too."""
    ran = started("--sandbox", "box", "--sandbox-path", "/no/such", PATH=os.environ["PATH"])
    assert ran.returncode != 0
    assert "/no/such" in ran.stderr

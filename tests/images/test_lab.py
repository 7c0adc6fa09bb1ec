"""deploy/compose for real: brought up, used, scaled, killed, stopped, taken down, up again.

In this order, on one lab; each test begins with it up and idle.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import psutil
import pytest
import urllib3
from building import Note
from judging import judge
from lab import URL, Lab
from podman import ROOT, inspected, podman
from waiting import wait_until

import taskkit
from taskkit.cli.notebook import Run

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]


def test_a_job_runs_as_soon_as_it_is_up(lab: Lab, note: Note) -> None:
    """From `up` in an empty folder but for secrets, to a result."""
    began = time.monotonic()
    lab.up()
    lab.wait_until_it_serves()
    with lab.client() as client:
        assert client.submit(abs, -2).result(60) == 2
    note("from up to the first result", f"{time.monotonic() - began:.1f} s")


def test_a_user_gets_a_token_by_a_command(running: Lab) -> None:
    """In the server's container; it opens what it says, for that user."""
    token = running.token_of("ana", "submit,read")
    with running.client(token) as client:
        assert client.submit("primes", limit=1000).result(60) == 168
        with pytest.raises(taskkit.TaskkitError):
            client.submit(abs, -1).result(60)


def test_the_quick_start_notebook_runs_against_it(running: Lab, note: Note) -> None:
    """As a user with the scope `code`; to the published figure, which its last cell asserts."""
    running.up(workers=2)
    path = ROOT / "notebooks" / "01-quickstart.ipynb"
    began = time.monotonic()
    run = Run(nbformat.read(path, as_version=4), path.parent)
    assert run.run(URL, running.token_of("ben", "submit,read,cancel,code"))
    assert "on unseen digits: 0.9" in run.result()
    note("the quick-start notebook, with two workers", f"{time.monotonic() - began:.0f} s")


def pause(seconds: float, n: int) -> tuple[int, str]:
    """Take some time; return the number, and where it was."""
    time.sleep(seconds)
    return n, socket.gethostname()


def number(seconds: float, n: int) -> int:
    """Take some time; return the number."""
    time.sleep(seconds)
    return n


def wait_for(gate: str) -> str:
    """Wait until a file is there."""
    while not os.path.exists(gate):  # noqa: PTH110 — it runs in a container, by itself
        time.sleep(0.05)
    return "done"


def test_workers_that_are_added_take_jobs_of_a_batch(running: Lab, note: Note) -> None:
    """`--scale worker=4` touches neither server nor the worker that is there."""
    before = {name: started(name) for name in running.all()}
    with running.client() as client:
        jobs = [client.submit(pause, 0.25, n) for n in range(200)]
        wait_until(lambda: jobs[1].done())
        began = time.monotonic()
        running.up(workers=4)
        note("to scale from one worker to four", f"{time.monotonic() - began:.1f} s")
        places = {job.result(120)[1] for job in jobs}
        assert len(places) == 4
        verdict = judge(running, jobs, [job.result() for job in jobs])
    assert [n for n, _ in (job.result() for job in jobs)] == list(range(200))
    assert (verdict.lost, verdict.doubled, verdict.begun_again) == ([], [], 0)
    assert {name: started(name) for name in before} == before
    note("scaled in the midst of a batch", verdict.said())


def started(container: str) -> str:
    """Return when a container was started last."""
    return str(inspected(container)["State"]["StartedAt"])


FAULTS: dict[str, Callable[[Lab], object]] = {
    "kill -9 of the server's container": lambda lab: lab.crash("server"),
    "kill -9 of a worker's container": lambda lab: lab.crash("worker"),
    "kill -9 of Valkey's container": lambda lab: lab.crash("valkey"),
    "restart of the server": lambda lab: lab.compose("restart", "server"),
    "restart of the workers": lambda lab: lab.compose("restart", "worker"),
    "restart of Valkey": lambda lab: lab.compose("restart", "valkey"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_batch_goes_through(running: Lab, note: Note, fault: str) -> None:
    """Whichever part ends in the midst of it: podman starts it again, and each job ends once."""
    running.up(workers=2)
    with running.client() as client:
        jobs = [client.submit(number, 0.25, n) for n in range(60)]
        wait_until(lambda: jobs[5].done())
        FAULTS[fault](running)
        more = [client.submit(number, 0.05, n) for n in range(60, 80)]
        verdict = judge(running, [*jobs, *more], range(80))
    assert (verdict.lost, verdict.doubled) == ([], []), verdict
    note(fault, verdict.said())


def test_a_worker_that_is_stopped_hands_its_job_over(running: Lab, note: Note) -> None:
    """By SIGTERM, which tini passes on; another begins it, and it is no lost attempt."""
    running.up(workers=2)
    gate = running.blobs() / "gate"
    with running.client() as client:
        wait_until(lambda: len(client.workers()) == 2)
        job = client.submit(wait_for, "/var/lib/taskkit/blobs/gate")
        wait_until(job.running)
        [first] = [name for name in running.containers("worker") if is_of(name, job)]
        began = time.monotonic()
        podman("stop", "--time=60", first)
        took_s = time.monotonic() - began
        assert inspected(first)["State"]["ExitCode"] == 0
        wait_until(lambda: job.record.attempt == 2)
        gate.touch()
        verdict = judge(running, [job], ["done"])
    gate.unlink()
    assert (verdict.lost, verdict.doubled) == ([], [])
    assert dict(verdict.ended) == {"attempt_returned": 1}
    note("stop of a worker with a job (finish_s is 2 here)", f"{took_s:.1f} s, {verdict.said()}")


def is_of(container: str, job: taskkit.Job[object]) -> bool:
    """Return whether it is this worker that runs the job."""
    host = str(inspected(container)["Config"]["Hostname"])
    return job.record.worker.startswith(host)


def test_a_worker_that_is_killed_costs_an_attempt_and_no_job(running: Lab, note: Note) -> None:
    """With its job in it, and nothing to tell the others but that it is silent."""
    running.up(workers=2)
    gate = running.blobs() / "gate"
    with running.client() as client:
        wait_until(lambda: len(client.workers()) == 2)
        job = client.submit(wait_for, "/var/lib/taskkit/blobs/gate")
        wait_until(job.running)
        [first] = [name for name in running.containers("worker") if is_of(name, job)]
        began = time.monotonic()
        podman("kill", "--signal=KILL", first)
        wait_until(lambda: job.record.attempt == 2, 90)
        took_s = time.monotonic() - began
        gate.touch()
        verdict = judge(running, [job], ["done"])
    gate.unlink()
    assert (verdict.lost, verdict.doubled) == ([], [])
    assert dict(verdict.ended) == {"attempt_lost": 1}
    note("killed worker, until another has its job", f"{took_s:.1f} s, {verdict.said()}")


def test_each_is_known_to_be_well_or_not(running: Lab) -> None:
    """By the check in its image: a process that stands still is found, and one that goes on."""
    for service in ("valkey", "server", "worker"):
        [name] = running.containers(service)
        wait_until(lambda: running.is_healthy(name), look_every_s=0.5)  # noqa: B023
    [server], [worker] = running.containers("server"), running.containers("worker")
    for name in (server, worker):
        stopped = running.below(name)
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        podman("exec", name, "sh", "-c", "touch -c -d '2 minutes ago' /tmp/*.pulse")
        assert not running.is_healthy(name)
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        wait_until(lambda: running.is_healthy(name), look_every_s=0.5)  # noqa: B023


def leave_orphan() -> int:
    """Start a process that starts another and ends at once."""
    return subprocess.run(["sh", "-c", "setsid sh -c 'sleep 0.2' & exit 0"]).returncode


def test_no_zombie_is_left_of_what_jobs_start(running: Lab) -> None:
    """PID 1 reaps what comes to it; what a job leaves is its pool process's, and goes with that."""
    [worker] = running.containers("worker")
    first = psutil.Process(running.first_process(worker))
    assert first.cmdline()[0] == "tini"
    podman("exec", "--detach", worker, "sh", "-c", "sleep 2 & exit")

    def orphans() -> list[psutil.Process]:
        return [child for child in first.children() if child.name() == "sleep"]

    wait_until(lambda: len(orphans()) == 1)
    with running.client() as client:
        assert client.submit(leave_orphan).result(60) == 0
    wait_until(lambda: not orphans())  # a zombie would be one of them
    assert psutil.STATUS_ZOMBIE not in [child.status() for child in first.children()]


def test_secrets_are_in_files_of_whom_they_are_for(running: Lab) -> None:
    """Not in variables, command lines, labels or images; the worker has not the server's token."""
    secrets = [path.read_text().strip() for path in (running.folder / "secrets").iterdir()]
    password = secrets_password(running)
    for name in running.all():
        told = podman("inspect", name) + podman("top", name, "args")
        environ = podman("exec", name, "sh", "-c", "tr '\\0' '\\n' </proc/1/environ")
        for secret in (*secrets, password):
            assert secret not in told, name
            assert secret not in environ, name
    found = {
        service: podman("exec", running.containers(service)[0], "ls", "/run/secrets").split()
        for service in ("valkey", "server", "worker")
    }
    assert found == {
        "valkey": ["users.acl"],
        "server": ["redis.url", "signing.keys", "token"],
        "worker": ["redis.url", "signing.keys"],
    }
    for path in (running.folder / "secrets").iterdir():
        assert path.stat().st_uid == 0
        assert path.stat().st_mode & 0o777 == 0o440


def secrets_password(lab: Lab) -> str:
    """Return the password of Valkey's one user."""
    url = (lab.folder / "secrets" / "redis.url").read_text()
    return url.rpartition("@")[0].rpartition(":")[2]


CONNECT = """\
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=3).close()
except OSError:
    sys.exit(1)
"""


def test_networks_are_apart(running: Lab) -> None:
    """Valkey is reached by server and worker, and reaches nobody; no job reaches the server."""
    [valkey], [server] = running.containers("valkey"), running.containers("server")
    [worker] = running.containers("worker")

    def reaches(name: str, host: str, port: int) -> bool:
        told = ["podman", "exec", name, "python3", "-c", CONNECT, host, str(port)]
        return subprocess.run(told, env=running.environment(), timeout=60).returncode == 0

    assert reaches(server, "taskkit-valkey", 6379)
    assert reaches(worker, "taskkit-valkey", 6379)
    front = running.address(server, "taskkit_front")
    assert not reaches(valkey, front, 5000)
    with socket.create_connection((front, 5000), timeout=5):
        pass  # as this machine does
    answer = urllib3.request("GET", f"{URL}/health/live", headers={"Host": "evil.example"})
    assert answer.status == 403


def test_stopped_and_started_it_goes_on(running: Lab) -> None:
    """With the jobs that waited: `stop` and `start` keep containers and all that is in them."""
    with running.client() as client:
        running.compose("stop", "worker")
        job = client.submit(number, 0.1, 7)
        wait_until(lambda: bool(client.jobs(state=["queued"])))
    running.compose("stop")
    assert running.all() == []
    running.compose("start")
    running.wait_until_it_serves()
    with running.client() as client:
        assert client.job(job.id).result(60) == 7


def test_down_leaves_volumes_alone_and_up_has_all_of_it_again(running: Lab, note: Note) -> None:
    """Results, large ones too, and users' tokens; of containers and networks nothing is left."""
    large = bytes(range(256)) * 4096
    token = running.token_of("eva", "submit,read,cancel,code")
    with running.client(token) as client:
        small, big = client.submit(number, 0.0, 41), client.submit(bytes.upper, large)
        assert (small.result(60), big.result(60)) == (41, large.upper())
    running.up(workers=3)
    began = time.monotonic()
    running.compose("down", "--remove-orphans")
    note("down, with three workers", f"{time.monotonic() - began:.1f} s")
    assert podman("ps", "--all", "--quiet") == ""
    assert podman("network", "ls", "--format", "{{.Name}}").split() == ["podman"]
    assert sorted(podman("volume", "ls", "--quiet").split()) == ["taskkit_blobs", "taskkit_ledger"]
    assert not [*Path("/run/netns").glob("*")]
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True).stdout
    assert [line.split()[1] for line in links.splitlines()] == ["lo:"]
    assert "/overlay/" not in Path("/proc/mounts").read_text()
    running.up()
    running.wait_until_it_serves()
    with running.client(token) as client:
        assert client.job(small.id).result(60) == 41
        assert client.job(big.id).result(60) == large.upper()

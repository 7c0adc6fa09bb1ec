"""deploy/slurm and deploy/pbs: their scripts on a real stack, started and ended as there."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from waiting import wait_until

import taskkit
from taskkit.client import Client
from taskkit.protocol.jobs import AttemptEnd

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

DEPLOY = Path(__file__).parents[2] / "deploy"
SCRIPTS = {"slurm": DEPLOY / "slurm", "pbs": DEPLOY / "pbs"}
LIMIT_S = 90


@dataclass(frozen=True, slots=True)
class Cluster:
    """What starts the script as a batch system does."""

    kind: str
    home: Path
    folder: Path
    queue: str
    #: Its own: a worker that a test before this one has killed may still be taken for one that
    #: waits, for a quarter of a second, and what it was handed would come back after its lease.

    @property
    def script(self) -> Path:
        """Its script."""
        return SCRIPTS[self.kind] / "taskkit-workers.sh"

    def start(self, index: int) -> subprocess.Popen[bytes]:
        """Start one job of the array, in a session of its own, with nothing of our variables."""
        stubs = self.home / "bin"
        environment = {
            "HOME": str(self.home),
            "PATH": f"{stubs}:/usr/bin:/bin",
            "TMPDIR": str(self.home),
        }
        if self.kind == "slurm":
            environment |= {
                "SLURM_JOB_ID": str(4000 + index),
                "SLURM_ARRAY_JOB_ID": "4000",
                "SLURM_ARRAY_TASK_ID": str(index),
                "SLURM_CPUS_PER_TASK": "1",
            }
        else:
            environment |= {"PBS_JOBID": f"4000[{index}].pbs", "PBS_ARRAY_INDEX": str(index)}
            environment |= {"NCPUS": "1", "PBS_ENVIRONMENT": "PBS_BATCH"}
        with (self.home / f"{index}.log").open("ab") as log:
            return subprocess.Popen(
                ["bash", str(self.script)],
                env=environment,
                cwd=self.home,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def log(self, index: int) -> str:
        """Return what one has written."""
        return (self.home / f"{index}.log").read_text()


@pytest.fixture(scope="module")
def own_stack() -> Iterator[taskkit.LocalStack]:
    """A stack whose own worker serves another queue."""
    with taskkit.LocalStack(workers=1) as running:
        yield running


@pytest.fixture
def client(own_stack: taskkit.LocalStack) -> Iterator[Client]:
    """What submits to the cluster's workers."""
    with own_stack.client() as made:
        yield made


@pytest.fixture(params=SCRIPTS)
def cluster(
    request: pytest.FixtureRequest, own_stack: taskkit.LocalStack, tmp_path: Path
) -> Cluster:
    """A user's home with the folder that docs/deploy/slurm.md has them make."""
    folder = tmp_path / ".config" / "taskkit-worker"
    made = Cluster(request.param, tmp_path, folder, f"cluster-{secrets.token_hex(4)}")
    made.folder.mkdir(mode=0o700, parents=True)
    write(made.folder / "redis.url", own_stack.redis_url)
    assert own_stack.signing_keys_file is not None
    write(made.folder / "signing.keys", Path(own_stack.signing_keys_file).read_text())
    (made.folder / "worker.env").write_text(
        f'TASKKIT="{tmp_path}/bin/taskkit"\nTASKKIT_WORKER_QUEUES={made.queue}\n'
        "TASKKIT_WORKER_FINISH_S=0.5\n"
    )
    stubs = tmp_path / "bin"
    stubs.mkdir()
    program(stubs / "taskkit", f'exec "{sys.executable}" -m taskkit "$@"')
    for name in ("srun", "pbsdsh"):  # either would pass on signals to all processes
        program(stubs / name, f"echo {name} was called >&2\nexit 1")
    return made


@pytest.fixture
def start(cluster: Cluster) -> Iterator[Callable[[int], subprocess.Popen[bytes]]]:
    """Start jobs of the array, which end with the test."""
    running: list[subprocess.Popen[bytes]] = []

    def started(index: int) -> subprocess.Popen[bytes]:
        running.append(cluster.start(index))
        return running[-1]

    yield started
    for process in running:
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
        process.kill()
        process.wait(10)


def write(path: Path, secret: str) -> None:
    """Write a file of mode 0600."""
    path.touch(mode=0o600)
    path.write_text(secret)


def program(path: Path, text: str) -> None:
    """Write a shell script that can be run."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def on_second_attempt() -> str:
    """Run until this worker is stopped; on another, return."""
    import os
    import time

    while os.environ["TASKKIT_ATTEMPT"] == "1":
        time.sleep(0.05)
    return os.environ["TASKKIT_ATTEMPT"]


def to_all(pid: int) -> None:
    """Send SIGTERM to all processes, as scancel, preemption and qdel do."""
    os.killpg(pid, signal.SIGTERM)


def to_the_shell(pid: int) -> None:
    """Send it to the batch shell, as `--signal=B:TERM@60` does."""
    os.kill(pid, signal.SIGTERM)


@pytest.mark.parametrize("send", [to_all, to_the_shell])
def test_what_runs_when_the_time_is_over_goes_on_elsewhere(
    cluster: Cluster,
    client: Client,
    start: Callable[[int], subprocess.Popen[bytes]],
    send: Callable[[int], None],
) -> None:
    """The attempt is given back, which counts towards nothing, and the next of the array has it."""
    first = start(0)
    job = client.options(queue=cluster.queue).submit(on_second_attempt)
    wait_until(lambda: job.running(), LIMIT_S)
    send(first.pid)
    assert first.wait(LIMIT_S) == 0, cluster.log(0)
    start(1)
    assert job.result(LIMIT_S) == "2"
    assert [past.end for past in job.record.past_attempts] == [AttemptEnd.RETURNED], cluster.log(0)
    assert "was called" not in cluster.log(0)


def test_no_secret_is_in_a_command_line_or_an_environment(
    cluster: Cluster,
    client: Client,
    start: Callable[[int], subprocess.Popen[bytes]],
    own_stack: taskkit.LocalStack,
) -> None:
    """Of the worker and of its jobs: neither Redis's password nor the key; nor in the log."""
    process = start(0)
    environ = client.options(queue=cluster.queue).submit(lambda: dict(__import__("os").environ))
    found = str(environ.result(LIMIT_S))
    main = psutil.Process(process.pid)
    for one in (main, *main.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            found += f"{one.cmdline()} {one.environ()}"
    found += cluster.log(0)
    [password] = re.findall(r":([^:@/]+)@", own_stack.redis_url)
    key = (cluster.folder / "signing.keys").read_text().strip()
    assert password not in found
    assert key not in found


@pytest.mark.parametrize("name", ["redis.url", "signing.keys"])
def test_a_secret_that_others_can_read_is_refused(cluster: Cluster, name: str) -> None:
    """Before anything is started; so is one that is missing, by its name."""
    file = cluster.folder / name
    file.chmod(0o640)
    assert cluster.start(0).wait(30) == 2
    assert f"{name} can be read by others: chmod 600" in cluster.log(0)
    file.unlink()
    assert cluster.start(1).wait(30) == 2
    assert f"{name} cannot be read" in cluster.log(1)


def test_the_shell_s_own_check_has_nothing_to_say(cluster: Cluster) -> None:
    """shellcheck, where it is."""
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not here")
    subprocess.run(["shellcheck", str(cluster.script)], check=True)


def test_the_directives_are_what_the_page_says() -> None:
    """The signal is for the shell, a minute before the end; no variable is taken along."""
    slurm = (SCRIPTS["slurm"] / "taskkit-workers.sh").read_text()
    directives = re.findall(r"^#SBATCH (.*)$", slurm, re.MULTILINE)
    assert {"--signal=B:TERM@60", "--export=NONE", "--requeue"} <= set(directives)
    finish_s = re.findall(r"TASKKIT_WORKER_FINISH_S:-(\d+)", slurm)
    assert float(finish_s[0]) <= 45, "what is left of the minute is for handing back"
    pbs = (SCRIPTS["pbs"] / "taskkit-workers.sh").read_text()
    assert re.search(r"^#PBS -J \d+-\d+$", pbs, re.MULTILINE)
    assert float(re.findall(r"TASKKIT_WORKER_FINISH_S:-(\d+)", pbs)[0]) <= 3

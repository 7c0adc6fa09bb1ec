"""What jobs find of the service's secrets, and what they are kept from when they are confined."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import taskkit
from taskkit.signing_keys import FILE
from taskkit.stack.parts import plan_parts
from taskkit_worker.sandbox import KEPT, MOST_FILES, MOST_PROCESSES, why_not

pytestmark = pytest.mark.stack


def surroundings() -> list[str]:
    """Return all environments and command lines that a job can read, from itself upwards."""
    texts = [repr(dict(os.environ))]
    pid = os.getpid()
    while pid > 1:
        for name in ("environ", "cmdline"):
            try:
                texts.append(Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace"))
            except PermissionError:
                texts.append("")
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    started = subprocess.run(["env"], capture_output=True, text=True, check=True)
    return [*texts, started.stdout]


def everybodys() -> list[str]:
    """Return the environments and command lines of all processes that run taskkit."""
    texts = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            if b"taskkit_server" in command or b"taskkit_worker" in command:
                texts += [command.decode(), (folder / "environ").read_bytes().decode()]
        except (OSError, UnicodeDecodeError):
            continue
    return texts


def confinement() -> dict[str, Any]:
    """Return how the process that runs this is confined."""
    status = dict(
        line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines()
    )
    try:
        Path("/proc/1/environ").read_bytes()
        sees_others = True
    except PermissionError:
        sees_others = False
    try:
        os.setuid(0)
        can_return = True
    except PermissionError:
        can_return = False
    return {
        "no_new_privs": status["NoNewPrivs"],
        "groups": status["Groups"].split(),
        "uid": os.getuid(),
        "core": resource.getrlimit(resource.RLIMIT_CORE),
        "files": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        "processes": resource.getrlimit(resource.RLIMIT_NPROC)[1],
        "environ": sorted(os.environ),
        "sees_others": sees_others,
        "can_return": can_return,
        "sum": sum(range(10)),
    }


@pytest.fixture(scope="module", autouse=True)
def mine() -> Iterator[None]:
    """A variable of the user's that is no business of jobs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_DATABASE_PASSWORD", "hunter2")
        yield


def confined(*options: str) -> Callable[..., Any]:
    """Return a plan of a stack whose worker is confined."""

    def plan(*given: Any) -> Any:
        parts = list(plan_parts(*given))
        worker = parts[-1]
        return [*parts[:-1], replace(worker, command=(*worker.command, *options))]

    return plan


@pytest.mark.parametrize("options", [(), ("--sandbox", "limits")], ids=["off", "limits"])
def test_no_secret_is_where_a_job_looks(options: tuple[str, ...]) -> None:
    """Not in its environment or command line, nor in those of who started it, of any level."""
    with taskkit.LocalStack(workers=1, plan=confined(*options)) as stack:
        keys = stack.signing_keys_file
        assert keys is not None
        token = stack.token
        password = stack.redis_url.split(":")[2].split("@")[0]
        with closing(stack.client()) as client:
            texts = client.submit(surroundings).result(60)
            texts += client.submit(everybodys).result(60)
    assert len(texts) > 8
    assert password
    # The whole path: other stacks of this machine have files of the same name.
    for secret in (f":{password}@", token, str(keys)):
        assert not [text for text in texts if secret in text]


def test_a_confined_job_sees_and_can_less() -> None:
    """No variable that was not allowed, no core files, few open files, no privileges to gain."""
    with (
        taskkit.LocalStack(workers=1, plan=confined("--sandbox", "limits")) as stack,
        closing(stack.client()) as client,
    ):
        found = client.submit(confinement).result(60)
        assert client.submit("demo", name="Ada").result(60)
    assert found["no_new_privs"] == "1"
    assert found["core"] == (0, 0)
    assert found["files"] <= MOST_FILES
    assert "LAB_DATABASE_PASSWORD" not in found["environ"]
    assert {"PATH", "TASKKIT_JOB_ID"} <= set(found["environ"])
    assert [name for name in found["environ"] if not KEPT.fullmatch(name)] == []


BECOME = """
import os, pathlib, sys
from taskkit_worker.sandbox import enter
secret = sys.argv[1]
assert pathlib.Path(secret).read_text() == "root's"
enter(user="nobody")
def denied(call):
    try:
        call()
    except PermissionError:
        return True
    return False
assert os.getresuid() == (65534,) * 3 and os.getresgid()[0] != 0 and os.getgroups() == []
assert denied(lambda: open(secret))
assert denied(lambda: open(f"/proc/{os.getppid()}/environ"))
assert denied(lambda: os.setuid(0)) and denied(lambda: os.setgroups([0]))
assert denied(lambda: os.kill(os.getppid(), 0))
assert os.environ["USER"] == "nobody"
import resource
assert resource.getrlimit(resource.RLIMIT_NPROC) == (512, 512)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_job_of_its_own_user_reads_nothing_of_the_workers(tmp_path: Path) -> None:
    """Neither files nor environments of root's, nor can it become root again or signal it."""
    secret = tmp_path / "secret"
    secret.write_text("root's")
    secret.chmod(0o600)
    ran = subprocess.run(
        [sys.executable, "-c", BECOME, str(secret)], capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.skipif(bool(why_not("nobody")), reason=why_not("nobody"))
def test_a_stack_whose_jobs_are_somebody_else_s() -> None:
    """Root's worker has them run as an unprivileged user, one after another."""
    plan = confined("--sandbox", "limits", "--sandbox-user", "nobody")
    with (
        taskkit.LocalStack(workers=1, plan=plan) as stack,
        closing(stack.client()) as client,
    ):
        found = client.submit(confinement).result(60)
        again = client.submit(confinement).result(60)
    assert (found["uid"], found["groups"]) == (65_534, [])
    assert (found["sees_others"], found["can_return"]) == (False, False)
    assert found["processes"] == MOST_PROCESSES
    assert again["sum"] == 45


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--sandbox", "limits", "--sandbox-user", "no-such-user"), "there is no user"),
        (("--sandbox", "limits", "--sandbox-user", "root"), "root"),
        (("--sandbox-user", "nobody"), "--sandbox limits"),
        (("--sandbox", "bubblewrap"), "invalid choice"),
    ],
)
def test_more_than_the_system_can_is_refused(options: tuple[str, ...], word: str) -> None:
    """At the start, rather than jobs run with less than was asked for."""
    ran = subprocess.run(
        [sys.executable, "-m", "taskkit_worker", *options],
        env={"TASKKIT_REDIS_URL": "redis://127.0.0.1:1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode != 0
    assert word in ran.stderr
    assert why_not(None) == ""
    assert FILE not in ran.stderr

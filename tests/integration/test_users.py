"""Users of one stack: each has tokens, sees nothing of the others, and goes without them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from waiting import wait_until

import taskkit
from taskkit.protocol.errors import Forbidden, JobNotFound, Unauthorized

pytestmark = pytest.mark.stack


def cli(stack: taskkit.LocalStack, *args: str, token: str | None = None, code: int = 0) -> str:
    """Run `taskkit token` as a terminal's user; return what it printed."""
    environment = {
        **os.environ,
        "TASKKIT_URL": stack.url,
        "TASKKIT_TOKEN": token or stack.token,
        "COLUMNS": "120",
    }
    ran = subprocess.run(
        [sys.executable, "-m", "taskkit", "token", *args],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == code, ran.stderr
    return ran.stdout if code == 0 else ran.stderr


@pytest.fixture(scope="module")
def shared() -> Iterator[taskkit.LocalStack]:
    """A stack that wants a token from everybody."""
    with taskkit.LocalStack(workers=2) as stack:
        yield stack


def made(stack: taskkit.LocalStack, user: str, *options: str) -> dict[str, Any]:
    """Make a token."""
    found: dict[str, Any] = json.loads(cli(stack, "create", "--user", user, "--json", *options))
    return found


def client(stack: taskkit.LocalStack, token: str) -> taskkit.Client:
    """Return a client that has this token."""
    return taskkit.Client(stack.url, token=token)


ALL = ("--scope", "submit,read,cancel,code")


def test_two_users_work_side_by_side(shared: taskkit.LocalStack) -> None:
    """Functions, named tasks, results, large values: each their own."""
    ana, eve = (made(shared, user, *ALL)["token"] for user in ("ana", "eve"))
    with client(shared, ana) as of_ana, client(shared, eve) as of_eve:
        jobs = [one.submit(lambda x: bytes(x), 300_000) for one in (of_ana, of_eve)]
        assert [len(job.result(60)) for job in jobs] == [300_000, 300_000]
        assert [job.id for job in of_ana.jobs()] == [jobs[0].id]
        with pytest.raises(JobNotFound):
            of_eve.job(jobs[0].id)
    with shared.client() as of_root:
        assert not {job.id for job in of_root.jobs()} & {job.id for job in jobs}


def test_without_code_there_are_named_tasks(shared: taskkit.LocalStack) -> None:
    """What is refused says how to ask for more."""
    token = made(shared, "bob")["token"]
    with client(shared, token) as bob:
        with pytest.raises(Forbidden, match="--user bob --scope submit,read,cancel,code"):
            bob.submit(lambda: 1).result(30)
        job = bob.submit("demo", name="quick")
        job.cancel()
        job.wait_final(30)


def test_a_revoked_token_is_cut_off_within_two_seconds(
    shared: taskkit.LocalStack, tmp_path: Path
) -> None:
    """Its sockets too; the job goes on, and who waits for it is told. Others notice nothing."""
    ana, eve = (made(shared, user, *ALL) for user in ("ana", "eve"))
    with client(shared, ana["token"]) as of_ana, client(shared, eve["token"]) as of_eve:
        gate = tmp_path / "gate"
        slow, other = (one.submit(slowly, gate) for one in (of_ana, of_eve))
        for job in (slow, other):
            wait_until(lambda job=job: job.progress is not None and job.progress.done > 2)
        cli(shared, "revoke", ana["id"])
        wait_until(lambda: "nothing more is told" in slow.connection(), 10)
        seen = slow.progress
        assert seen is not None
        with pytest.raises(Unauthorized, match="not one that this server knows"):
            slow.result(60)
        told = other.progress
        wait_until(lambda: other.progress != told)
        assert slow.progress == seen
        gate.touch()
        assert other.result(60) == "let go"
    with pytest.raises(Unauthorized):
        slow.result(60)
    again = made(shared, "ana", *ALL)["token"]
    with client(shared, again) as of_ana:
        assert of_ana.job(slow.id).result(60) == "let go"


def slowly(gate: Path) -> str:
    """Say each tenth of a second how far it is, until there is a file."""

    for step in range(600):
        time.sleep(0.1)
        taskkit.progress(step, 600)
        if gate.exists():
            return "let go"
    return "all done"


def test_tokens_are_listed_and_revoked_in_a_terminal(shared: taskkit.LocalStack) -> None:
    """By who runs the stack; a token is shown once, where it is made."""
    shown = cli(shared, "create", "--user", "carl", "--expires", "12h", "--note", "carl's laptop")
    [line] = [line for line in shown.splitlines() if "TASKKIT_TOKEN=" in line]
    token = line.partition("=")[2]
    assert token.startswith("tk_")
    listed = cli(shared, "list")
    assert token not in listed
    [row] = [row for row in listed.splitlines() if "carl's laptop" in row]
    assert "submit read cancel" in row
    own = [json.loads(line) for line in cli(shared, "list", "--json", token=token).splitlines()]
    assert [one["user"] for one in own] == ["carl"]
    assert "does not allow" in cli(shared, "create", "--user", "x", token=token, code=1)
    assert row.split()[0] in cli(shared, "revoke", row.split()[0])
    assert "no such token" not in cli(shared, "list")
    wrong = cli(shared, "revoke", "0123456789ab", code=1)
    assert wrong == "taskkit: there is no token '0123456789ab'\n"


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("--user", "Ana"), "user"),
        (("--user", "ana", "--scope", "root"), "'root' is no scope"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(
    shared: taskkit.LocalStack, args: tuple[str, ...], told: str
) -> None:
    """Before anything is made."""
    error = cli(shared, "create", *args, code=1)
    assert told in error
    assert error.count("\n") == 1
    usage = cli(shared, "create", "--user", "ana", "--expires", "soon", code=2)
    assert "'soon' is no time span" in usage

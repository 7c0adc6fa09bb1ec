"""Sharing on a real stack: links by client and command line, and that they open nothing else."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import socketio
import urllib3
from waiting import wait_until

import taskkit
from taskkit.client.socket import Socket
from taskkit.connection import Connection
from taskkit.protocol.errors import Forbidden

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def stack() -> Iterator[taskkit.LocalStack]:
    """One that wants a token from everybody."""
    with taskkit.LocalStack(workers=2) as running:
        yield running


def square(x: int) -> int:
    """Be one item of a map."""
    return x * x


def held(gate: str) -> str:
    """Print, then run until a file is there."""
    import time
    from pathlib import Path

    print("begun")
    while not Path(gate).exists():
        taskkit.progress(1, 2)
        time.sleep(0.05)
    return "done"


def read(url: str, token: str, path: str) -> tuple[int, Any]:
    """Ask as a browser with that link does."""
    headers = {"Authorization": f"Bearer {token}"}
    answer = urllib3.request("GET", url + path, headers=headers, retries=False, timeout=30)
    is_json = "json" in answer.headers.get("Content-Type", "")
    return answer.status, json.loads(answer.data) if is_json else answer.data.decode()


def token_in(link: str | None) -> str:
    """Return the token of a link, which is in its fragment alone."""
    assert link is not None
    parts = urlsplit(link)
    assert "tk_" not in parts.path + parts.query
    return parts.fragment.removeprefix("/shared/")


def command(stack: taskkit.LocalStack, *args: str) -> str:
    """Run `taskkit` as a terminal's user; return what it printed."""
    env = {
        **os.environ,
        "TASKKIT_URL": stack.url,
        "TASKKIT_TOKEN": stack.token or "",
        "COLUMNS": "200",
    }
    ran = subprocess.run(
        [sys.executable, "-m", "taskkit", *args],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_a_running_job_is_followed_by_a_link(stack: taskkit.LocalStack, tmp_path: Any) -> None:
    """Its progress and its end come within a look or two; its result's preview, not the result."""
    gate = tmp_path / "gate"
    with stack.client() as client:
        job = client.options(name="shown").submit(held, str(gate))
        other = client.submit(square, 3)
        made = job.share(expires=timedelta(hours=1), note="for Bo")
        token = token_in(made.url)

        def shown() -> dict[str, Any]:
            status, answer = read(stack.url, token, "/shared")
            assert status == 200, answer
            return dict(answer["jobs"][0])

        wait_until(lambda: (shown()["progress"] or {}).get("done") == 1, 30)
        gate.touch()
        wait_until(lambda: shown()["state"] == "succeeded", 30)
        assert (shown()["result"]["preview"], shown()["result"]["inline"]) == ("'done'", None)
        assert "begun" in read(stack.url, token, f"/jobs/{job.id}/output?follow")[1]
        assert read(stack.url, token, f"/jobs/{job.id}/result")[0] == 403
        assert other.result(30) == 9
        assert read(stack.url, token, f"/jobs/{other.id}")[0] == 404
        assert [one.note for one in client.shares() if one.id == made.id] == ["for Bo"]


def test_no_socket_opens_by_a_link(stack: taskkit.LocalStack) -> None:
    """They are fed all of a user's log; nor does a client take one for a user's token."""
    with stack.client() as client:
        made = client.submit(square, 2).share()
        token = token_in(made.url)
        socket = Socket(Connection(stack.url, token), logging.getLogger("test"))
        heard: list[Any] = []
        refusals: list[Any] = []
        socket.on("*", lambda *event: heard.append(event))
        socket.on("connect_error", refusals.append)
        with pytest.raises(socketio.exceptions.ConnectionError):
            socket.open({"jobs": {"epoch": "", "after": 0}}, wait_s=10)
        assert heard == []
        assert "opens nothing else" in str(refusals)
        with pytest.raises(Forbidden, match="link to shared jobs"):
            taskkit.Client(stack.url, token=token)
        made.revoke()


def test_a_batch_is_shared_as_its_jobs(stack: taskkit.LocalStack) -> None:
    """Each once, however many items it carries."""
    with stack.client() as client:
        for chunksize in (1, 4):
            batch = client.map(square, range(8), chunksize=chunksize)
            made = batch.share()
            assert made.jobs == tuple(dict.fromkeys(job.id for job in batch.jobs))
            assert list(batch) == [x * x for x in range(8)]
            status, answer = read(stack.url, token_in(made.url), "/shared")
            assert (status, len(answer["jobs"])) == (200, 8 // chunksize)
            made.revoke()


def test_who_reads_is_cut_off_within_two_seconds(stack: taskkit.LocalStack, tmp_path: Any) -> None:
    """An output that is followed ends without its last chunk, and what is asked is refused."""
    gate = tmp_path / "gate"
    with stack.client() as client:
        job = client.submit(held, str(gate))
        made = job.share()
        token = token_in(made.url)
        wait_until(lambda: "begun" in read(stack.url, token, f"/jobs/{job.id}/output")[1], 30)
        answer = urllib3.request(
            "GET",
            f"{stack.url}/jobs/{job.id}/output?follow",
            headers={"Authorization": f"Bearer {token}"},
            preload_content=False,
            retries=False,
            timeout=20,
        )
        stream = answer.stream(decode_content=False)
        assert b"begun" in next(stream)
        revoked_at = time.monotonic()
        made.revoke()
        with pytest.raises(urllib3.exceptions.HTTPError):
            list(stream)
        cut_after_s = time.monotonic() - revoked_at
        assert read(stack.url, token, "/shared")[0] == 401
        gate.touch()
        assert job.result(30) == "done"
        print(f"cut after {cut_after_s:.2f} s")


def test_links_by_the_command_line(stack: taskkit.LocalStack) -> None:
    """Made, listed in a table without themselves, and revoked."""
    with stack.client() as client:
        job = client.options(name="by hand").submit(square, 5)
        job.result(30)
        told = command(stack, "share", job.id[:8], "--expires", "7d", "--note", "for Bo")
        [link] = [line.strip() for line in told.splitlines() if "#/shared/" in line]
        assert link.startswith(f"{stack.url}/#/shared/tk_share_")
        assert "on this machine alone" in told
        status, answer = read(stack.url, token_in(link), "/shared")
        assert (status, [one["id"] for one in answer["jobs"]]) == (200, [job.id])
        listed = command(stack, "shares")
        assert "tk_share_" not in listed
        assert "for Bo" in listed
        assert job.id[:8] in listed
        rows = [json.loads(line) for line in command(stack, "shares", "--json").splitlines()]
        [row] = [one for one in rows if one["jobs"] == [job.id]]
        assert "revoked" in command(stack, "shares", "revoke", row["id"])
        wait_until(lambda: read(stack.url, token_in(link), "/shared")[0] == 401, 10)
        made = json.loads(command(stack, "share", job.id, "--json"))
        assert made["link"].endswith(made["token"])


def test_an_open_stack_has_nothing_to_share() -> None:
    """It says so, and what to do."""
    with taskkit.LocalStack(workers=1, open=True) as stack, stack.client() as client:
        job = client.submit(square, 2)
        assert job.result(60) == 4
        with pytest.raises(Forbidden, match="without --open"):
            job.share()

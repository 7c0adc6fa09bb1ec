"""A stack starts in order, mends itself, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from taskkit.connection import find
from taskkit.protocol.errors import NotReachable, Unavailable
from taskkit.stack.folders import Folders
from taskkit.stack.identity import Identity, free_port
from taskkit.stack.part import Part
from taskkit.stack.parts import Plan, Settings
from taskkit.stack.redis import SOON_LOADED_BYTES
from taskkit.stack.running import RunningStack
from taskkit.stack.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(90)]

Alive = Callable[[dict[str, int]], list[str]]
WaitUntil = Callable[..., None]


def test_parts_stop_before_redis(plan: Plan, journal: Path) -> None:
    """Worker, then server, then Redis end."""
    with Stack(Settings(port=free_port(), workers=1), Folders.of_user(), plan=plan):
        pass
    lines = journal.read_text().splitlines()
    assert sorted(line.partition(",")[0] for line in lines[:2]) == [
        "server starts",
        "worker starts",
    ]
    assert lines[2:] == ["worker stops, Redis up", "server stops, Redis up"]


def test_parts_start_after_a_redis_that_has_much_to_load(plan: Plan, journal: Path) -> None:
    """Who finds no Redis tries again ever more seldom; beside one with little they may start."""
    folders = Folders.of_user()
    folders.redis.mkdir(parents=True)
    with (folders.redis / "much").open("wb") as file:
        file.truncate(SOON_LOADED_BYTES + 1)
    with Stack(Settings(port=free_port(), workers=1), folders, plan=plan):
        pass
    lines = journal.read_text().splitlines()
    assert sorted(lines[:2]) == ["server starts, Redis up", "worker starts, Redis up"]


def test_what_is_not_awaited_holds_nobody_up(plan: Plan, journal: Path) -> None:
    """Server and worker are on their way before the part before them is ready."""

    def late(settings: Settings, folders: Folders, identity: Identity) -> Sequence[Part]:
        first, *others = plan(settings, folders, identity)
        return replace(first, is_ready=lambda _pid: has_both(journal)), *others

    with Stack(Settings(port=free_port(), workers=1), Folders.of_user(), plan=late):
        pass


def has_both(journal: Path) -> bool:
    """Return whether both stand-ins have noted their start."""
    return journal.exists() and journal.read_text().count("starts") == 2


def test_every_part_is_told_when_it_is_ready(plan: Plan) -> None:
    """The callback hears of the parts in order."""
    ready: list[str] = []
    stack = Stack(Settings(port=free_port(), workers=1), Folders.of_user(), plan=plan)
    stack.start(on_ready=lambda part: ready.append(part.name))
    stack.stop()
    assert ready == ["redis", "server", "worker"]


def test_what_is_ready_counts_as_running_at_once(stack: Stack) -> None:
    """By `startsecs` alone, it would have to live for three seconds first."""
    for status in stack.status():
        assert (status.state, status.restarts) == ("running", 0)
        assert status.uptime_s < 60


@pytest.mark.parametrize("name", ["redis", "server", "worker"])
def test_a_killed_part_is_back_soon(stack: Stack, name: str, wait_until: WaitUntil) -> None:
    """A part killed by SIGKILL gets a new process, and status counts the restart."""
    before = stack.pids()
    os.kill(before[name], signal.SIGKILL)
    wait_until(lambda: stack.pids().get(name, before[name]) != before[name])
    counts = {status.name: status.restarts for status in stack.status()}
    assert counts == {"redis": 0, "server": 0, "worker": 0} | {name: 1}
    after = stack.pids()
    assert all(after[other] == before[other] for other in before if other != name)


def test_redis_keeps_what_it_answered_across_a_kill(stack: Stack, wait_until: WaitUntil) -> None:
    """A write that was answered is there after SIGKILL, at the same address."""
    client = redis.Redis.from_url(stack.redis_url)
    client.set("answered", "yes")
    pid = stack.pids()["redis"]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: stack.pids().get("redis", pid) != pid)
    wait_until(lambda: _get(stack.redis_url, "answered") == b"yes")


def _get(url: str, key: str) -> object:
    try:
        return redis.Redis.from_url(url).get(key)
    except redis.ConnectionError:
        return None


def test_nothing_is_left_after_stop(
    stack: Stack, alive: Alive, group_members: Callable[[int], list[int]]
) -> None:
    """All parts, also a worker's pool process that is deaf to SIGTERM, and their files end."""
    pids = stack.pids()
    assert len(group_members(pids["worker"])) == 2
    stack.stop()
    assert alive(pids) == []
    assert group_members(pids["worker"]) == []
    assert sorted(path.name for path in stack.folders.run.iterdir()) == ["lock"]


def test_killed_supervisor_takes_its_parts_along(
    stack: Stack, alive: Alive, wait_until: WaitUntil
) -> None:
    """Also SIGKILL of the supervisor leaves no part behind."""
    pids = stack.pids()
    os.kill(pids["supervisor"], signal.SIGKILL)
    wait_until(lambda: alive(pids) == [])
    stack.stop()
    with pytest.raises(NotReachable, match="taskkit up"):
        find()


def test_hurried_stop_kills_what_is_slow(stack: Stack, alive: Alive) -> None:
    """A second Ctrl-C does not wait for a worker that does not want to end."""
    pids = stack.pids()
    os.kill(pids["worker"], signal.SIGSTOP)
    began = time.monotonic()
    stack.stop(is_hurried=lambda: True)
    assert time.monotonic() - began < 8  # unhurried, the worker alone has 10 s
    assert alive(pids) == []


def test_connection_file_is_private_and_goes_with_the_stack(stack: Stack) -> None:
    """While the stack runs its user, and nobody else, can read how to reach it."""
    path = stack.folders.run / "connection.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert stack.folders.run.stat().st_mode & 0o777 == 0o700
    connection = find()
    assert (connection.url, connection.token) == (stack.url, stack.token)
    stack.stop()
    assert not path.exists()


def test_no_secret_is_on_a_command_line(stack: Stack) -> None:
    """`ps` shows every user's command lines to everybody."""
    password = stack.redis_url.split(":")[2].split("@")[0]
    for pid in stack.pids().values():
        line = Path(f"/proc/{pid}/cmdline").read_text()
        assert stack.token not in line
        assert password not in line


def test_port_in_use_is_one_sentence_and_nothing_is_left(plan: Plan) -> None:
    """The message names the port and the way out."""
    folders = Folders.of_user()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Unavailable, match=rf"^Port {port} is in use .*--port") as caught:
            Stack(Settings(port=port, workers=1), folders, plan=plan).start()
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in folders.run.iterdir()) == ["lock"]


def test_second_stack_in_the_same_folders_is_refused(stack: Stack, plan: Plan) -> None:
    """It says where the first one is, and does not harm it."""
    second = Stack(Settings(port=free_port(), workers=1), Folders.of_user(), plan=plan)
    with pytest.raises(Unavailable, match=rf"already running at {stack.url}"):
        second.start()
    running = RunningStack.find()
    assert running is not None
    assert running.url == stack.url


def test_two_stacks_side_by_side_do_not_meet(
    stack: Stack, plan: Plan, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With other XDG folders a second stack has its own Redis, token and end."""
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "other-data"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "other-run"))
    with Stack(Settings(port=free_port(), workers=1), Folders.of_user(), plan=plan) as other:
        assert other.redis_url != stack.redis_url
        assert other.token != stack.token
        assert find().url == other.url
    assert {status.state for status in stack.status()} == {"running"}


def test_a_restart_keeps_token_and_data(plan: Plan) -> None:
    """An open notebook reaches the next stack with what it knows of the last one."""
    settings, seen = Settings(port=free_port(), workers=1), []
    for _ in range(2):
        with Stack(settings, Folders.of_user(), plan=plan) as stack:
            seen.append((stack.token, stack.redis_url))
            count = redis.Redis.from_url(stack.redis_url).incr("stacks")
    assert seen[0] == seen[1]
    assert count == 2


def test_part_that_cannot_start_is_reported_with_its_log(plan: Plan, alive: Alive) -> None:
    """The message ends with what the part wrote; the others are stopped."""
    broken = Settings(port=free_port(), workers=1)

    def with_broken_server(settings: Settings, *rest: object) -> list[object]:
        from dataclasses import replace

        parts = list(plan(settings, *rest))  # type: ignore[arg-type]
        parts[1] = replace(parts[1], command=("/bin/sh", "-c", "echo no such thing; exit 3"))
        return list(parts)

    stack = Stack(broken, Folders.of_user(), plan=with_broken_server)  # type: ignore[arg-type]
    with pytest.raises(Unavailable, match=r"(?s)^The server did not start\..*no such thing"):
        stack.start()
    assert RunningStack.find() is None
    assert sorted(path.name for path in stack.folders.run.iterdir()) == ["lock"]


def test_running_stack_is_stopped_by_another_process(
    stack: Stack, alive: Alive, wait_until: WaitUntil
) -> None:
    """As `taskkit down` does it."""
    pids = stack.pids()
    running = RunningStack.require()
    running.stop()
    wait_until(lambda: alive(pids) == [])
    assert stack.wait(30)
    assert stack.exit_code() == 0


def test_remains_of_a_dead_stack_are_no_stack(stack: Stack) -> None:
    """A file that a killed stack left neither counts as running nor hinders the next."""
    path = stack.folders.run / "stack.json"
    left = path.read_text()
    stack.stop()
    path.write_text(left)
    path.chmod(0o600)
    assert RunningStack.find() is None
    stack.start()
    assert RunningStack.require().pid == stack.pids()["supervisor"]


def test_long_runtime_folder_still_has_a_control_socket(
    plan: Plan, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A unix socket's path is short; the folder's name need not be."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / ("long" * 30)))
    with Stack(Settings(port=free_port(), workers=1), Folders.of_user(), plan=plan) as stack:
        assert RunningStack.require().url == stack.url
        made = stack.folders.temporary
    assert made
    assert not any(path.exists() for path in made)

"""The Redis of a stack: how the embedded one keeps jobs, and which others are taken."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from taskkit.protocol.errors import Unavailable
from taskkit.stack.identity import Identity, free_port
from taskkit.stack.local import LocalStack
from taskkit.stack.parts import Plan
from taskkit.stack.redis import Fsync, configuration, is_up, require
from taskkit.stack.running import RunningStack

StartRedis = Callable[..., str]

CLI = Path(__file__).with_name("standin_cli.py")
TASKKIT = [sys.executable, "-m", "taskkit"]


def command(program: list[str], *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, which must have this exit code."""
    ran = subprocess.run(
        [*program, *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == code, ran.stderr
    return ran


@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_the_configuration_is_what_a_redis_then_has(
    fsync: Fsync, tmp_path: Path, start_redis: StartRedis
) -> None:
    """Read back from a server: the chosen fsync, and what durable operation wants."""
    identity = Identity(token="t", redis_password="p", redis_port=free_port())
    lines = configuration(tmp_path, identity, fsync).splitlines()
    open_to_all = [line for line in lines if not line.startswith("requirepass ")]
    url = start_redis(*open_to_all, port=identity.redis_port)
    wanted = {
        "appendonly": "yes",
        "appendfsync": fsync,
        "no-appendfsync-on-rewrite": "no",
        "auto-aof-rewrite-percentage": "100",
        "auto-aof-rewrite-min-size": str(64 * 2**20),
        "aof-use-rdb-preamble": "yes",
        "aof-load-truncated": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "hash-max-listpack-value": "256",
    }
    with redis.Redis.from_url(url, decode_responses=True) as client:
        assert {name: client.config_get(name)[name] for name in wanted} == wanted


@pytest.mark.stack
@pytest.mark.timeout(90)
def test_a_local_stack_is_as_quick_to_forget_as_it_was_told(plan: Plan) -> None:
    """`fsync` reaches its Redis."""
    with LocalStack(workers=1, fsync="everysec", plan=plan) as stack:
        client = redis.Redis.from_url(stack.redis_url, decode_responses=True)
        assert client.config_get("appendfsync") == {"appendfsync": "everysec"}


def test_another_fsync_is_refused_at_once() -> None:
    """With the words that there are; `no` would promise nothing."""
    with pytest.raises(ValueError, match="'always' or 'everysec', not 'no'"):
        LocalStack(fsync="no")  # type: ignore[arg-type]
    assert "everysec" in command(TASKKIT, "up", "--fsync", "no", code=2).stderr


@pytest.mark.stack
@pytest.mark.timeout(90)
def test_status_says_when_jobs_reach_the_disk(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it was chosen at `taskkit up`."""
    monkeypatch.setenv("JOURNAL", str(journal))
    port = ["--port", str(free_port())]
    command([sys.executable, str(CLI)], "up", "--detach", *port, "--fsync", "everysec")
    try:
        client = redis.Redis.from_url(RunningStack.require().redis_url, decode_responses=True)
        assert client.config_get("appendfsync") == {"appendfsync": "everysec"}
        assert "appendfsync everysec" in command(TASKKIT, "status").stdout
    finally:
        command(TASKKIT, "down")


def test_an_external_redis_that_drops_jobs_is_refused(start_redis: StartRedis) -> None:
    """With one sentence that says what to change."""
    with pytest.raises(Unavailable, match=r"^Redis at .* set maxmemory-policy to noeviction\.$"):
        require(start_redis("maxmemory 50mb", "maxmemory-policy allkeys-lru"))


@pytest.mark.stack
@pytest.mark.timeout(90)
def test_up_says_what_an_external_redis_can_lose(
    start_redis: StartRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, and goes on."""
    monkeypatch.setenv("TASKKIT_REDIS_URL", start_redis("appendonly yes", "appendfsync everysec"))
    began = command(TASKKIT, "up", "--detach", "--port", str(free_port()), "--workers", "1")
    try:
        said = " ".join((began.stdout + began.stderr).split())
        assert said.count("appendfsync everysec") == 1
        running = RunningStack.require()
        assert [part.name for part in running.parts()] == ["server", "worker"]
        assert running.fsync == ""
        log = Path(running.logs, "server.log").read_text()
        assert "appendfsync" not in log
    finally:
        command(TASKKIT, "down")


def test_the_embedded_redis_is_up_when_it_answers_to_its_password(start_redis: StartRedis) -> None:
    """Not before; and what refuses the password is no Redis of this stack."""
    identity = Identity(token="t", redis_password="p", redis_port=free_port())
    assert not is_up(identity)
    url = start_redis(port=identity.redis_port)
    with pytest.raises(Unavailable, match="without any password"):
        is_up(identity)
    with redis.Redis.from_url(url) as client:
        client.config_set("requirepass", "p")
    assert is_up(identity)
    with pytest.raises(Unavailable, match=f"{identity.redis_port} refuses us"):
        is_up(replace(identity, redis_password="q"))


@pytest.mark.parametrize(
    "answer", [b"", b"+OK\r\n", b"+OK\r\n-LOADING Redis is loading the dataset in memory\r\n"]
)
def test_a_redis_that_still_loads_or_ends_is_not_up(answer: bytes) -> None:
    """It is asked again."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(100)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        assert not is_up(Identity(token="t", redis_password="p", redis_port=port))
        thread.join()

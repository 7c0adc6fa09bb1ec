"""A real server that is attacked."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from attacked import TOKEN, Attacked
from waiting import wait_until

from taskkit.stack.identity import free_port


@pytest.fixture(scope="module")
def running(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """A server with a token, on a real Redis; one for all tests of a module."""
    port, log = free_port(), tmp_path_factory.mktemp("server") / "log"
    environment = {**os.environ, "TASKKIT_REDIS_URL": redis_url, "TASKKIT_TOKEN": TOKEN}
    command = [sys.executable, "-m", "taskkit_server", "--trust-redis", "--port", str(port)]
    with (
        log.open("wb") as file,
        subprocess.Popen(command, env=environment, stdout=file, stderr=file) as process,
    ):
        server = Attacked(port, process, log)

        def is_up() -> bool:
            try:
                return server.live() < 2
            except (OSError, AssertionError):
                return False

        wait_until(is_up)
        yield server
        process.terminate()


@pytest.fixture
def server(running: Attacked) -> Iterator[Attacked]:
    """That server; connections are closed afterwards."""
    yield running
    running.hang_up()
    assert running.live(10) < 10

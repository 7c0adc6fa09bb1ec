"""The Redis user of docs/security.md can do what a stack needs, and little else."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import redis

import taskkit

pytestmark = pytest.mark.stack

TEXT = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")


def test_a_stack_works_as_the_user_of_the_page(
    start_redis: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jobs, results, logs and workers; and it cannot read or drop what is not taskkit's."""
    [user] = re.findall(r"^user taskkit .*$", TEXT, re.MULTILINE)
    url = start_redis(
        "user default on nopass resetkeys -@all +ping",
        user.replace("PASSWORD", "horse"),
        "appendonly yes",
        "appendfsync always",
        "maxmemory-policy noeviction",
    )
    address = url.replace("redis://", "redis://taskkit:horse@")
    monkeypatch.setenv("TASKKIT_REDIS_URL", address)
    with taskkit.LocalStack(workers=1) as stack, closing(stack.client()) as client:
        assert list(client.map(abs, range(-50, 0))) == list(range(50, 0, -1))
        assert client.submit("demo", name="Ada").result(60)
        assert len(client.workers()) == 1
        job = client.submit(lambda: __import__("time").sleep(60))
        assert job.cancel() or job.done()
    with redis.Redis.from_url(address) as bare:
        for command in ("FLUSHALL", "GET other", "CONFIG SET dir /", "KEYS *"):
            with pytest.raises(redis.exceptions.NoPermissionError):
                bare.execute_command(*command.split())

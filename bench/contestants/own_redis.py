"""A Redis of a neighbour's own: the same binary as taskkit's, that keeps nothing unless told to."""

from __future__ import annotations

import subprocess
import tempfile
import time

import redis

from taskkit.stack.identity import free_port
from taskkit.stack.redis import binary

from .contestant import LIMIT_S

KEPT = ("--appendonly", "yes", "--appendfsync", "always")
NOT_KEPT = ("--appendonly", "no")


class OwnRedis:
    """Runs from its making to `stop`.

    is_durable: it answers when what it was told is on the disk, as taskkit's does.
    """

    def __init__(self, *, is_durable: bool = False) -> None:
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        self._folder = tempfile.TemporaryDirectory(prefix="bench-redis-")
        self._process = subprocess.Popen(
            [
                *(str(binary()), "--bind", "127.0.0.1", "--port", str(port)),
                *("--save", "", "--dir", self._folder.name),
                *(KEPT if is_durable else NOT_KEPT),
            ],
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.client = redis.Redis.from_url(self.url)
        deadline = time.monotonic() + LIMIT_S
        while not self._answers():
            if time.monotonic() > deadline:
                raise TimeoutError("Redis does not answer")
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False

    def stop(self) -> None:
        """End it."""
        self.client.close()
        self._process.terminate()
        self._process.wait(30)
        self._folder.cleanup()

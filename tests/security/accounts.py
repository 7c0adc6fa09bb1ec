"""A real Redis with the accounts of `taskkit account`, and a stack whose parts log in by them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import redis
from redis_process import redis_binary, running_redis
from tls import UNPACKED

import taskkit
from taskkit.accounts.folder import Folder
from taskkit.stack.folders import Folders
from taskkit.stack.identity import Identity, free_port
from taskkit.stack.part import Part
from taskkit.stack.parts import Settings, plan_parts

KEEPS_ALL = ("appendonly yes", "appendfsync always", "maxmemory-policy noeviction", 'save ""')


@dataclass(frozen=True, slots=True)
class Kept:
    """A Redis that knows the accounts of a folder."""

    folder: Folder

    def client(self, name: str, **options: Any) -> redis.Redis:
        """Return a connection as one of them."""
        return redis.Redis.from_url(self.folder.address(name), protocol=2, **options)

    def refusals(self) -> list[str]:
        """Return what was refused to whom since the last time, one line each."""
        with self.client("admin") as admin:
            found: Any = admin.acl_log(1000)
            admin.acl_log_reset()
        return [
            f"{_text(one['username'])}: {_text(one['reason'])} {_text(one['object'])} "
            f"({_text(one['context'])})"
            for one in found
        ]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


@contextmanager
def kept(place: Path, version: tuple[int, ...] = (7, 2), *workers: str) -> Iterator[Kept]:
    """Run a Redis with the accounts of a new folder, workers' among them."""
    port = free_port()
    folder = Folder(place / "accounts")
    folder.begin(f"redis://127.0.0.1:{port}/0", version)
    for name in workers:
        folder.create(name)
    (place / "redis").mkdir()
    with again(place, Kept(folder), port, version) as made:
        yield made


@contextmanager
def again(place: Path, made: Kept, port: int, version: tuple[int, ...]) -> Iterator[Kept]:
    """Run the Redis of a place, with what it has kept."""
    users = f"aclfile {made.folder.users}"
    binary = binary_of(version)
    with running_redis(place / "redis", *KEEPS_ALL, users, port=port, binary=binary):
        made.refusals()  # of who looked whether it is up
        yield made


def binary_of(version: tuple[int, ...]) -> Sequence[str]:
    """Return the command of a Redis of that age; skip the test where none is here."""
    if version >= (7, 2):
        return [str(redis_binary())]
    if not UNPACKED.exists():
        pytest.skip("no Redis 7.0 is here: tools/tls_redis.sh fetches one on Debian 12")
    libraries = ":".join(str(path) for path in UNPACKED.glob("usr/lib/*-linux-gnu"))
    return ["env", f"LD_LIBRARY_PATH={libraries}", str(UNPACKED / "usr" / "bin" / "redis-server")]


@contextmanager
def stack_on(
    there: Kept, monkeypatch: pytest.MonkeyPatch, worker: str = "gpu1", *words: str
) -> Iterator[taskkit.LocalStack]:
    """Run a stack whose server and whose worker log in as themselves."""

    def plan(settings: Settings, folders: Folders, identity: Identity) -> list[Part]:
        parts = []
        for part in plan_parts(settings, folders, identity):
            if part.name == "worker":
                env = {**part.env, "TASKKIT_REDIS_URL": there.folder.address(worker)}
                part = replace(part, env=env, command=(*part.command, *words))
            parts.append(part)
        return parts

    monkeypatch.setenv("TASKKIT_REDIS_URL", there.folder.address("server"))
    with taskkit.LocalStack(workers=2, plan=plan) as stack:
        yield stack

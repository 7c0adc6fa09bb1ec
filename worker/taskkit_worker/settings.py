"""What a worker can be told."""

from __future__ import annotations

import os
import platform
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from taskkit.logs import Format
from taskkit.machine import cores
from taskkit.protocol.options import DEFAULT_QUEUE
from taskkit.protocol.signing import Keyring

FINISH_S = 5.0
BEAT_S = 5.0


def unique_name() -> str:
    """Return ``host-pid-xxxx``: a worker's name, never used before."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(2)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One worker's settings; its pool processes share them."""

    redis_url: str = field(repr=False)
    #: Where ledger and queue are. May hold a password.
    broker_url: str | None = field(default=None, repr=False)
    #: The RabbitMQ that wakes it; None where Redis does. May hold a password.
    concurrency: int = field(default_factory=cores)
    #: Pool processes, so jobs at once; where it grows, when it is idle.
    max_concurrency: int | None = None
    #: How many it may grow to while jobs wait; None where it does not.
    shrink_after_s: float = 30.0
    #: How long processes are idle before it shrinks again.
    queues: tuple[str, ...] = (DEFAULT_QUEUE,)
    #: The queues that it serves, the preferred one first.
    tags: tuple[str, ...] = ()
    #: What it has beside cores and memory, in words of whoever started it.
    tasks: tuple[str, ...] = ()
    #: Modules, files or folders with named tasks, beside the built-in examples.
    name: str = field(default_factory=unique_name)
    host: str = field(default_factory=socket.gethostname)
    python: str = field(default_factory=platform.python_version)
    blobs: str | None = field(default=None, repr=False)
    #: The folder or the URL in which large values are kept, as the server's; None where nobody
    #: keeps any. A URL may hold a password.
    token: str = field(default="", repr=False)
    #: What opens the server, where `blobs` is its address.
    signing_keys: Keyring = field(default_factory=Keyring, repr=False)
    #: The server's: what a job runs must be signed. Without any Redis is trusted.
    blobs_cache: Path = field(default_factory=lambda: user_cache_path("taskkit") / "worker-blobs")
    #: A folder for copies of blobs that are at a URL.
    sandbox: str = "off"
    #: How the processes that run jobs are confined; see `sandbox.LEVELS`.
    sandbox_user: str | None = None
    #: The user that they become, where the worker is root.
    sandbox_paths: tuple[str, ...] = ()
    #: Of the level `box`: what of this machine jobs see beside the system; see `box.bubble`.
    sandbox_network: bool = True
    #: Of the level `box`: whether jobs have the network.
    sandbox_cpu_s: float | None = None
    #: Of the level `box`: how much CPU time each process of a job may take.
    beat_s: float = BEAT_S
    #: How often leases are renewed; a sixth of a lease, so that a few may get lost.
    finish_s: float = FINISH_S
    #: How long running jobs may go on when the worker is stopped, before they are given back.
    log_format: Format = "text"
    is_watched: bool = False
    #: Whether it sends Celery's events and heeds its remote control, as Flower wants. Celery 5.7.0
    #: then exits when Redis goes away while a job runs.
    interrupt_s: float = 2.0
    #: How long a stopped job has to end by itself after an interrupt, before its process is killed.
    pulse: Path | None = None
    #: A file that is renewed as often as leases are, while the worker goes round.


def slots(settings: Settings) -> int:
    """Return how many jobs a worker runs at once at most."""
    return max(settings.concurrency, settings.max_concurrency or 0)


OF_A_STACK = frozenset({"worker.concurrency", "worker.tasks"})
"""What a stack says to its worker by arguments."""


def of_a_stack(told: Mapping[str, Any] | None) -> Settings | None:
    """Return the settings that such arguments and `taskkit.config.plain` tell; None where they need
    to be looked at more closely.
    """
    if told is None:
        return None
    concurrency, tasks = told.get("worker.concurrency"), told.get("worker.tasks", ())
    if (concurrency is not None and concurrency < 1) or not all(tasks):
        return None
    return Settings(
        redis_url=told["redis.url"],
        concurrency=concurrency or cores(),
        tasks=tuple(tasks),
        blobs=told.get("blobs.place"),
        token=told.get("token", ""),
    )

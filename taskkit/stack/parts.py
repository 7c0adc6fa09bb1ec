"""Server and worker as parts of a stack, and when each counts as ready."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..config.names import SECRET_VARIABLES
from ..protocol.workers import WorkerInfo
from ..signing_keys import FILE, KEYS, NAME, keys_file
from .folders import Folders
from .identity import Identity
from .part import Part
from .redis import Fsync, external_url, redis_part

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the user chooses."""

    port: int = 5000
    workers: int = os.cpu_count() or 1
    #: Processes of the worker: how many jobs run at once.
    tasks: tuple[str, ...] = ()
    #: Modules, files or folders with tasks, passed on to the worker.
    is_open: bool = False
    #: Whether requests from this machine need no token.
    fsync: Fsync = "always"
    #: When the embedded Redis puts what it accepted on the disk.
    redis_url: str | None = field(default_factory=external_url, repr=False)
    #: A Redis to use instead of an embedded one.
    broker_url: str | None = field(
        default_factory=lambda: os.environ.get("TASKKIT_BROKER_URL") or None, repr=False
    )
    #: A RabbitMQ that wakes the workers; None where Redis does.
    blobs: str | None = field(
        default_factory=lambda: os.environ.get("TASKKIT_BLOBS") or None, repr=False
    )
    #: Where large values are kept; None: in the stack's own folder.

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://{HOST}:{self.port}"


Plan = Callable[[Settings, Folders, Identity], Sequence[Part]]
"""Which parts a stack has, in the order in which they start."""


def plan_parts(settings: Settings, folders: Folders, identity: Identity) -> Sequence[Part]:
    """Return Redis (unless an external one is named), server and worker."""
    external = settings.redis_url
    url = external or identity.redis_url
    shared = {"TASKKIT_REDIS_URL": url, "TASKKIT_BLOBS": blobs_place(settings, folders)}
    if settings.broker_url:
        shared["TASKKIT_BROKER_URL"] = settings.broker_url
    if file := signing_keys_place(settings, folders):
        shared[FILE] = file
    parts = (server_part(settings, shared, identity), worker_part(settings, shared, identity))
    return parts if external else (redis_part(folders, identity, settings.fsync), *parts)


def blobs_place(settings: Settings, folders: Folders) -> str:
    """Return where large values are kept: where the user says, else in the stack's own folder."""
    return settings.blobs or str(folders.blobs)


def signing_keys_place(settings: Settings, folders: Folders) -> str:
    """Return the file of the key that server and workers sign with; "" where there is none.

    That of the user, if there is one; a key in a variable they inherit. Else a stack with a Redis
    of its own has its own key, made with its data: what was there before there were keys is not
    signed, and would not be run. Who shares a Redis shares keys, too, or nobody has any.
    """
    if os.environ.get(KEYS):
        return ""
    if given := os.environ.get(FILE):
        return given
    is_shared, is_older = settings.redis_url, any(folders.redis.glob("appendonly*"))
    path = folders.data / NAME
    if is_shared or (is_older and not path.exists()):
        return ""
    return str(keys_file(folders.data))


def server_part(settings: Settings, shared: Mapping[str, str], identity: Identity) -> Part:
    """Return the server."""
    opening = ("--open",) if settings.is_open else ()
    where = ("--host", HOST, "--port", str(settings.port))
    return Part(
        name="server",
        # -P: a `flask.py` beside the user's notebooks is no business of the server's.
        command=(sys.executable, "-P", "-m", "taskkit_server", "--trust-redis", *where, *opening),
        env=_environment(**shared, TASKKIT_TOKEN=identity.token),
        is_ready=lambda _pid: _get(settings.url, "/health/ready", identity.token) is not None,
        summary=settings.url,
    )


def worker_part(settings: Settings, shared: Mapping[str, str], identity: Identity) -> Part:
    """Return the worker; its shutdown waits for running jobs, so it gets more time."""
    tasks = [word for task in settings.tasks for word in ("--tasks", task)]
    return Part(
        name="worker",
        command=(
            *(sys.executable, "-m", "taskkit_worker"),
            *("--concurrency", str(settings.workers), *tasks),
        ),
        env=_environment(**shared),
        is_ready=lambda pid: any(
            worker.pid == pid for worker in list_workers(settings.url, identity.token)
        ),
        stop_within_s=10.0,
        summary=f"{settings.workers} process{'es' if settings.workers != 1 else ''}",
    )


def list_workers(url: str, token: str) -> list[WorkerInfo]:
    """Return the workers that the server lists; none while it cannot say."""
    from ..protocol.wire import worker_from_wire

    answer = _get(url, "/workers", token) or {}
    return [worker_from_wire(worker) for worker in answer.get("workers", [])]


def _get(url: str, path: str, token: str) -> Any:
    """Return the JSON that answers with status 200, {} for another body, None for no success."""
    import urllib3  # here, since there is time while the parts start

    headers = {"Authorization": f"Bearer {token}"}
    try:
        answer = urllib3.request("GET", url + path, headers=headers, timeout=2.0, retries=False)
    except urllib3.exceptions.HTTPError:
        return None
    if answer.status != 200:
        return None
    try:
        return answer.json()
    except ValueError:
        return {}


def _environment(**given: str) -> dict[str, str | None]:
    """Return a part's variables: what is meant for clients and for kernels does not reach it."""
    inherited: dict[str, str | None] = {
        "TASKKIT_URL": None,
        **dict.fromkeys(SECRET_VARIABLES),
        "PYTHONUNBUFFERED": "1",  # its log is read while it runs
    }
    if os.environ.get("MPLBACKEND", "").startswith("module://"):
        inherited["MPLBACKEND"] = None  # a kernel's inline backend; a worker has no notebook
    return inherited | given

"""A stack for one program: private, on a free port, gone when the program is."""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, get_args

from ..protocol.errors import Unavailable
from .folders import Folders
from .identity import free_port
from .parts import Plan, Settings, plan_parts, signing_keys_place
from .redis import Fsync
from .stack import Stack

if TYPE_CHECKING:
    from ..client import Client

logger = logging.getLogger(__name__)


class LocalStack:
    """Redis, server and workers for as long as a ``with`` block, or from `start` to `stop`.

    ::

        with taskkit.LocalStack(workers=2) as stack:
            client = stack.client()

    It writes no connection file and disturbs no other stack. It ends with the process that made
    it, even where that is killed.
    """

    def __init__(
        self,
        workers: int | None = None,
        tasks: Sequence[str] = (),
        port: int = 0,
        open: bool = False,  # noqa: A002 — as in `taskkit up --open`
        data_dir: str | os.PathLike[str] | None = None,
        *,
        fsync: Fsync = "always",
        plan: Plan = plan_parts,
    ) -> None:
        """Describe a stack; nothing is started yet.

        Args:
            workers: Processes of the worker; one a core by default.
            tasks: Modules, files or folders with named tasks.
            port: The server's; 0 for a free one.
            open: Whether requests from this machine need no token.
            data_dir: Keeps jobs and logs for the next stack; by default they go with this one.
            fsync: When its Redis puts what it accepted on the disk: ``always`` before the answer,
                or ``everysec``, which is faster and can lose two seconds by a power cut.
            plan: Which parts it has.
        """
        if fsync not in get_args(Fsync):
            raise ValueError(f"fsync must be 'always' or 'everysec', not {fsync!r}")
        self._fsync = fsync
        self._tasks = tuple(tasks)
        self._workers = workers or os.cpu_count() or 1
        self._port = port
        self._is_open = open
        self._data = Path(data_dir) if data_dir is not None else None
        self._plan = plan
        self._stack: Stack | None = None

    def start(self) -> Self:
        """Start it, and return when its worker is ready. A second call changes nothing."""
        if self._stack is not None:
            return self
        settings = Settings(
            port=self._port or free_port(),
            workers=self._workers,
            tasks=self._tasks,
            is_open=self._is_open,
            fsync=self._fsync,
        )
        folders = Folders.of_its_own(self._data)
        stack = Stack(settings, folders, plan=self._plan, is_public=False)
        try:
            stack.start(on_launch=_load_client)
        except BaseException:
            folders.remove()
            raise
        for warning in stack.warnings:
            logger.warning(warning)
        self._stack = stack
        atexit.register(self.stop)
        return self

    def stop(self) -> None:
        """Stop it and remove what it kept, except a given `data_dir`. A second call is harmless."""
        stack, self._stack = self._stack, None
        if stack is not None:
            atexit.unregister(self.stop)
            stack.stop()

    @property
    def url(self) -> str:
        """The server's address."""
        return self._running().url

    @property
    def token(self) -> str:
        """The owner's token."""
        return self._running().token

    @property
    def redis_url(self) -> str:
        """The Redis that server and workers share, with its password."""
        return self._running().redis_url

    @property
    def signing_keys_file(self) -> Path | None:
        """The keys that server and workers sign with, for `TASKKIT_SIGNING_KEYS_FILE` of others.

        None where `TASKKIT_SIGNING_KEYS` has them, or nothing is signed.
        """
        running = self._running()
        place = signing_keys_place(running.settings, running.folders)
        return Path(place) if place else None

    @property
    def logs(self) -> Path:
        """The folder of the parts' logs."""
        return self._running().folders.logs

    def pids(self) -> dict[str, int]:
        """Return the process ids of the supervisor and of each part."""
        return self._running().pids()

    def client(self) -> Client:
        """Return a client of this stack."""
        from ..client import Client

        return Client(self.url, self.token)

    def _running(self) -> Stack:
        if self._stack is None:
            raise Unavailable("This LocalStack is not running: use it in `with`, or start() it.")
        return self._stack

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        where = self._stack.url if self._stack else "not running"
        return f"LocalStack({where}, {self._workers} worker processes)"


def _load_client() -> None:
    """Import meanwhile what a client of the stack will need."""

    def load() -> None:
        for name in (".client", ".client.socket"):
            import_module(name, "taskkit")

    threading.Thread(target=load, name="taskkit-load", daemon=True).start()

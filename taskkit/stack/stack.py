"""Start and stop a stack: Redis, server and worker under one supervisor."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ..connection import FILE
from ..private import write_private
from ..protocol.errors import Unavailable
from .folders import Folders, unwritable
from .identity import Identity, is_free
from .logs import last_lines
from .part import Part
from .parts import HOST, Plan, Settings, blobs_place, plan_parts, signing_keys_place
from .process import SupervisorProcess
from .redis import require
from .remains import clean
from .supervision import write_configuration

if TYPE_CHECKING:
    from .control import PartStatus

START_WITHIN_S = 60.0
"""How long a part may take to become ready."""

_LOOK_EVERY_S = 0.02
_LOOKS = 5  # at a part, for one at what the supervisor says of it, which costs as much as these
_HOPELESS = 2  # so many restarts before it was ever ready: it will not become so


class Stack:
    """A stack that this process starts, and that dies with it unless it is `detached`."""

    def __init__(
        self,
        settings: Settings,
        folders: Folders,
        *,
        plan: Plan = plan_parts,
        is_public: bool = True,
        detached: bool = False,
    ) -> None:
        self.settings = settings
        self.folders = folders
        self.url = settings.url
        self.token = ""
        #: The owner's; known once started.
        self.redis_url = ""
        self.warnings: Sequence[str] = ()
        #: What an external Redis can lose, a sentence each; known once started.
        self._plan = plan
        self._is_public = is_public
        self._detached = detached
        self._parts: Sequence[Part] = ()
        self._process: SupervisorProcess | None = None

    def start(
        self,
        on_ready: Callable[[Part], None] = lambda _part: None,
        on_launch: Callable[[], None] = lambda: None,
    ) -> Self:
        """Start all parts in order and return when the last is ready; tell of each as it is.

        `on_launch` is called when the first process is on its way, and there is time to spare.

        Raises:
            Unavailable: It cannot be started, for the reason in the message. Nothing is left.
        """
        try:
            self.folders.create()
            process = self._launch()
            on_launch()
            process.await_answer(START_WITHIN_S)
            self._start_parts(process, on_ready)
        except BaseException as error:
            self.stop()
            if isinstance(error, OSError) and not isinstance(error, ConnectionError):
                raise unwritable(error, self.folders.data) from error
            raise
        return self

    def _launch(self) -> SupervisorProcess:
        """Start the supervisor, still without parts; return it."""
        held = self.folders.lock()
        try:
            self._require_port()
            external = self.settings.redis_url
            if external:
                self.warnings = require(external)
            identity = Identity.of(self.folders.data)
            self.token = identity.token
            self.redis_url = external or identity.redis_url
            self._parts = self._plan(self.settings, self.folders, identity)
            self._process = self._spawn(held)
        except BaseException:
            if self._process is None:
                self._clean()
            raise
        finally:
            for handle in held:
                os.close(handle)
        return self._process

    def _spawn(self, held: list[int]) -> SupervisorProcess:
        control, self.folders = self.folders.socket()
        write_configuration(self.folders, control, self._parts, Path.cwd())
        maker = None if self._detached else os.getpid()
        process = SupervisorProcess(self.folders, control, maker, held)
        write_private(
            self.folders.run / "stack.json",
            {
                "pid": process.pid,
                "url": self.url,
                "token": self.token,
                "redis_url": self.redis_url,
                "broker_url": self.settings.broker_url or "",
                "control": str(control),
                "logs": str(self.folders.logs),
                "blobs": blobs_place(self.settings, self.folders),
                "signing_keys": signing_keys_place(self.settings, self.folders),
                "fsync": "" if self.settings.redis_url else self.settings.fsync,
            },
        )
        return process

    def _start_parts(self, process: SupervisorProcess, on_ready: Callable[[Part], None]) -> None:
        """Start the parts, beside one another but for what is to be awaited."""
        log_sizes = {part.name: self._log_size(part) for part in self._parts}
        waiting: list[Part] = []
        for number, part in enumerate(self._parts, start=1):
            process.rpc.start(part.name)
            waiting.append(part)
            if part.is_awaited or number == len(self._parts):
                for one in waiting:
                    self._await(one, log_sizes)
                    process.rpc.note_ready(one.name)
                    on_ready(one)
                waiting.clear()
        if self._is_public:
            write_private(
                self.folders.run / FILE,
                {"url": self.url, "token": self.token, "pid": process.pid},
            )

    def _require_port(self) -> None:
        if not is_free(self.settings.port, HOST):
            raise Unavailable(
                f"Port {self.settings.port} is in use by another program: "
                "choose another, e.g. `taskkit up --port 5001`."
            )

    def _await(self, part: Part, log_sizes: dict[str, int]) -> None:
        """Return when the part is ready; raise with the end of its log where it will not be."""
        deadline = time.monotonic() + START_WITHIN_S
        for look in itertools.count():
            if look % _LOOKS == 0:
                status = next(status for status in self.status() if status.name == part.name)
            if status.pid and part.is_ready(status.pid):
                return
            if status.restarts >= _HOPELESS or time.monotonic() >= deadline:
                break
            self.wait(_LOOK_EVERY_S)
        path = self.folders.logs / f"{part.name}.log"
        lines = last_lines(path, since=log_sizes[part.name])
        if not lines:
            raise Unavailable(f"The {part.name} did not start; its log {path} is empty.")
        shown = "\n".join(f"  {line}" for line in lines)
        raise Unavailable(f"The {part.name} did not start. Its log ends with:\n{shown}")

    def _log_size(self, part: Part) -> int:
        try:
            return (self.folders.logs / f"{part.name}.log").stat().st_size
        except OSError:
            return 0

    def status(self) -> list[PartStatus]:
        """Return the parts as they are now."""
        return self._running().rpc.parts()

    def pids(self) -> dict[str, int]:
        """Return the process ids of the supervisor and of the parts that have one."""
        return {"supervisor": self._running().pid, **self._running().groups()}

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end of the stack; return whether it has ended."""
        return self._process is None or self._process.wait(timeout_s)

    def exit_code(self) -> int | None:
        """Return the supervisor's exit code (below 0: the signal that killed it), None before."""
        return self._process.exit_code() if self._process else None

    def stop(self, *, is_hurried: Callable[[], bool] = lambda: False) -> None:
        """Stop worker, server and Redis, in that order, and return when all have ended.

        Asked again and again whether it `is_hurried`, it then kills all but Redis. May be called
        at any time and any number of times.
        """
        process = self._process
        if process is None:
            return
        within_s = sum(part.stop_within_s + 3 for part in self._parts)
        if not process.stop(within_s=within_s, is_hurried=is_hurried):
            self._clean()  # it had no chance to do it
        self._process = None

    def _clean(self) -> None:
        clean(self.folders.run, self.folders.temporary)

    def _running(self) -> SupervisorProcess:
        if self._process is None:
            raise Unavailable("This stack is not running.")
        return self._process

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

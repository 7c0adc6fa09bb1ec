"""A running stack as another process sees it: for `taskkit status`, `down` and `worker`."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ..private import read_private, runtime_folder
from ..protocol.errors import NotReachable, Unavailable
from .control import PartStatus, Supervisor

_LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningStack:
    """What the run folder says of a stack that is alive."""

    pid: int
    #: The supervisor's.
    url: str
    token: str = field(repr=False)
    redis_url: str = field(repr=False)
    control: str
    #: The supervisor's socket.
    logs: str
    broker_url: str = field(default="", repr=False)
    #: The RabbitMQ that wakes its workers; empty where its Redis does.
    blobs: str = ""
    #: Where its large values are kept: a folder or a URL.
    signing_keys: str = ""
    #: The file of the keys that its server and workers sign with.
    fsync: str = ""
    #: When its Redis puts what it accepted on the disk; empty for an external one.

    @classmethod
    def find(cls) -> RunningStack | None:
        """Return the user's running stack; None where none is, or only its remains."""
        known = read_private(runtime_folder() / "stack.json")
        try:
            stack = cls(**known) if known else None
        except TypeError:
            return None
        return stack if stack is not None and stack.is_alive() else None

    @classmethod
    def require(cls) -> RunningStack:
        """Return the user's running stack.

        Raises:
            NotReachable: None is running.
        """
        stack = cls.find()
        if stack is None:
            raise NotReachable("No stack is running; start one with `taskkit up`.")
        return stack

    def is_alive(self) -> bool:
        """Return whether the supervisor runs; another process with its number does not count."""
        try:
            with Supervisor(Path(self.control)) as supervisor:
                return supervisor.pid() == self.pid
        except Unavailable:
            return False

    def parts(self) -> list[PartStatus]:
        """Return the parts as they are now."""
        with Supervisor(Path(self.control)) as supervisor:
            return supervisor.parts()

    def stop(self, *, within_s: float = 40.0, on_wait: Callable[[], None] = lambda: None) -> None:
        """Stop all parts in order; return when all have ended.

        Raises:
            Unavailable: They have not, in that time.
        """
        groups = [part.pid for part in self.parts() if part.pid]
        with Supervisor(Path(self.control)) as supervisor:
            supervisor.shutdown()
        deadline = time.monotonic() + within_s
        while _exists(self.pid):
            if time.monotonic() > deadline:
                for group in groups:
                    with suppress(OSError):
                        os.killpg(group, signal.SIGKILL)
                raise Unavailable(f"The stack did not stop within {within_s:.0f} s; killed it.")
            on_wait()
            time.sleep(_LOOK_EVERY_S)


def _exists(pid: int) -> bool:
    # A zombie whose starter has not asked for its end yet counts as gone.
    with suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not Path("/proc/self").exists()

"""The supervising process, as its starter holds it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ..private import write_private
from ..protocol.errors import Unavailable
from .folders import Folders
from .logs import last_lines

if TYPE_CHECKING:
    from .control import Supervisor

_LOOK_EVERY_S = 0.02


class SupervisorProcess:
    """A supervisord that this process started."""

    def __init__(self, folders: Folders, control: Path, maker: int | None, held: list[int]) -> None:
        """Start it.

        Args:
            folders: With its configuration in `run`.
            control: Its socket.
            maker: The process with which it ends; None lets it live on.
            held: Open lock files, which it keeps for its life.
        """
        self._log = folders.logs / "daemon.log"
        write_private(
            folders.run / "daemon.json",
            {"maker": maker, "temporary": [str(folder) for folder in folders.temporary]},
        )
        with self._log.open("wb") as log:
            # A session of its own: the terminal's Ctrl-C reaches the starter alone, which then
            # stops the parts in order.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "taskkit.stack.daemon"],
                cwd=folders.run,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=held,
            )
        from .control import Supervisor  # meanwhile: it takes a while to import

        self.rpc: Supervisor = Supervisor(control)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def await_answer(self, within_s: float) -> None:
        """Return when it answers on its socket.

        Raises:
            Unavailable: It ended, or did not answer in that time.
        """
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline and self.exit_code() is None:
            with suppress(Unavailable):
                if self.rpc.pid() == self.pid:
                    return
            self.wait(_LOOK_EVERY_S)
        raise Unavailable("The supervisor did not start.\n" + "\n".join(last_lines(self._log)))

    def groups(self) -> dict[str, int]:
        """Return the process ids of the parts; each leads a group of its own."""
        return {status.name: status.pid for status in self.rpc.parts() if status.pid}

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; return whether it has ended."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout_s)
        return self.exit_code() is not None

    def exit_code(self) -> int | None:
        """Return its exit code (below 0: the signal that killed it), None while it runs."""
        return self._process.poll()

    def stop(self, *, within_s: float, is_hurried: Callable[[], bool]) -> bool:
        """Stop the parts in order and return when all have ended; False if it was killed."""
        groups: dict[str, int] = {}
        with suppress(Unavailable):
            groups = self.groups()
        deadline = time.monotonic() + within_s
        self._ask_to_stop()
        while not self.wait(_LOOK_EVERY_S):
            # Any call makes supervisord look at its parts, else it sees an end up to 1 s later.
            with suppress(Unavailable):
                self.rpc.pid()
            if is_hurried():
                _kill(group for name, group in groups.items() if name != "redis")
            if time.monotonic() > deadline:
                self._process.kill()
                deadline += within_s
        self.rpc.close()
        if self.exit_code() == 0:
            return True
        _kill(groups.values())
        return False

    def _ask_to_stop(self) -> None:
        if self.exit_code() is not None:
            return
        try:
            self.rpc.shutdown()
        except Unavailable:
            self._process.terminate()


def _kill(groups: Iterable[int]) -> None:
    for group in groups:
        with suppress(OSError):
            os.killpg(group, signal.SIGKILL)

"""`Child`: a command that is started again whenever it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from orphans import no_orphan

RESTART_AFTER_S = 0.2
START_WITHIN_S = 10.0


class Child:
    """Runs while its ``with`` block lasts, in a process group of its own.

    The group ends with it: when the main process is gone, so is what it had started. It ends with
    this process too, however that ends.
    """

    def __init__(self, command: Sequence[str], log: Path, env: Mapping[str, str]) -> None:
        self._command = command
        self.log = log
        self._env = env
        self._restart_after_s = RESTART_AFTER_S
        self.starts = 0
        #: How often it was started until now.
        self._is_over = threading.Event()
        self._is_started = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        # The kernel ends a child with the thread that started it, so one thread starts them all.
        self._keeper = threading.Thread(target=self._keep, name=f"keeper of {log.stem}")

    def __enter__(self) -> Self:
        self._keeper.start()
        assert self._is_started.wait(START_WITHIN_S), f"{self._command[0]} did not start"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_over.set()
        while self._keeper.is_alive():
            # Again, for the case that it was just being started.
            self._kill_group()
            self._keeper.join(0.1)

    def freeze(self) -> None:
        """Stop the main process where it is; what it has started goes on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def kill(self, *, down_s: float = RESTART_AFTER_S) -> None:
        """Kill the whole group; it is started again after `down_s`."""
        self._restart_after_s = down_s
        process = self._process
        self._kill_group()
        if process is not None:
            process.wait()

    def _kill_group(self) -> None:
        process = self._process
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def _keep(self) -> None:
        with self.log.open("ab") as log:
            while not self._is_over.is_set():
                self.starts += 1
                process = self._process = subprocess.Popen(
                    self._command,
                    env=self._env,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=no_orphan(signal.SIGKILL),
                )
                self._is_started.set()
                process.wait()
                self._kill_group()
                self._process = None
                self._is_over.wait(self._restart_after_s)
                self._restart_after_s = RESTART_AFTER_S

"""A process for one attempt, seen from outside: started ahead of time, told its job, ended."""

from __future__ import annotations

import contextlib
import logging
import os
import pwd
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from .bubble import Bubble, environment
from .frames import Frame, Says, Unframer

logger = logging.getLogger(__name__)

START_S = 60.0
"""How long one may take to be ready, on a busy machine."""

END_S = 5.0
"""How long one that has closed its line may take to end."""

RECEIVED_BYTES = 2**18
WORDS_CHARS = 2000


class BoxError(Exception):
    """A box ended, or did not become ready; the words say how."""


class Box:
    """One process, under bubblewrap; all that it starts ends with it."""

    def __init__(self, bubble: Bubble, folder: Path, *, user: str | None = None) -> None:
        """Start it. It is ready later.

        folder: where its own one is made. user: whom it runs as, where this process is root's.

        Raises:
            OSError: It cannot be started.
        """
        self.scratch = Path(tempfile.mkdtemp(prefix="box-", dir=folder))
        whose: dict[str, Any] = {}
        if user is not None:
            found = pwd.getpwnam(user)
            os.chown(self.scratch, found.pw_uid, found.pw_gid)
            whose = {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": ()}
        self._line, end = socket.socketpair()
        # What it says before its job, for whoever asks why there is none.
        self._words = tempfile.TemporaryFile(prefix="taskkit-box-")  # noqa: SIM115
        self._unframer = Unframer()
        self._unsent: list[memoryview] = []
        self._init: int | None = None
        #: The first process of its own world, which is gone last.
        self._is_ready = False
        self.is_deaf = False
        #: Whether it was found not to listen any more.
        try:
            with end:
                command = bubble.command(self.scratch, end.fileno())
                self._process = subprocess.Popen(  # noqa: S603
                    command,
                    pass_fds=[end.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._words,
                    cwd="/",
                    env=environment(),
                    **whose,
                )
        except BaseException:
            self._line.close()
            self._words.close()
            _remove(self.scratch)
            raise
        self._line.setblocking(False)

    @property
    def pid(self) -> int:
        """The process above all of its."""
        return self._process.pid

    def await_ready(self, limit_s: float = START_S) -> None:
        """Return when it waits for its job.

        Raises:
            BoxError: It is not to be had.
        """
        if not self._is_ready:
            frame = self.hear(ends_at=time.monotonic() + limit_s)
            if frame is None or frame.kind != Says.READY:
                raise BoxError(f"it was not ready within {limit_s:g} s{self._said()}")
            self._init = _only_child(self.pid)
            self._is_ready = True
        if self._process.poll() is not None:
            raise BoxError(self.cause())

    def tell(self, frame: Frame) -> None:
        """Say something; it goes over the line while `hear` waits."""
        if not self.is_deaf:
            self._unsent += [memoryview(piece) for piece in frame.pieces() if len(piece)]

    def hear(
        self,
        *,
        ends_at: float | None = None,
        wake: int | None = None,
        on_wake: Callable[[], None] = lambda: None,
    ) -> Frame | None:
        """Return what it says next; None where it has said nothing until `ends_at`.

        It is not listened to as long as it does not listen. `on_wake`: called when the descriptor
        `wake` has something to read.

        Raises:
            BoxError: It has ended, or closed its line.
            GarbledError: It says what no box says.
        """
        while True:
            if not self._unsent and (frame := self._unframer.next()) is not None:
                return frame
            poll = select.poll()
            poll.register(self._line, select.POLLOUT if self._unsent else select.POLLIN)
            if wake is not None:
                poll.register(wake, select.POLLIN)
            left_s = None if ends_at is None else max(0.0, ends_at - time.monotonic())
            ready = dict(poll.poll(None if left_s is None else 1000 * left_s))
            if not ready and ends_at is not None and time.monotonic() >= ends_at:
                return None
            if wake in ready:
                on_wake()
            if self._line.fileno() in ready:
                self._move()

    def _move(self) -> None:
        if self._unsent:
            try:
                sent = self._line.send(self._unsent[0])
            except BlockingIOError:
                return
            except OSError:  # it is not there any more; what it has said counts
                self._unsent, self.is_deaf = [], True
                return
            self._unsent[0] = self._unsent[0][sent:]
            if not self._unsent[0]:
                del self._unsent[0]
            return
        try:
            come = self._line.recv(RECEIVED_BYTES)
        except BlockingIOError:
            return
        except OSError:
            come = b""
        if not come:
            raise BoxError(self.cause())
        self._unframer.feed(come)

    def cause(self) -> str:
        """Return how it ended, in the words of Celery for a process; see `deaths`."""
        try:
            code = self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            return "it does not answer any more"
        # bubblewrap says of what died by a signal what a shell says.
        number = -code if code < 0 else code - 128
        with contextlib.suppress(ValueError):
            return f"signal {number} ({signal.Signals(number).name})"
        return f"exitcode {code}{self._said()}"

    def _said(self) -> str:
        if self._is_ready:
            return ""  # it is the job's own word
        self._words.seek(0)
        words = " ".join(self._words.read(WORDS_CHARS).decode(errors="replace").split())
        return f": {words}" if words else ""

    def end(self) -> None:
        """End it and all that it started, and remove its folder."""
        self._init = self._init or _only_child(self.pid)
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        # With the first of its world all others go; who adopts orphans has it now.
        if self._init is not None:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._init, 0)
        self._line.close()
        self._words.close()
        _remove(self.scratch)


def _only_child(pid: int) -> int | None:
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(pid).children():
            return child.pid
    return None


def _remove(folder: Path) -> None:
    """Remove a folder in which somebody may have left what is not easily removed."""

    def open_and_retry(call: Callable[[str], object], path: str, _error: object) -> None:
        parent = Path(path).parent
        for one in (parent, Path(path)):
            if one.is_relative_to(folder) and one.is_dir() and not one.is_symlink():
                one.chmod(0o700)
        if call in (os.unlink, os.rmdir, os.remove):
            call(path)
        else:
            shutil.rmtree(path, onerror=open_and_retry)

    try:
        shutil.rmtree(folder, onerror=open_and_retry)
    except (OSError, RecursionError) as error:
        logger.warning("a job's folder %s cannot be removed: %s", folder, error)

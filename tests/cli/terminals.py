"""The command `taskkit` as people and scripts run it: in a terminal, and into a pipe."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path

from rich.cells import cell_len

TASKKIT = str(Path(sys.executable).with_name("taskkit"))
LIMIT_S = 60.0

_CODES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def piped(*words: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, its output into pipes."""
    return subprocess.run(
        [TASKKIT, *words], env=env, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )


class Terminal:
    """A command in a terminal of its own, of 80 columns and 24 rows."""

    def __init__(self, *words: str, env: Mapping[str, str], columns: int = 80) -> None:
        self.written = ""
        self._process_id, self._handle = pty.fork()
        if self._process_id == 0:
            os.read(0, 1)  # until it has its size
            os.execve(TASKKIT, [TASKKIT, *words], {**env, "TERM": "xterm-256color"})
        self.resize(columns, 24)
        attributes = termios.tcgetattr(self._handle)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(self._handle, termios.TCSANOW, attributes)
        os.write(self._handle, b"\n")

    def resize(self, columns: int, rows: int) -> None:
        """Change how large it is."""
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self._handle, termios.TIOCSWINSZ, size)

    def until(self, text: str) -> None:
        """Read until `text` was written; fail where it never is."""
        deadline = time.monotonic() + LIMIT_S
        while text not in self.text:
            assert time.monotonic() < deadline, f"no {text!r} in {self.text!r}"
            assert self._read(), f"it ended without {text!r}: {self.text!r}"

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._handle, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.write(self._handle, b"\x03")

    def end(self) -> int:
        """Read to the end; return the exit code."""
        deadline = time.monotonic() + LIMIT_S
        while self._read():
            assert time.monotonic() < deadline, f"it does not end: {self.text!r}"
        _, status = os.waitpid(self._process_id, 0)
        os.close(self._handle)
        return os.waitstatus_to_exitcode(status)

    @property
    def text(self) -> str:
        """What was written, without colours and moves."""
        return plain(self.written)

    def lines(self) -> list[str]:
        """Return its lines; fail where one is wider than the terminal was."""
        lines = [line.rstrip() for line in self.text.splitlines()]
        assert [line for line in lines if cell_len(line) > 80] == []
        return lines

    def _read(self) -> bool:
        ready, _, _ = select.select([self._handle], [], [], 0.2)
        if not ready:
            return True
        try:
            data = os.read(self._handle, 65_536)
        except OSError:
            return False
        self.written += data.decode(errors="replace")
        return bool(data)


def plain(text: str) -> str:
    """Return text without the codes of a terminal."""
    return _CODES.sub("", text.replace("\x1b[H", "\n")).replace("\r\n", "\n").replace("\r", "\n")

"""Of what a pool process died, in words."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

_VMSTAT = Path("/proc/vmstat")


class OutOfMemory:
    """Knows whether the kernel has ended processes of this machine for want of memory."""

    def __init__(self, vmstat: Path = _VMSTAT) -> None:
        self._vmstat = vmstat
        self._count = self._kills()

    def has_struck(self) -> bool:
        """Return whether it has since the last call."""
        before, self._count = self._count, self._kills()
        return self._count > before

    def _kills(self) -> int:
        try:
            text = self._vmstat.read_text()
        except OSError:  # another system, or a sandbox
            return 0
        found = re.search(r"^oom_kill (\d+)$", text, re.MULTILINE)
        return int(found.group(1)) if found else 0


def cause_of_death(message: str, *, is_out_of_memory: bool) -> str:
    """Return Celery's words for a death as a clause about the process."""
    found = re.search(r"(signal \d+ \(\w+\)|exitcode -?\d+)", message)
    if found is None:
        return f"its process died ({message})"
    what = found.group(1).replace("exitcode", "exit code")
    if is_out_of_memory and what.startswith("signal 9"):
        return f"out of memory: the kernel ended its process ({what})"
    return f"its process ended with {what}"


def be_first_to_go() -> None:
    """Have the kernel end this process and its children before others where memory runs out."""
    with contextlib.suppress(OSError):  # another system, or a sandbox
        Path("/proc/self/oom_score_adj").write_text("1000")

"""The stack of this machine as its own files tell of it, where there is one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..protocol.errors import TaskkitError

if TYPE_CHECKING:
    from ..stack.control import PartStatus

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """A stack that this user runs on this machine; all empty where there is none."""

    url: str = ""
    token: str = field(default="", repr=False)
    redis_url: str = field(default="", repr=False)
    parts: tuple[PartStatus, ...] = ()
    data: Path | None = None
    #: The folder of its ledger and its logs.
    blobs: str = ""

    def part(self, name: str) -> str:
        """Return how a part stands, in words; empty where it runs, or there is none here."""
        for part in self.parts:
            if part.name == name and (part.state != "running" or part.restarts):
                times = {0: "", 1: ", restarted once"}.get(
                    part.restarts, f", restarted {part.restarts} times"
                )
                return f"the stack's {name} is {part.state}{times}"
        return ""


def look() -> Here:
    """Return the stack that runs here, as of now."""
    try:
        from ..stack.running import RunningStack  # not to be had on Windows
    except ImportError:
        return Here()
    with suppress(TaskkitError):
        stack = RunningStack.find()
        if stack is not None:
            return Here(
                url=stack.url,
                token=stack.token,
                redis_url=stack.redis_url,
                parts=tuple(stack.parts()),
                data=Path(stack.logs).parent,
                blobs=stack.blobs,
            )
    return Here()


def is_same(url: str, other: str) -> bool:
    """Return whether two addresses are of one server, by whatever name of this machine.

    >>> is_same("http://localhost:5000", "http://127.0.0.1:5000/")
    True
    """
    try:
        one, two = urlsplit(url), urlsplit(other)
        names = {one.hostname, two.hostname}
        return bool(
            url and other and one.port == two.port and (len(names) == 1 or names <= LOOPBACK)
        )
    except ValueError:
        return False

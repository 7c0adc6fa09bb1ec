"""One process of a stack, as its supervisor sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Part:
    """A command to be kept running."""

    name: str
    command: tuple[str, ...]
    #: Shown by ``ps`` to every user: no secrets here.
    is_ready: Callable[[int], bool]
    #: Asked again and again with the process id until it says yes. Raises where that is hopeless.
    env: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    #: Set on top of the starter's environment; None takes a variable away.
    stop_within_s: float = 8.0
    #: How long it may take to end after SIGTERM; then its process group is killed.
    dies_by: str = "SIGKILL"
    #: The signal that it gets from the kernel (Linux) when its supervisor was killed.
    lock: Path | None = None
    #: Held while it lives: a successor waits until the last one is gone.
    is_awaited: bool = False
    #: Whether the parts after it start only when it is ready, not beside it.
    summary: str = ""
    #: What `taskkit up` says of it, e.g. ``2 processes``.

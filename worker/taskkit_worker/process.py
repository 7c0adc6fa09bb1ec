"""What a process of this worker has: pool processes their shift, the main one its death notes.

Celery builds its tasks at import time, so what they need cannot be passed to them; it is put here
once, at the start of each process, and nowhere else.
"""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .handover import Handover
    from .shift import Shift


class Process:
    """Set up by `__main__`."""

    shift: Shift
    handover: Handover
    #: Both of a pool process.
    deaths: queue.SimpleQueue[tuple[int | None, str]]
    #: Of the main process: pid and cause of each pool process that died.

    def __init__(self) -> None:
        self.deaths = queue.SimpleQueue()


process = Process()

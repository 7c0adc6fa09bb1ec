"""A file whose age tells whoever looks after a worker's process that the worker goes round."""

from __future__ import annotations

import logging
import time
from pathlib import Path

logger = logging.getLogger(__name__)


class Pulse:
    """Renews the file; nothing where there is none.

    It says nothing of Redis: a worker that waits for it has a pulse, for to start it again would
    cost the jobs that run, and bring nothing back.
    """

    def __init__(self, path: Path | None, every_s: float) -> None:
        self._path = path
        self._every_s = every_s
        self._next_s = 0.0
        self._is_told = False

    def beat(self) -> None:
        """Renew the file if it is time for that."""
        if self._path is None or time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + self._every_s
        try:
            self._path.touch(0o644)
        except OSError as error:
            if not self._is_told:
                logger.warning("the worker's pulse cannot be written: %s", error)
            self._is_told = True

    def stop(self) -> None:
        """Take it away: who looks at it is not to take the past for the present."""
        if self._path is not None:
            try:
                self._path.unlink(missing_ok=True)
            except OSError as error:
                logger.warning("the worker's pulse cannot be removed: %s", error)

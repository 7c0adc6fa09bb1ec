"""Has the ledger count what happens, before its logs are trimmed: any server may, several do."""

from __future__ import annotations

import logging
import threading

from taskkit.ledger import Figures
from taskkit.protocol.errors import Unavailable

from ..metrics.blob_sizes import SIZE, local_folder, size_of

logger = logging.getLogger(__name__)

COUNT_EVERY_S = 2.0

SIZE_EVERY_S = 300.0
"""How often the blobs' sizes are added up, which takes longer the more there are."""


class Counting:
    """One thread a server. Nothing waits for it."""

    def __init__(
        self, figures: Figures, blobs: str | None = None, *, every_s: float = COUNT_EVERY_S
    ) -> None:
        self._figures = figures
        self._folder = local_folder(blobs)
        self._every_s = every_s
        self._owners: set[str] = set()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="taskkit-counting", daemon=True)

    def start(self) -> None:
        """Begin to count."""
        self._thread.start()

    def note(self, owner: str) -> None:
        """Have this owner's log be counted, too. Forgotten by a process that dies at once, until
        the owner submits again: nothing is left out then, for a log is counted from its beginning.
        """
        self._owners.add(owner)

    def count(self) -> None:
        """Count all that waits to be counted."""
        # Each time: a ledger that was emptied has forgotten them.
        while self._figures.count(sorted(self._owners)) > 0 and not self._is_over.is_set():
            pass
        if self._folder is not None and self._figures.is_turn(SIZE, SIZE_EVERY_S):
            self._figures.keep(SIZE, size_of(self._folder))

    def _run(self) -> None:
        while not self._is_over.wait(self._every_s):
            try:
                self.count()
            except Unavailable as error:
                logger.debug("not counted: %s", error)
            except Exception:  # the edge of this thread: it must live on
                logger.exception("not counted")

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

FIRST_SIZE_EVERY_S = 20.0
"""The same as long as no server has: one whose turn it was may have died before it was done."""


class Counting:
    """One thread a server. Nothing waits for it."""

    def __init__(
        self, figures: Figures, blobs: str | None = None, *, every_s: float = COUNT_EVERY_S
    ) -> None:
        self._figures = figures
        self._folder = local_folder(blobs)
        self._every_s = every_s
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="taskkit-counting", daemon=True)

    def start(self) -> None:
        """Begin to count."""
        self._thread.start()

    def count(self) -> None:
        """Count all that waits to be counted."""
        while self._figures.count() > 0 and not self._is_over.is_set():
            pass
        if self._folder is None:
            return
        is_known = self._figures.kept(SIZE) is not None
        if self._figures.is_turn(SIZE, SIZE_EVERY_S if is_known else FIRST_SIZE_EVERY_S):
            self._figures.keep(SIZE, size_of(self._folder))

    def _run(self) -> None:
        while not self._is_over.wait(self._every_s):
            try:
                self.count()
            except Unavailable as error:
                logger.debug("not counted: %s", error)
            except Exception:  # the edge of this thread: it must live on
                logger.exception("not counted")

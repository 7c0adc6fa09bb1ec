"""Whether the Redis that this server was given keeps jobs, of this release: looked at once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from taskkit.protocol.errors import Misconfigured, Unavailable

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What is done once with a Redis that answers."""

    redis_url: str = field(repr=False)
    retention_s: float
    #: For how long final jobs are kept, from then on for all who use this Redis.
    is_trusted: bool = False
    #: Whether somebody else has looked at what it may lose.

    def inspect(self) -> bool:
        """Log what Redis can lose, and agree on its ledger; return whether it answered at all.

        Raises:
            Unavailable: It answered, and may not keep jobs.
            Misconfigured: Its ledger is not for this release.
        """
        # Here, for the master of a stack's server never looks, and need not keep it.
        from taskkit.ledger import agree, examine

        try:
            verdict = None if self.is_trusted else examine(self.redis_url)
            if verdict is None:
                agree(self.redis_url, retention_s=self.retention_s)
                return True
        except Unavailable as error:
            logger.debug("Redis was not looked at: %s", error)
            return False
        for warning in verdict.require():
            logger.warning(warning)
        return replace(self, is_trusted=True).inspect()


class LateInspection:
    """One thread, for a Redis that was away when the server started: looks when it answers."""

    def __init__(
        self,
        inspection: Inspection,
        stop_server: Callable[[], None],
        *,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._inspection = inspection
        self._stop_server = stop_server
        self._look_every_s = look_every_s
        self._thread = threading.Thread(target=self._run, name="taskkit-inspection", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def _run(self) -> None:
        pause = threading.Event()
        try:
            while not self._inspection.inspect():
                pause.wait(self._look_every_s)
        except (Unavailable, Misconfigured) as error:
            logger.critical("the server stops: %s", error)
            self._stop_server()
        except Exception:  # the edge of this thread: the server serves without it
            logger.exception("Redis could not be looked at")

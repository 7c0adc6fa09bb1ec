"""Whether the Redis that this server was given keeps jobs: looked at once, told once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from taskkit.ledger import examine
from taskkit.protocol.errors import Unavailable

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0


def inspect(redis_url: str) -> bool:
    """Log what Redis can lose; return whether it answered at all.

    Raises:
        Unavailable: It answered, and may not keep jobs.
    """
    try:
        verdict = examine(redis_url)
    except Unavailable as error:
        logger.debug("Redis was not looked at: %s", error)
        return False
    for warning in verdict.require():
        logger.warning(warning)
    return True


class LateInspection:
    """One thread, for a Redis that was away when the server started: looks when it answers."""

    def __init__(
        self,
        redis_url: str,
        stop_server: Callable[[], None],
        *,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._redis_url = redis_url
        self._stop_server = stop_server
        self._look_every_s = look_every_s
        self._thread = threading.Thread(target=self._run, name="taskkit-inspection", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def _run(self) -> None:
        pause = threading.Event()
        try:
            while not inspect(self._redis_url):
                pause.wait(self._look_every_s)
        except Unavailable as error:
            logger.critical("the server stops: %s", error)
            self._stop_server()
        except Exception:  # the edge of this thread: the server serves without it
            logger.exception("Redis could not be looked at")

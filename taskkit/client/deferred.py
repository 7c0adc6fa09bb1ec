"""An outcome that stays on the server until somebody asks for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from ..protocol.errors import NotReachable, Unavailable
from .results import Outcome

FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0


class Deferred:
    """Brings an outcome once, in the thread that asks first; whoever asks meanwhile waits for it.

    Not in a thread of the client's: who asks may be one of its callbacks.
    """

    def __init__(self, bring: Callable[[], Outcome]) -> None:
        self._bring = bring
        self._bringing = threading.Lock()
        self._outcome: Outcome | None = None

    def value(self, timeout: float | None) -> Any:
        """Return the value, or raise the error; wait for the server, `timeout` seconds at most."""
        outcome = self._get(timeout)
        if outcome.error is not None:
            raise outcome.error
        return outcome.value

    def error(self, timeout: float | None) -> BaseException | None:
        """Return the error, None where there is a value; wait likewise."""
        return self._get(timeout).error

    def _get(self, timeout: float | None) -> Outcome:
        deadline = None if timeout is None else time.monotonic() + timeout
        if not self._bringing.acquire(timeout=-1 if timeout is None else max(0.0, timeout)):
            raise TimeoutError("the result is not here yet")
        try:
            wait_s = FIRST_WAIT_S
            while self._outcome is None:
                try:
                    self._outcome = self._bring()
                except (NotReachable, Unavailable) as error:
                    left_s = wait_s if deadline is None else deadline - time.monotonic()
                    if left_s <= 0:
                        raise TimeoutError(f"the result is not here yet: {error}") from error
                    time.sleep(min(wait_s, left_s))
                    wait_s = min(LONGEST_WAIT_S, 2 * wait_s)
            return self._outcome
        finally:
            self._bringing.release()

"""Who waits for a job to be accepted is woken, whenever they begin to wait."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from taskkit.client.decision import Decision

LIMIT_S = 20.0


def test_it_is_made_once_and_for_all() -> None:
    """Waiting has an end before it, and none is needed after it."""
    decision = Decision()
    assert not decision.is_set()
    assert not decision.wait(0.001)
    decision.set()
    decision.set()
    assert decision.is_set()
    assert decision.wait(0)
    assert decision.wait()


def test_whoever_waits_is_woken() -> None:
    """Several threads that begin to wait just before it, with it and after it: none is left."""
    with ThreadPoolExecutor(4) as pool:
        for _ in range(300):
            decision, together = Decision(), threading.Barrier(4)

            def wait(decision: Decision = decision, together: threading.Barrier = together) -> bool:
                together.wait(LIMIT_S)
                return decision.wait(LIMIT_S)

            def make(decision: Decision = decision, together: threading.Barrier = together) -> bool:
                together.wait(LIMIT_S)
                decision.set()
                return True

            woken = [pool.submit(act) for act in (wait, wait, make, wait)]
            assert all(future.result(2 * LIMIT_S) for future in woken)

"""Connections to Redis: as many as there are threads that wait."""

from __future__ import annotations

import threading

from waiting import wait_until

from taskkit.ledger import open_ledger
from taskkit.protocol.cursor import Cursor
from taskkit.protocol.errors import Unavailable


def test_more_than_a_hundred_may_follow_logs_at_the_same_time(redis_url: str) -> None:
    """Each socket of a server does, and requests go on beside them: redis-py would stop at 100."""
    ledger = open_ledger(redis_url)
    begun, faults = [], []

    def follow() -> None:
        begun.append(1)
        try:
            ledger.follow({"nobody": Cursor()}, timeout_s=3.0)
        except Unavailable as error:
            faults.append(error)

    threads = [threading.Thread(target=follow) for _ in range(150)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(begun) == len(threads))
    ledger.check()
    for thread in threads:
        thread.join()
    assert faults == []

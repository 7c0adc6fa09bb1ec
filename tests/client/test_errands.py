"""Calls in a thread of their own, in their order."""

from __future__ import annotations

import threading

from scripted import LIMIT_S

from taskkit.client.errands import Errands


def test_calls_are_made_in_order_and_elsewhere() -> None:
    """One after another, in one thread."""
    errands, made, is_over = Errands("errands"), [], threading.Event()
    for n in range(5):
        errands.run(lambda n=n: made.append((n, threading.current_thread().name)))  # type: ignore[misc]
    errands.run(is_over.set)
    assert is_over.wait(LIMIT_S)
    assert made == [(n, "errands") for n in range(5)]


def test_none_is_lost_when_it_stops() -> None:
    """Those that were given are made, and later ones by whoever gives them."""
    errands, made, gate = Errands("errands"), [], threading.Event()
    errands.run(gate.wait)
    errands.run(lambda: made.append("before"))
    errands.stop()
    errands.run(lambda: made.append(threading.current_thread().name))
    assert made == ["MainThread"]
    gate.set()
    assert errands._thread is not None
    errands._thread.join(LIMIT_S)
    assert made == ["MainThread", "before"]

"""What panels send in pictures stays below what a Jupyter server passes on."""

from __future__ import annotations

from taskkit.panels.allowance import Allowance


def test_what_is_taken_comes_back_with_time() -> None:
    """Never more than a burst at once."""
    now = [0.0]
    allowance = Allowance(bytes_a_second=100, burst_bytes=1000, clock=lambda: now[0])
    assert allowance.take(600)
    assert allowance.take(400)
    assert not allowance.take(1)
    assert allowance.take(0)
    now[0] = 3.0
    assert not allowance.take(301)
    assert allowance.take(300)
    now[0] = 1000.0
    assert allowance.take(1000)
    assert not allowance.take(1)


def test_what_is_larger_than_a_burst_goes_alone() -> None:
    """It is paid for afterwards."""
    now = [0.0]
    allowance = Allowance(bytes_a_second=100, burst_bytes=1000, clock=lambda: now[0])
    assert allowance.take(1500)
    now[0] = 5.0
    assert not allowance.take(1)
    now[0] = 6.0
    assert allowance.take(100)
    assert not allowance.take(1500)

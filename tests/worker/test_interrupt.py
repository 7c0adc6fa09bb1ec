"""SIGINT ends the job that was cancelled, and no other."""

from __future__ import annotations

import signal

import pytest

from taskkit.protocol.errors import Unavailable
from taskkit_worker.interrupt import interruptible


def test_a_cancelled_job_is_interrupted() -> None:
    """Where it is, as by Ctrl-C."""
    with pytest.raises(KeyboardInterrupt), interruptible(lambda: True):
        signal.raise_signal(signal.SIGINT)


def test_a_job_that_was_not_cancelled_goes_on() -> None:
    """The signal was for the one before it."""
    asked = []
    with interruptible(lambda: bool(asked.append(1))):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    assert len(asked) == 2


def test_without_the_ledger_nobody_is_interrupted() -> None:
    """Who does not know, waits: the keeper ends the process later."""

    def away() -> bool:
        raise Unavailable("Redis does not answer (test)")

    with interruptible(away):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("is_raising", [False, True])
def test_between_jobs_the_signal_is_ignored(is_raising: bool) -> None:
    """However the last one ended."""
    try:
        with interruptible(lambda: True):
            if is_raising:
                raise ValueError
    except ValueError:
        pass
    signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN

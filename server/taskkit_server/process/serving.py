"""The process that serves. gunicorn's master, which imports none of this, stays small."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress

from . import lean  # noqa: F401

# isort: split
from flask import Flask

from taskkit.lean import trim
from taskkit.ledger import (
    Limits,
    open_figures,
    open_ledger,
    open_outbox,
    open_shares,
    open_tokens,
)
from taskkit.parent import die_with_parent
from taskkit.tracing import begin_tracing

from ..app import create_app
from ..metrics.counts import Metrics
from ..metrics.ledger import LedgerCollector
from ..settings import Settings
from ..upkeep.counting import Counting
from ..upkeep.dispatch import Dispatch
from ..upkeep.inspection import Inspection, LateInspection
from ..upkeep.relay import Relay
from ..upkeep.sweeper import Sweeper

SWITCH_INTERVAL_S = 0.0002
"""Threads hand an event on to one another; Python's 5 ms default let them convoy (measured: 5.4 ms
against 3.6 ms for a job that does nothing)."""


def die_with_the_master() -> None:
    """Have the kernel end this process when the master is gone.

    gunicorn's worker would end by itself, but not before its last socket closes.
    """
    die_with_parent(signal.SIGKILL)


def allow_files(number: int) -> None:
    """Have this process open so many files, where the system lets it."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = number if hard == resource.RLIM_INFINITY else min(number, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


_M_ARENA_MAX = -8


def share_heaps() -> None:
    """Have glibc's malloc give this process's threads two heaps, not eight a core.

    Each keeps what its busiest moment took, so a server of many threads grows with every odd
    request: after the same attack thrice 8 MB each time, with two heaps none. Source: mallopt(3).
    """
    with suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def application(settings: Settings, late: Inspection | None) -> Flask:
    """Return the application and start its threads, which would not survive a fork.

    `late` is for a Redis that was away when the server started.
    """
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    share_heaps()
    keys = settings.signing_keys
    ledger = open_ledger(settings.redis_url, keys, retention_s=settings.retention_s)
    relay = _relay(settings)
    dispatch = Dispatch(settings.redis_url, relay)
    limits = Limits(queued=settings.max_queued_jobs, running=settings.max_running_jobs)
    figures = open_figures(settings.redis_url)
    metrics = Metrics(LedgerCollector(figures, settings.blobs))
    Sweeper(ledger, dispatch, settings.sweep_s, limits, metrics).start()
    Counting(figures, settings.blobs).start()
    if relay is not None:
        relay.start()
    if late is not None:
        LateInspection(late, _stop_the_master).start()
    app = create_app(
        settings,
        ledger,
        dispatch,
        open_tokens(settings.redis_url, keys),
        shares=open_shares(settings.redis_url, keys),
        metrics=metrics,
        tracing=begin_tracing("taskkit-server"),
    )
    trim()
    return app


def _relay(settings: Settings) -> Relay | None:
    if settings.broker_url is None:
        return None
    # Here, for only those who have RabbitMQ need its client.
    from ..upkeep.rabbitmq import RabbitMQ

    return Relay(open_outbox(settings.redis_url), RabbitMQ(settings.broker_url))


def _stop_the_master() -> None:
    os.kill(os.getppid(), signal.SIGTERM)

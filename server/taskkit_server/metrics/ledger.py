"""What a scrape is told of the ledger: read when it is asked for, the same from each process."""

from __future__ import annotations

import logging
import platform
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

import taskkit
from taskkit.ledger import CAUSES, RUN_MS, WAIT_MS, Durations, Figures, Standing, StoreFacts
from taskkit.protocol.errors import Unavailable

from .blob_sizes import SIZE, local_folder

logger = logging.getLogger(__name__)

KEPT_S = 1.0
"""For how long an answer is given again: who scrapes more often costs the ledger no more."""

ENDS = {"succeeded": "job_succeeded", "failed": "job_failed", "cancelled": "job_cancelled"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the ledger told."""

    standing: Standing
    store: StoreFacts
    blobs_bytes: int | None


class LedgerCollector(Collector):
    """Asks the ledger when it is scraped; says that it is away where it does not answer."""

    def __init__(
        self,
        figures: Figures,
        blobs: str | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._figures = figures
        self._folder = local_folder(blobs)
        self._clock = clock
        self._lock = threading.Lock()
        self._answer: Answer | None = None
        self._until = float("-inf")

    def describe(self) -> Iterable[Metric]:
        """Return nothing: the ledger is not asked when a collector is registered."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield what the ledger tells."""
        build = {"version": taskkit.__version__, "python": platform.python_version()}
        yield _gauge("taskkit_build_info", "Versions; its value is 1.", 1, build)
        yield from self._disk()
        answer = self._asked()
        yield _gauge("taskkit_ledger_up", "Whether the ledger answers.", int(answer is not None))
        if answer is not None:
            yield from _standing(answer.standing)
            yield from _counted(answer.standing)
            yield from _store(answer.store)
            if answer.blobs_bytes is not None:
                size = answer.blobs_bytes
                yield _gauge(
                    "taskkit_blobs_bytes", "Bytes of large values, as last added up.", size
                )

    def _asked(self) -> Answer | None:
        with self._lock:
            if self._clock() >= self._until:
                try:
                    self._figures.count()
                    self._answer = Answer(
                        self._figures.standing(), self._figures.store(), self._figures.kept(SIZE)
                    )
                except Unavailable as error:
                    logger.warning("metrics are without those of the ledger: %s", error)
                    self._answer = None
                self._until = self._clock() + KEPT_S
            return self._answer

    def _disk(self) -> Iterator[Metric]:
        if self._folder is None:
            return
        try:
            disk = shutil.disk_usage(self._folder)
        except OSError:  # not made yet, or not there any more
            return
        name = "taskkit_blobs_disk"
        yield _gauge(f"{name}_free_bytes", "What is free where large values are kept.", disk.free)
        yield _gauge(f"{name}_size_bytes", "How large that disk is.", disk.total)


def _standing(standing: Standing) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("taskkit_jobs", "Jobs that are not final.", labels=("state",))
    jobs.add_metric(("queued",), standing.queued)
    jobs.add_metric(("running",), standing.running)
    yield jobs
    for name, told, value in (
        (
            "jobs_oldest_queued_seconds",
            "For how long the job has waited that was queued first.",
            standing.oldest_queued_ms / 1000,
        ),
        ("workers", "Workers that are there.", standing.workers),
        ("worker_processes", "Jobs that they can run at once.", standing.processes),
        ("users", "Users who ever submitted a job.", standing.users),
        ("wakeups_waiting", "Messages in the broker's queue.", standing.wakeups),
        ("log_events", "Events in the logs of all users.", standing.log_events),
        ("log_longest_events", "Events in the longest log.", standing.longest_log_events),
    ):
        yield _gauge(f"taskkit_{name}", told, value)


def _counted(standing: Standing) -> Iterator[Metric]:
    counted = standing.counted
    finished = CounterMetricFamily(
        "taskkit_jobs_finished", "Jobs that became final, by their state.", labels=("state",)
    )
    for state, event in ENDS.items():
        finished.add_metric((state,), counted.get(event, 0))
    yield finished
    lost = CounterMetricFamily(
        "taskkit_attempts_lost", "Attempts that died without an outcome.", labels=("cause",)
    )
    for cause in CAUSES:
        lost.add_metric((cause,), counted.get(f"lost:{cause}", 0))
    yield lost
    for name, told, field in (
        ("jobs_submitted", "Jobs that were accepted.", "job_submitted"),
        ("attempts_started", "Attempts that were begun.", "attempt_started"),
        ("attempts_failed", "Attempts that raised and are tried again.", "attempt_failed"),
        ("attempts_returned", "Attempts given back by a stopping worker.", "attempt_returned"),
        ("workers_joined", "Workers that came.", "worker_joined"),
        ("workers_left", "Workers that went, or were not heard of.", "worker_left"),
        ("events_missed", "Events that a log trimmed before they were counted.", "missed"),
    ):
        yield _counter(f"taskkit_{name}", told, counted.get(field, 0))
    yield _histogram(
        "taskkit_job_wait_seconds",
        "From submission to the first attempt, of jobs that waited for no others.",
        {(): standing.waits},
        WAIT_MS,
    )
    yield _histogram(
        "taskkit_job_run_seconds",
        "The last attempt of jobs that ended, by the state in which they are.",
        {(state,): runs for state, runs in standing.runs.items()},
        RUN_MS,
        ("state",),
    )


def _store(facts: StoreFacts) -> Iterator[Metric]:
    told = {
        "memory_used": "Memory that Redis has taken.",
        "memory_max": "Memory that Redis may take; 0 for no limit.",
        "aof": "Size of the append-only file of Redis.",
        "aof_enabled": "Whether Redis writes an append-only file.",
        "persisting": "Whether the last write, rewrite and snapshot of Redis went well.",
    }
    for name, size in facts.bytes.items():
        yield _gauge(f"taskkit_redis_{name}_bytes", told[name], size)
    for name, holds in facts.states.items():
        yield _gauge(f"taskkit_redis_{name}", told[name], int(holds))
    if facts.clients is not None:
        yield _gauge("taskkit_redis_clients", "Connections of Redis.", facts.clients)
    if facts.delayed_fsyncs is not None:
        name, what = "taskkit_redis_fsyncs_delayed", "Times that Redis waited for a slow disk."
        yield _counter(name, what, facts.delayed_fsyncs)


def _gauge(
    name: str, told: str, value: float, labels: Mapping[str, str] | None = None
) -> GaugeMetricFamily:
    labels = labels or {}
    family = GaugeMetricFamily(name, told, labels=tuple(labels))
    family.add_metric(tuple(labels.values()), value)
    return family


def _counter(name: str, told: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(name, told, value=value)


def _histogram(
    name: str,
    told: str,
    series: Mapping[tuple[str, ...], Durations],
    bounds_ms: tuple[int, ...],
    labels: tuple[str, ...] = (),
) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, told, labels=labels)
    for values, durations in series.items():
        total, buckets = 0, []
        for bound, count in zip((*bounds_ms, None), durations.counts, strict=True):
            total += count
            buckets.append(("+Inf" if bound is None else str(bound / 1000), float(total)))
        family.add_metric(values, buckets, sum_value=durations.sum_ms / 1000)
    return family

"""What one server process counts of its own, and all that a scrape is told.

Labels have few values: routes are told by their templates, and nothing by a user, a job or a token.
"""

from __future__ import annotations

import os

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from .folder import VARIABLE

# Several processes together have none of them, and nobody asks for them: half as many series.
disable_created_metrics()  # type: ignore[no-untyped-call]

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

TOO_MANY = "too_many"
"""The code of a socket that was refused for the others that are open."""

LATENCIES_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)


class Metrics:
    """One a process. Safe from any thread.

    ledger: what tells of the ledger; told beside what the processes count.
    """

    def __init__(self, *ledger: Collector) -> None:
        self._told = own = CollectorRegistry()
        if VARIABLE in os.environ:
            # These write into files by themselves; the collector adds up those of all processes.
            own = CollectorRegistry()
            MultiProcessCollector(self._told)  # type: ignore[no-untyped-call]
        for collector in ledger:
            self._told.register(collector)
        self._requests = Counter(
            "taskkit_http_requests",
            "Requests that were answered, by route, method and status.",
            ("route", "method", "status"),
            registry=own,
        )
        self._latencies = Histogram(
            "taskkit_http_request_duration_seconds",
            "From a request's arrival to the last byte of its answer.",
            ("route", "method"),
            buckets=LATENCIES_S,
            registry=own,
        )
        self._received = Counter(
            "taskkit_http_request_bytes", "Bytes of bodies of requests.", ("route",), registry=own
        )
        self._sent = Counter(
            "taskkit_http_response_bytes", "Bytes of bodies of answers.", ("route",), registry=own
        )
        self.in_progress = Gauge(
            "taskkit_http_requests_in_progress",
            "Requests that are being answered; each holds a thread, as a socket does.",
            registry=own,
            multiprocess_mode="livesum",
        )
        self._problems = Counter(
            "taskkit_problems", "Answers that tell a problem, by its code.", ("code",), registry=own
        )
        self.sockets = Gauge(
            "taskkit_sockets", "Open sockets.", registry=own, multiprocess_mode="livesum"
        )
        self._sockets_refused = Counter(
            "taskkit_sockets_refused",
            "Sockets that were refused, by the problem's code.",
            ("code",),
            registry=own,
        )
        self._packets = Counter(
            "taskkit_packets_sent",
            "Packets to sockets: batch (events), head, and gap, a reader who had missed something.",
            ("type",),
            registry=own,
        )
        self._events = Counter("taskkit_events_sent", "Events sent to sockets.", registry=own)
        self._sweeps = Counter(
            "taskkit_sweeps", "Looks for what died, done or failed.", ("outcome",), registry=own
        )
        self._woken = Counter(
            "taskkit_wakeups_repeated", "Queued jobs whose wake-up was sent again.", registry=own
        )
        for outcome in ("done", "failed"):
            self._sweeps.labels(outcome)
        # An alert on how it grows needs it at 0 before.
        self._sockets_refused.labels(TOO_MANY)
        for kind in ("batch", "head", "gap"):
            self._packets.labels(kind)

    def answered(
        self, route: str, method: str, status: int, duration_s: float, size: tuple[int, int]
    ) -> None:
        """Count a request; `size` is that of its body and of the answer's, in bytes."""
        method = method if method in METHODS else "OTHER"
        self._requests.labels(route, method, str(status)).inc()
        self._latencies.labels(route, method).observe(duration_s)
        received, sent = size
        self._received.labels(route).inc(received)
        self._sent.labels(route).inc(sent)

    def problem(self, code: str) -> None:
        """Count an answer that tells a problem."""
        self._problems.labels(code).inc()

    def socket_refused(self, code: str) -> None:
        """Count a socket that was not let in."""
        self._sockets_refused.labels(code).inc()

    def packet(self, kind: str, events: int = 0) -> None:
        """Count a packet that goes to a socket, with so many events."""
        self._packets.labels(kind).inc()
        if events:
            self._events.inc(events)

    def swept(self, *, is_done: bool, woken: int = 0) -> None:
        """Count a sweep, and the jobs that were woken by it."""
        self._sweeps.labels("done" if is_done else "failed").inc()
        if woken:
            self._woken.inc(woken)

    def told(self, accept: str) -> tuple[bytes, str]:
        """Return what a scrape that accepts these media types is told, and its media type."""
        try:
            encode, content_type = choose_encoder(accept)
        except (ValueError, TypeError):  # a version that is none
            encode, content_type = choose_encoder("")
        return encode(self._told), content_type

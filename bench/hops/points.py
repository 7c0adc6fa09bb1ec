"""The points of one job's way, in order: which call is stamped, as it begins or as it ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Point:
    """A place in the code. Where it is gone, the hop is counted to the one that follows."""

    name: str
    label: str
    module: str
    call: str
    #: The class and its method.
    at: Literal["begin", "end"]
    which: Literal["first", "last"] = "first"
    #: Of several within one job's time.
    only_with_value: bool = False
    #: Stamp the end only where the call returned something.


_JOB, _HTTP = "taskkit.client.job", "taskkit.client.http"
_LEDGER = "taskkit.ledger.redis"
_FEED = "taskkit_server.live.feed"

CALLED, RETURNED = "called", "returned"
"""What the profile itself stamps, around submit and result."""

FSYNCS = ("always", "everysec")
"""When Redis writes to the disk: before it answers, as it comes, or once a second."""

RAN = "ran"
"""What the job itself stamps: it returns the time."""

POINTS: tuple[Point, ...] = (
    Point(
        "queued",
        "call pickled, handed to the thread that submits",
        "taskkit.client.submitter",
        "Submitter.send",
        "begin",
    ),
    Point("sending", "that thread awake", _HTTP, "Http.post", "begin"),
    Point(
        "received", "request at the server", "taskkit_server.access.gate", "Gate.__call__", "begin"
    ),
    Point("checked", "request read and checked", _LEDGER, "RedisLedger.submit", "begin"),
    Point(
        "accepted",
        "ledger script and fsync: job is queued and, for who waits, running",
        _LEDGER,
        "RedisLedger.submit",
        "end",
    ),
    Point(
        "woken",
        "order, or wake-up, at the pool process",
        _LEDGER,
        "RedisLedger.take",
        "end",
        "first",
        True,
    ),
    Point("rising", "who was woken claims", _LEDGER, "RedisLedger.rise", "begin"),
    Point("risen", "claim script and fsync: job is running", _LEDGER, "RedisLedger.rise", "end"),
    Point(
        "calling",
        "limits and capture set up",
        "taskkit_worker.shipped",
        "ShippedFunctions.call",
        "begin",
    ),
    Point(RAN, "function loaded, task runs", "", "", "begin"),
    Point(
        "finishing",
        "outcome pickled, reports flushed",
        _LEDGER,
        "RedisLedger.finish_and_claim",
        "begin",
    ),
    Point(
        "finished",
        "finish script and fsync: job is succeeded",
        _LEDGER,
        "RedisLedger.finish_and_claim",
        "end",
    ),
    Point("read", "event read by the server's feed", _FEED, "Feed._send", "begin", "last"),
    Point("emitted", "packet written to the socket's queue", _FEED, "Feed._send", "end", "last"),
    Point(
        "packet",
        "packet at the client",
        "taskkit.client.watcher",
        "Watcher._on_batch",
        "begin",
        "last",
    ),
    Point("concluded", "event folded, value unpickled", _JOB, "Job.conclude", "begin", "last"),
)
"""`finished` and `read` overlap: the feed may read the event before the worker has its answer."""

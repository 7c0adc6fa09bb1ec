"""Large values: one of 1 MB to the store and back, and one to a worker and back."""

from __future__ import annotations

import copy
import secrets
import time
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

from ..blobs.digest import digest_of
from ..blobs.folder import FolderStore
from ..blobs.sharing import client_store
from ..client import Client
from ..client.http import Http
from ..connection import Connection
from ..protocol.errors import BlobNotFound, DiskFull, TaskkitError
from ..protocol.tokens import Scope
from .chart import Chart
from .finding import Finding, broken, caution, good
from .trial import NAME

SIZE_BYTES = 10**6
WITHIN_S = 15.0


class Leg(StrEnum):
    """A part of the way."""

    STORE = "store"
    WORKER = "worker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What became of the values."""

    is_shared: bool = False
    #: Whether this machine has the server's folder before it.
    store_ms: float = 0.0
    worker_ms: float = 0.0
    #: 0 where that was not tried.
    lost_on: Leg | None = None
    error: BaseException | None = None


def check(chart: Chart) -> tuple[Finding, Chart]:
    """Send values."""
    found = to_store(chart.connection)
    if found.error is None and chart.may(Scope.CODE):
        found = to_worker(chart.connection, found)
    return judge(found), chart


def to_store(connection: Connection) -> Parcel:
    """Keep a value and read it again. It is removed, by the server after a day if not here."""
    http = Http(connection)
    content = secrets.token_bytes(SIZE_BYTES)
    began = time.perf_counter()
    found = Parcel()
    try:
        # A folder of its own, so that what is read comes from the server and not from a cache.
        with TemporaryDirectory(prefix="taskkit-doctor-") as cache:
            store = client_store(http, Path(cache))
            found = replace(found, is_shared=isinstance(store, FolderStore))
            digest = digest_of(content)
            store.write(digest, content)
            came = bytes(store.read(digest, size_bytes=SIZE_BYTES))
            if isinstance(store, FolderStore):
                store.delete([digest])
    except (TaskkitError, OSError) as error:
        return replace(found, lost_on=Leg.STORE, error=error)
    finally:
        http.close()
    if came != content:
        return replace(found, lost_on=Leg.STORE, error=ValueError("other bytes came back"))
    return replace(found, store_ms=1000 * (time.perf_counter() - began))


def to_worker(connection: Connection, found: Parcel) -> Parcel:
    """Have a job return a value that it is given.

    Jobs keep their blobs for two weeks, so it is the same value all day.
    """
    day = time.strftime("%Y-%m-%d ").encode()
    value = (day * (SIZE_BYTES // len(day) + 1))[:SIZE_BYTES]
    began = time.perf_counter()
    try:
        with Client(connection.url, connection.token, session=NAME) as client:
            job = client.options(name=NAME, timeout_s=WITHIN_S).submit(copy.copy, value)
            try:
                came = job.result(WITHIN_S)
            finally:
                if job.record.id:  # it was accepted: else there is nothing to cancel, yet
                    job.cancel()
    except Exception as error:  # noqa: BLE001  # the edge around a job: whatever it raises
        return replace(found, lost_on=Leg.WORKER, error=error)
    if came != value:
        return replace(found, lost_on=Leg.WORKER, error=ValueError("another value came back"))
    return replace(found, worker_ms=1000 * (time.perf_counter() - began))


def judge(found: Parcel) -> Finding:
    """Return whether large values travel."""
    way = "in the server's own folder" if found.is_shared else "over HTTP"
    match found.lost_on, found.error:
        case Leg.STORE, BlobNotFound():
            return caution(
                "this server keeps no large values apart: 40 MiB of arguments at most",
                "Set TASKKIT_BLOBS to one folder or URL for both the server and its workers.",
            )
        case _, DiskFull():
            return broken(f"there is no room for them: {found.error}", "Make room on that disk.")
        case Leg.STORE, error if error is not None:
            return broken(
                f"1 MB did not come back from the server, {way}: {error}",
                "Have the server write to the folder or URL of its TASKKIT_BLOBS.",
            )
        case Leg.WORKER, error if error is not None:
            return broken(
                f"1 MB did not come back from the worker: {type(error).__name__}: {error}",
                "Set TASKKIT_BLOBS for the workers to what the server has, or to the server's "
                "address with TASKKIT_TOKEN.",
            )
    back = f", by a worker in {found.worker_ms:.0f} ms" if found.worker_ms else ""
    return good(
        f"1 MB there and back {way} in {found.store_ms:.0f} ms{back}",
        {"store_ms": found.store_ms, "worker_ms": found.worker_ms},
    )

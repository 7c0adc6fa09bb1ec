"""Whether jobs can be run in boxes here, and a worker's own part of it without a stack."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from taskkit.ledger import Claim, JobRef, StoredResult
from taskkit.ledger.memory import MemoryLedger
from taskkit.protocol.errors import Misconfigured
from taskkit.protocol.jobs import JobRecord
from taskkit.protocol.options import DEFAULT, JobOptions
from taskkit.protocol.spec import JobSpec
from taskkit.protocol.workers import WorkerInfo
from taskkit.travel import values
from taskkit.travel.functions import PYTHON_MINOR, pickle_function
from taskkit.travel.outgoing import Outgoing, arrived
from taskkit_worker.attempt import Attempts
from taskkit_worker.box.boxes import open_boxes
from taskkit_worker.handover import Handover
from taskkit_worker.owned_blobs import OwnedBlobs
from taskkit_worker.performance import Performs
from taskkit_worker.settings import Settings

WORKER = "lab-7-1f"


@cache
def why_no_box() -> str:
    """Return why jobs cannot be boxed here; "" where they can."""
    try:
        open_boxes(Settings(redis_url="redis://nowhere"), []).close()
    except Misconfigured as error:
        return str(error)
    return ""


def boxed() -> pytest.MarkDecorator:
    """Mark tests that need bubblewrap."""
    return pytest.mark.skipif(bool(why_no_box()), reason=why_no_box())


class Bench:
    """A ledger in memory, one pool process's part of a worker, and jobs for it."""

    def __init__(self, make: Callable[[MemoryLedger, OwnedBlobs], Performs], folder: Path) -> None:
        self.ledger = MemoryLedger()
        info = WorkerInfo(name=WORKER, host="lab", pid=1, processes=1, python="3.11.7", cores=2)
        self.ledger.join(info)
        self.blobs = OwnedBlobs(str(folder / "blobs"), folder / "cache")
        performer = make(self.ledger, self.blobs)
        self.attempts = Attempts(self.ledger, performer, WORKER, handover=Handover())

    def submit(
        self,
        function: Callable[..., Any],
        *args: Any,
        options: JobOptions = DEFAULT,
        after: tuple[str, ...] = (),
        owner: str = "ada",
    ) -> JobRef:
        """Make a job of a function that travels."""
        outgoing = Outgoing(self.blobs.of(owner))
        pickled, _ = pickle_function(function)
        digest = sha256(pickled).hexdigest()
        self.ledger.put_function(owner, digest, pickled)
        payload, blobs = outgoing.pickled((args, {}))
        spec = JobSpec(
            task="fit",
            function=digest,
            payload=payload,
            python=PYTHON_MINOR,
            options=options,
            after=after,
            blobs=blobs,
        )
        return self.submit_spec(spec, owner)

    def submit_spec(self, spec: JobSpec, owner: str = "ada") -> JobRef:
        """Make a job."""
        [made] = self.ledger.submit(owner, [(os.urandom(8).hex(), spec)])
        return JobRef(owner, made.record.id)

    def run(self, function: Callable[..., Any], *args: Any, **options: Any) -> JobRecord:
        """Run a function as a job; return what became of it."""
        return self.run_ref(self.submit(function, *args, options=JobOptions(**options)))

    def run_ref(self, ref: JobRef) -> JobRecord:
        """Run one attempt at a job; return what became of it."""
        claim = self.begin()
        assert claim.lease.ref == ref
        assert self.attempts.run(claim, lambda: False) is None
        record = self.record(ref)
        assert self.ledger.held(WORKER) == []
        return record

    def begin(self) -> Claim:
        """Claim the next job."""
        claim = self.attempts.begin("default")
        assert claim is not None
        return claim

    def record(self, ref: JobRef) -> JobRecord:
        """Return what is known of a job."""
        record = self.ledger.job(ref)
        assert record is not None
        return record

    def value(self, record: JobRecord, owner: str = "ada") -> Any:
        """Return what is stored of a job."""
        stored: StoredResult | None = self.ledger.result(JobRef(owner, record.id))
        assert stored is not None, record
        blobs = self.blobs.of(owner)
        read = lambda body: arrived(body, blobs, _load)  # noqa: E731
        return values.decode(stored.media_type, stored.body, read)


def _load(pickled: Any, buffers: Any) -> Any:
    import pickle

    return pickle.loads(pickled, buffers=buffers)

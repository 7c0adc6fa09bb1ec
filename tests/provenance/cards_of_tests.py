"""A card and its parts, as a job of a function would have them."""

from __future__ import annotations

import copy
import pickle
from hashlib import sha256
from typing import Any

from taskkit.blobs import digest_of
from taskkit.protocol import wire
from taskkit.protocol.jobs import JobRecord, JobState, ResultInfo, Usage
from taskkit.protocol.spec import JobSpec
from taskkit.provenance.facts import Kept, card
from taskkit.provenance.parts import Parts
from taskkit.travel.stamps import stamped

FUNCTION = stamped(pickle.dumps(abs), {}, {"source": "def f(x):\n    return abs(x)\n"})
ARGUMENTS = pickle.dumps(((-3,), {}))
BLOB = b"large" * 100

SHEET = (
    '{"kind":"environment","python":"3.12.1","implementation":"CPython","system":"Linux",'
    '"machine":"x86_64","cpu":"a processor","cores":2,"variables":{"OMP_NUM_THREADS":"1"},'
    '"packages":{"numpy":"2.4.6","scipy":"1.17.1"},"files":{}}'
)

RECORD = JobRecord(
    id="a" * 32,
    task="f",
    state=JobState.SUCCEEDED,
    created_at=1_790_000_000_000,
    started_at=1_790_000_001_000,
    finished_at=1_790_000_003_500,
    attempt=1,
    worker="lab-7-1f",
    output="hello\n",
    result=ResultInfo(media_type=wire.JSON, size_bytes=1, preview="3"),
    usage=Usage(memory_bytes=1, peak_bytes=2, cores=1.0),
)

PARTS = Parts(
    function=FUNCTION,
    arguments=ARGUMENTS,
    result=b"3",
    media_type=wire.JSON,
    blobs={digest_of(BLOB): BLOB},
)


def card_of(record: JobRecord = RECORD, **kept: Any) -> dict[str, Any]:
    """Return a card, a copy of its own."""
    spec = JobSpec(
        task="f", function=sha256(FUNCTION).hexdigest(), payload=ARGUMENTS, python="3.12"
    )
    whole = {
        "owner": "ana",
        "spec": spec,
        "about": {"source": "def f(x):\n    return abs(x)\n", "module": "__main__"},
        "sheets": (SHEET,),
        "result": b"3",
        **kept,
    }
    made = card(record, Kept(**whole), now_ms=1_790_000_009_000, version="0.1.0")
    return copy.deepcopy(made)

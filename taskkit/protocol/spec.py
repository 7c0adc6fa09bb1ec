"""What a submission asks for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256

from .identity import Identity
from .options import DEFAULT, JobOptions
from .signing import bare

LOCAL_OWNER = "local"
"""The owner of all jobs of a stack that one person started for themselves."""

WORKERS_LOG = "@workers"
"""The log of workers coming and going. No user has this name: theirs begin with a letter."""

MAX_BODY_BYTES = 64 * 2**20
"""The largest request the server reads; larger ones are answered 413."""

MAX_ARGUMENTS_BYTES = 40 * 2**20
"""The largest pickled arguments of one job; base64 makes them 4/3 as large in a request."""

MAX_RESULT_BYTES = 256 * 2**20
"""The largest encoded result that a job may have."""

INLINE_RESULT_BYTES = 4096
"""Encoded results up to this size travel in the final event itself."""

KEPT_ARGUMENTS_BYTES = 4096
"""Pickled arguments up to this size are kept as long as their job, also when it has succeeded."""

INLINE_CHUNK_BYTES = 16_384
"""And those of many calls in one: who has called them waits for all of them."""

MAX_ATTEMPTS = 3
"""How many attempts of a job may be lost before it is given up."""

SEAL = b"taskkit-work:"
"""What a sealed payload begins with. No pickle does: its first byte is 0x80."""

WORK_BYTES = 32
"""The length of a digest of the work: a SHA-256."""


FUNCTION_KEY = "@"
"""What stands in the name of a kept function between its digest and the id of a signing key."""

BY_KEY = "key:"
"""What a reference to another job begins with that names it by its idempotency key."""

MOST_BLOBS = 10_000
"""How many blobs a job may need."""

MOST_AFTER = 10_000
"""How many jobs' results a job may be given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSpec:
    """What to run, with what. Exactly one of JSON arguments or a pickled payload is used.

    A named task has `function` None and its arguments in `arguments` (a JSON object as text, by
    parameter name). A shipped function has the SHA-256 of its pickle in `function`, and its
    arguments as a pickled ``(args, kwargs)`` in `payload`, which may be `sealed`.
    """

    task: str
    arguments: str = "{}"
    function: str | None = None
    payload: bytes = b""
    python: str = ""
    #: The minor version that pickled `payload`; empty for a named task.
    options: JobOptions = DEFAULT
    after: tuple[str, ...] = ()
    #: The jobs whose results are parts of the arguments, in the order in which `payload` counts
    #: them: ids, or when submitted also ``key:`` and the idempotency key that a job was made under.
    blobs: tuple[str, ...] = ()
    #: Digests of what is large of function and arguments, so that it is kept as long as the job.
    identity: Identity | None = None
    #: What the call is, where an earlier result of an equal one will do.

    def digest(self) -> str:
        """Return what two specs share exactly when they ask for the same work; options aside,
        and whether an earlier result will do.

        Of a sealed payload it takes the client's word for the work: the bytes of function and
        arguments differ from kernel to kernel. Signatures are not looked at: keys change.
        """
        payload = bare(self.payload)
        work, _ = unsealed(payload)
        arguments = bare(self.arguments.encode()).decode()
        function = self.function and function_digest(self.function)
        function, payload = ("sealed", work) if work else (function, payload)
        # What a sealed payload is made from says what its jobs are, whichever they are this time.
        after = () if work else self.after
        head = json.dumps((self.task, arguments, function, self.python, *after)).encode()
        return sha256(len(head).to_bytes(8, "big") + head + payload).hexdigest()


def function_digest(name: str) -> str:
    """Return the digest of a function, of the name under which a ledger keeps it."""
    return name.partition(FUNCTION_KEY)[0]


def let_go(spec: JobSpec) -> str:
    """Return the digest of pickled arguments that are not kept when their job has succeeded; "" of
    those that are.
    """
    if len(spec.payload) <= KEPT_ARGUMENTS_BYTES:
        return ""
    return sha256(unsealed(bare(spec.payload))[1]).hexdigest()


def sealed(work: bytes, pickled: bytes) -> bytes:
    """Return a payload that brings a digest of the work, of `WORK_BYTES`, before its pickle."""
    return SEAL + work + pickled


def unsealed(payload: bytes) -> tuple[bytes, memoryview]:
    """Return the digest of the work, empty where there is none, and the pickle."""
    at = len(SEAL) + WORK_BYTES
    if not payload.startswith(SEAL):
        return b"", memoryview(payload)
    return payload[len(SEAL) : at], memoryview(payload)[at:]

"""A saved card's job, run again, and how that compares with what the card says."""

from __future__ import annotations

import time
import uuid
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ..client.own_blobs import OwnBlobs
from ..protocol import wire
from ..protocol.errors import DecodeError, RequestError
from ..provenance.bundle import Bundle
from ..provenance.comparing import Comparison, Tolerance, Verdict, compare
from ..provenance.parts import Parts
from ..travel import values
from ..travel.classes import Classes
from ..travel.outgoing import arrived

if TYPE_CHECKING:
    from ..blobs.store import Blobs
    from ..client import Client
    from ..client.http import Http
    from ..protocol.jobs import JobRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """What came of running a job again."""

    record: JobRecord
    card: Mapping[str, Any]
    #: Of the new job.
    comparison: Comparison
    took_s: float = field(default=0.0)


def require_whole(bundle: Bundle) -> None:
    """Return if all is there that the job needs.

    Raises:
        RequestError: It is not; the message says what is missing.
        DecodeError: A part is not what the card speaks of.
    """
    facts, parts = bundle
    missing = list(parts.missing)
    is_function = facts["code"]["form"] == "function"
    if is_function and parts.function is None and not missing:
        missing.append("function")
    if parts.arguments is None and facts["arguments"].get("value") is None and not missing:
        missing.append("arguments")
    if missing and (parts.arguments is None or (is_function and parts.function is None)):
        raise RequestError(
            f"the card does not bring what the job was made of ({'; '.join(missing)}): save it "
            "with card.save('run.zip') where the job can still be asked"
        )
    if is_function and sha256(parts.function or b"").hexdigest() != facts["code"]["sha256"]:
        raise DecodeError("the function beside the card is another one: its digest differs")
    told = facts["arguments"].get("sha256")
    is_own = parts.arguments is not None and not parts.is_resolved
    if is_own and told and sha256(parts.arguments or b"").hexdigest() != told:
        raise DecodeError("the arguments beside the card are other ones: their digest differs")
    result = facts.get("result") or {}
    is_told = bool(result) and parts.result is not None
    if is_told and sha256(parts.result or b"").hexdigest() != result["sha256"]:
        raise DecodeError("the result beside the card is another one: its digest differs")


def repeat(
    client: Client,
    http: Http,
    bundle: Bundle,
    tolerance: Tolerance,
    *,
    is_trusted: bool,
    timeout_s: float | None,
) -> Repeated:
    """Run a card's job again, and compare.

    Raises:
        RequestError: The server refuses it, e.g. as it runs another Python.
        TimeoutError: It is not final in time; it was cancelled.
    """
    facts, parts = bundle
    blobs = OwnBlobs(http)
    body = _body(facts, parts)
    for digest in blobs.missing(parts.blobs) if parts.blobs else ():
        blobs.write(digest, parts.blobs[digest])
    [answer] = http.post("/jobs", body)["jobs"]
    if "job" not in answer:
        raise RequestError(str(answer["problem"]["detail"]))
    began = time.monotonic()
    job = client.job(answer["job"]["id"])
    try:
        job.wait_final(timeout_s)
    except BaseException:
        job.cancel()
        raise
    took_s = time.monotonic() - began
    found = compared(facts, parts, job.record, http, blobs, tolerance, is_trusted=is_trusted)
    return Repeated(record=job.record, card=job.card(), comparison=found, took_s=took_s)


def _body(facts: Mapping[str, Any], parts: Parts) -> dict[str, Any]:
    code = facts["code"]
    title = str(facts["job"]["title"])
    options: dict[str, Any] = {"name": f"rerun of {title}"[:200]}
    if cpus := facts["job"]["options"].get("cpus"):
        options["cpus"] = cpus  # which decides how many threads libraries use
    job: dict[str, Any] = {"task": code["task"], "key": uuid.uuid4().hex, "options": options}
    if code["form"] != "function":
        given = facts["arguments"].get("value") if parts.arguments is None else _json(parts)
        return {"jobs": [{**job, "arguments": given}]}
    assert parts.function is not None  # noqa: S101  # see `require_whole`
    digest = sha256(parts.function).hexdigest()
    job |= {
        "function": digest,
        "payload": b64encode(parts.arguments or b"").decode(),
        "python": code["python"],
        "blobs": sorted(parts.blobs),
    }
    return {"jobs": [job], "functions": {digest: b64encode(parts.function).decode()}}


def _json(parts: Parts) -> Any:
    try:
        return values.decode(wire.JSON, parts.arguments or b"")
    except ValueError as error:
        raise DecodeError("the arguments beside the card are no JSON") from error


def compared(
    facts: Mapping[str, Any],
    parts: Parts,
    record: JobRecord,
    http: Http,
    blobs: Blobs,
    tolerance: Tolerance,
    *,
    is_trusted: bool,
) -> Comparison:
    """Return how what a job came to compares with what a card says."""
    then, error = facts.get("result"), facts.get("error")
    if then is None and error is None:
        state = facts["job"]["state"]
        return Comparison(Verdict.UNKNOWN, f"the card is of a {state} job, which has no result")
    if record.error is not None or record.result is None:
        return _of_failure(error, record)
    if then is None:
        return Comparison(Verdict.OTHER, f"it failed ({_said(error)}), and succeeded now")
    media_type, body = http.fetch(f"/jobs/{record.id}/result")
    if then["sha256"] and sha256(body).hexdigest() == then["sha256"]:
        return Comparison(Verdict.SAME)
    if parts.result is None:
        return Comparison(Verdict.UNKNOWN, "the bytes differ, and the card does not bring its own")
    kinds = {parts.media_type, media_type.partition(";")[0]}
    if wire.PICKLE in kinds and not is_trusted:
        return Comparison(
            Verdict.UNKNOWN, "the bytes differ; what they stand for is a pickle: say --trust"
        )
    load = partial(_loaded, blobs=_Both(parts, blobs))
    try:
        recorded, now = load(parts.media_type, parts.result), load(media_type, body)
    except Exception as failure:  # noqa: BLE001  # the edge around loading what user code made
        why = f"the bytes differ, and cannot be read here ({type(failure).__name__}: {failure})"
        return Comparison(Verdict.UNKNOWN, why)
    return compare(recorded, now, tolerance)


def _of_failure(error: Mapping[str, Any] | None, record: JobRecord) -> Comparison:
    if record.error is None:
        return Comparison(Verdict.OTHER, f"the rerun is {record.state}")
    now = {"type": record.error.type, "message": record.error.message}
    if error is None:
        return Comparison(Verdict.OTHER, f"it succeeded, and failed now: {_said(now)}")
    if (error["type"], error["message"]) == (now["type"], now["message"]):
        return Comparison(Verdict.EQUAL, f"it failed as before: {_said(now)}")
    return Comparison(Verdict.OTHER, f"it failed with {_said(error)}, and now with {_said(now)}")


def _said(error: Mapping[str, Any] | None) -> str:
    return "" if error is None else f"{error['type']}: {error['message']}"[:300]


def _loaded(media_type: str, body: bytes, *, blobs: Blobs) -> Any:
    load = Classes().load
    return values.decode(media_type.partition(";")[0], body, lambda b: arrived(b, blobs, load))


class _Both:
    """Blobs that a card brings, and those of the server that has run it again; to be read."""

    def __init__(self, parts: Parts, server: Blobs) -> None:
        self._parts = parts
        self._server = server

    def __getattr__(self, name: str) -> Any:
        return getattr(self._server, name)

    def read(
        self, digest: str, *, size_bytes: int | None = None, is_checked: bool = False
    ) -> memoryview:
        """Return a blob's bytes, in memory of its own."""
        own = self._parts.blobs.get(digest)
        if own is not None:
            return memoryview(bytearray(own))
        return self._server.read(digest, size_bytes=size_bytes, is_checked=is_checked)

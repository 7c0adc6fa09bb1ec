"""A card with what a pickle of arguments says: to be read where its owner's code is at home."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from ..blobs.store import Blobs
from ..provenance.facts import blobs_in
from ..provenance.redaction import HIDDEN, is_secret
from ..provenance.seeds import is_seed, seed_of, without_seed
from ..travel import values
from ..travel.cells import Cell
from ..travel.chunks import Call, Chunk, Raised
from ..travel.classes import Classes
from ..travel.functions import pickle_arguments
from ..travel.outgoing import arrived

if TYPE_CHECKING:
    from .carded import Carded, ItemCall

MOST_BYTES = 16 * 2**20
"""How much of large arguments is read for a card; of larger ones their digest is told."""

Given = tuple[Sequence[Any], Mapping[str, Any]]


class OwnCall(NamedTuple):
    """What one call of a job of many was given, and what came of it."""

    given: Given | None
    encoded: tuple[str, bytes] | None
    #: Media type and bytes of what it returned; None where it did not.


class Awaited:
    """Stands for the result of another job, in a card that is read."""

    def __init__(self, job: str) -> None:
        self.job = job

    def __repr__(self) -> str:
        return f"<the result of job {self.job}>"


def filled(facts: Mapping[str, Any], payload: bytes | None, blobs: Blobs) -> dict[str, Any]:
    """Return a card with what its arguments are by name, and its seed.

    Loads the payload: the owner's own. What cannot be read is told in ``unknown``.
    """
    told = dict(facts)
    if facts["arguments"]["form"] != "pickle" or payload is None:
        return told
    told["arguments"] = {**facts["arguments"], **_told_of(payload)}
    unknown = [
        one for one in facts["unknown"] if not one.startswith(("seed:", "arguments: the job"))
    ]
    told["unknown"] = unknown
    size = sum(one["size_bytes"] for one in blobs_in(payload))
    if size > MOST_BYTES:
        unknown.append(f"arguments: they take {size:,} bytes, and were not read for this card")
        return told
    try:
        args, kwargs = given_in(facts, payload, blobs)
    except Exception as error:  # noqa: BLE001  # the edge around loading what user code made
        unknown.append(f"arguments: they cannot be read here ({type(error).__name__}: {error})")
        return told
    if len(args) == 1 and type(args[0]) is Chunk:
        told["arguments"]["calls"] = args[0].calls
        unknown.append("seed: each call has its own; ask for the card of an item of the map")
        return told
    _describe(told, args, kwargs)
    return told


def of_call(
    facts: Mapping[str, Any], payload: bytes | None, blobs: Blobs, item: ItemCall, job: Carded
) -> tuple[dict[str, Any], OwnCall]:
    """Return the card of one call of a job of many, and what it was given and returned."""
    told = {
        **facts,
        "unknown": [one for one in facts["unknown"] if not one.startswith(("seed:", "arguments:"))],
    }
    given = _given_to(facts, payload, blobs, item)
    if given is None:
        told["unknown"].append("arguments: they are not kept any more, and not held here")
    else:
        told["arguments"] = {"form": "pickle", "sha256": _digest_of(given), "is_kept": True}
        _describe(told, *given)
    encoded = _outcome(told, item, job)
    return told, OwnCall(given, encoded)


def given_in(
    facts: Mapping[str, Any],
    payload: bytes,
    blobs: Blobs,
    *,
    results: Any = None,
) -> Given:
    """Return the arguments in a payload; `results` brings those of jobs by their place."""
    after = facts["job"]["after"]

    def awaited(place: int) -> Any:
        return Awaited(after[place])

    load = partial(Classes().load, results=results or awaited)
    args, kwargs = arrived(payload, blobs, load)
    return args, kwargs


def _told_of(payload: bytes) -> dict[str, Any]:
    return {
        "sha256": sha256(payload).hexdigest(),
        "size_bytes": len(payload),
        "blobs": blobs_in(payload),
        "is_kept": True,
    }


def _describe(told: dict[str, Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Add what the arguments are, and which of them is the seed."""
    if args and type(args[0]) is Cell:
        source = args[0].text
        digest = sha256(source.encode()).hexdigest()
        told["code"] = {**told["code"], "source": source, "source_sha256": digest}
    names: Sequence[str] = told["code"].get("parameters") or ()
    items = [
        *((names[n] if n < len(names) else f"argument {n + 1}", one) for n, one in enumerate(args)),
        *kwargs.items(),
    ]
    told["arguments"]["items"] = [_item(name, value) for name, value in items]
    given = {name: _plain(value) for name, value in items if is_seed(name)}
    told["seed"] = seed_of({**told["code"].get("defaults", {}), **given})
    if told["seed"] is None:
        told["unknown"].append(without_seed())


def _item(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, Awaited):
        return {"name": name, "kind": "result", "preview": repr(value), "job": value.job}
    kind = type(value).__name__
    if is_secret(name):  # the digest of a word that is short is the word
        return {"name": name, "kind": kind, "preview": HIDDEN}
    told = {"name": name, "kind": kind, "preview": values.preview(value)}
    try:
        media_type, body = values.encode(value)
    except Exception:  # noqa: BLE001  # the edge around user code
        return told
    return {**told, "media_type": media_type, "sha256": sha256(body).hexdigest()}


def _plain(value: Any) -> Any:
    return value if values.is_json(value) else values.preview(value)


def _given_to(
    facts: Mapping[str, Any], payload: bytes | None, blobs: Blobs, item: ItemCall
) -> Given | None:
    if item.call is not None:
        return item.call, {}
    if payload is None or item.place is None:
        return None
    try:
        args, _ = given_in(facts, payload, blobs)
        if len(args) == 1 and type(args[0]) is Chunk:
            read = partial(arrived, blobs=blobs, load=Classes().load)
            return _call(args[0], item.place, read), {}
    except Exception:  # noqa: BLE001  # the edge around loading what user code made
        return None
    return None


def _call(chunk: Chunk, place: int, read: Any) -> Call:
    calls = [call for pickled in chunk.pickles for call in read(pickled)]
    found: Call = calls[chunk.skip + place]
    return found


def _digest_of(given: Given) -> str:
    """Return the digest of what is pickled when a call travels by itself; "" where it cannot."""
    try:
        return sha256(pickle_arguments(*given)[0]).hexdigest()
    except Exception:  # noqa: BLE001  # the edge around user code
        return ""


def _outcome(told: dict[str, Any], item: ItemCall, job: Carded) -> tuple[str, bytes] | None:
    """Put what came of a call in the place of what came of all of its job."""
    from .items import known_values

    found = known_values(job)  # type: ignore[arg-type]  # a `Job`, which is all that is carded
    if found is None or item.place is None or item.place >= len(found):
        told["unknown"].append("result: the item has no outcome of its own")
        told["result"] = None
        return None
    value = found[item.place]
    if isinstance(value, Raised):
        error = value.error
        told["result"] = None
        told["error"] = {
            "type": error.type,
            "message": error.message,
            "traceback": error.traceback,
        }
        return None
    return _result(told, value)


def _result(told: dict[str, Any], value: Any) -> tuple[str, bytes] | None:
    told["error"] = None
    try:
        media_type, body = values.encode(value)
    except Exception as error:  # noqa: BLE001  # the edge around user code
        told["unknown"].append(f"result: it cannot be written ({type(error).__name__}: {error})")
        told["result"] = None
        return None
    told["result"] = {
        "media_type": media_type,
        "size_bytes": len(body),
        "sha256": sha256(body).hexdigest(),
        "blobs": [],
        "preview": values.preview(value),
    }
    return media_type, body

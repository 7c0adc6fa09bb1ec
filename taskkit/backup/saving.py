"""A ledger, and its large values if they are wanted, to a file."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from .. import __version__
from ..blobs import BlobStore
from ..ledger import Copier, write_entry
from ..protocol.errors import BlobNotFound
from .archive import ABOUT, BLOBS, LEDGER, Writer, writing

PART_BYTES = 8 * 2**20
"""About how much of the ledger is in one member."""

StoreOf = Callable[[str], BlobStore]
"""Opens the store of an owner's large values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What is in the file."""

    keys: int
    size_bytes: int
    #: Of the file.
    paused_s: float
    #: How long nobody could write to the ledger.
    blobs: int
    #: Large values that jobs need.
    included: int
    #: Those of them that are in the file.
    missing: int
    #: Those that were to be, and are not where they are kept.


def save(path: Path, copier: Copier, store_of: StoreOf | None) -> Saved:
    """Write a backup; `store_of` is for large values that shall be in it.

    Raises:
        Unavailable: Redis, the store or the disk cannot. Nothing is at `path` that was not before.
    """
    with writing(path) as writer:
        keys = _save_ledger(writer, copier)
        facts = copier.facts()
        writer.add_json(ABOUT, {"taskkit": __version__, **asdict(facts)})
        included = missing = 0
        for owner, digests in facts.blobs.items():
            if store_of is None:
                break
            store = store_of(owner)
            for digest in digests:
                is_there = _save_blob(writer, store, owner, digest)
                included += is_there
                missing += not is_there
    return Saved(
        keys=keys,
        size_bytes=path.stat().st_size,
        paused_s=facts.paused_s,
        blobs=sum(map(len, facts.blobs.values())),
        included=included,
        missing=missing,
    )


def _save_ledger(writer: Writer, copier: Copier) -> int:
    keys, parts, part = 0, 0, io.BytesIO()
    for entry in copier.copy():
        write_entry(part, entry)
        keys += 1
        if part.tell() >= PART_BYTES:
            writer.add(f"{LEDGER}{parts:06}", part.getvalue())
            parts, part = parts + 1, io.BytesIO()
    writer.add(f"{LEDGER}{parts:06}", part.getvalue())
    return keys


def _save_blob(writer: Writer, store: BlobStore, owner: str, digest: str) -> bool:
    try:
        file = store.open(digest)
    except BlobNotFound:
        return False  # its job's time was over meanwhile, or it was lost before
    with file:
        size = file.seek(0, io.SEEK_END)
        file.seek(0)
        writer.add_file(f"{BLOBS}{owner}/{digest}", file, size)
    return True

"""A file back into a ledger, when all of it was found whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path

from ..ledger import Copier, Entry, Facts, Restored, read_entries
from ..protocol.errors import BlobDamaged, DecodeError
from .archive import ABOUT, BLOBS, LEDGER, Content, members, read_json, verify
from .saving import StoreOf

_PIECE_BYTES = 4 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was restored."""

    ledger: Restored
    facts: Facts
    missing: int
    #: Large values that jobs need, and that are neither in the file nor where they are kept.


def restore(
    path: Path, copier: Copier, store_of: StoreOf | None, *, overwrite: bool = False
) -> Outcome:
    """Put a backup in the place of the ledger; its large values into their stores before.

    Raises:
        DecodeError: The file is not whole, or no backup that is known. Nothing was changed.
        RequestError: The ledger holds jobs and may not be overwritten.
        Misconfigured: The ledger of the file is not for this release.
        Unavailable: Redis, the store or the file cannot. The ledger is as it was.
    """
    verify(path)
    facts = _facts(path)
    if store_of is not None:
        _restore_blobs(path, store_of)
    restored = copier.restore(_entries(path), facts, overwrite=overwrite)
    missing = 0
    for owner, digests in facts.blobs.items():
        missing += len(store_of(owner).missing(digests)) if store_of else len(digests)
    return Outcome(ledger=restored, facts=facts, missing=missing)


def _facts(path: Path) -> Facts:
    for name, content in members(path):
        if name == ABOUT:
            told = read_json(path, content)
            try:
                return Facts(**{one.name: told[one.name] for one in fields(Facts)})
            except KeyError as error:
                raise DecodeError(f"{path} does not say of its ledger: {error}") from error
    raise DecodeError(f"{path} does not say of which moment it is")


def _entries(path: Path) -> Iterator[Entry]:
    for name, content in members(path):
        if name.startswith(LEDGER):
            yield from read_entries(content)


def _restore_blobs(path: Path, store_of: StoreOf) -> None:
    for name, content in members(path):
        if name.startswith(BLOBS):
            owner, _, digest = name.removeprefix(BLOBS).rpartition("/")
            with suppress(BlobDamaged):  # it was before the backup: one that is missing
                store_of(owner).write(digest, _pieces(content))


def _pieces(content: Content) -> Iterator[bytes]:
    while piece := content.read(_PIECE_BYTES):
        yield piece

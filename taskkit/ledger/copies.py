"""A ledger's copy, entry by entry, as it is written to a file and read back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, NamedTuple, Protocol

PAUSE_S = 10.0
"""How long writers may be held up at most; they wait 15 s for an answer, and a lease lasts 30 s."""

TOKENS_APART = 1000
"""How far the tokens of a restored ledger are beyond those of its copy. An attempt that began after
the copy was made, and runs on, must not bear the token of one that begins after it was restored."""


class Entry(NamedTuple):
    """One key."""

    name: bytes
    #: Without the ledger's prefix.
    value: bytes
    #: As ``DUMP`` writes it.
    left_ms: int
    #: How long it is kept; 0 for ever. No time passes for a copy.


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a copy is of."""

    at: int
    #: When it was made, by the ledger's clock, ms since the Unix epoch.
    form: int
    #: Of its keys; see `redis_schema`.
    redis: str
    #: The version of the Redis it was in.
    paused_s: float
    #: How long its writers were held up.
    blobs: Mapping[str, Sequence[str]]
    #: Owner -> the digests of large values that jobs need.


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What became of a copy."""

    jobs: int
    resumed: int
    #: Jobs that were not final: they run, or run again.
    logs: int
    #: Whose readers are told of a gap.


class Readable(Protocol):
    """What entries are read from."""

    def read(self, size: int = -1, /) -> bytes: ...


class Copier(Protocol):
    """Copies a ledger, and puts a copy in its place."""

    def copy(self) -> Iterator[Entry]:
        """Yield all entries as they are at one moment; `facts` is complete at the end.

        What holds for ever is read before, everything else while writers are held up.

        Raises:
            Unavailable: Redis does not answer, does not allow it, or it would take too long.
        """

    def facts(self) -> Facts:
        """Return what the copy is of, when all of it has been yielded."""

    def restore(self, entries: Iterator[Entry], facts: Facts, *, overwrite: bool) -> Restored:
        """Put a copy in the place of the ledger, in one step, when it is whole and fit to go on.

        What ran goes back into the queue, and the logs begin anew under other epochs.

        Raises:
            Misconfigured: The copy is not for this release.
            RequestError: The ledger holds jobs and may not be overwritten, or Redis cannot read
                the entries.
            Unavailable: Redis does not answer. The ledger is as it was.
        """


def write_entry(file: IO[bytes], entry: Entry) -> None:
    """Write one entry; `read_entries` reads it back."""
    for size in (len(entry.name), len(entry.value), entry.left_ms):
        file.write(size.to_bytes(8, "big"))
    file.write(entry.name)
    file.write(entry.value)


def read_entries(file: Readable) -> Iterator[Entry]:
    """Yield the entries of a file from its place on."""
    while head := file.read(24):
        name, value, left_ms = (int.from_bytes(head[at : at + 8], "big") for at in (0, 8, 16))
        yield Entry(file.read(name), file.read(value), left_ms)

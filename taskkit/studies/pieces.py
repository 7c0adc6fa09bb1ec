"""Pieces: the jobs of a study, and by what they are known again.

A piece carries a stretch of a study's rows, and its title says which; titles are what the server
keeps of a job whatever becomes of it. So that no job is taken for another's (a study of the same
name may have been there before), the title ends in a check of function, seed and first row.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import NamedTuple

from .rows import Planned

NAME_CHARS = 120
"""How long a study's name may be: the titles of its jobs begin with it."""

_TITLE = re.compile(r" \[(\d+)(?::(\d+))?\] ([0-9a-f]{12})", re.ASCII)


class Piece(NamedTuple):
    """What a title says."""

    start: int
    #: Its first row.
    stop: int | None
    #: The row behind its last; None of a job that makes one call, and is no chunk of calls.
    check: str

    @property
    def rows(self) -> range:
        """The rows that it carries, unless it gives some back."""
        return range(self.start, self.start + 1 if self.stop is None else self.stop)


def check_of(code: str, seed: int, row: Planned) -> str:
    """Return what stands for one call: of this function, with this seed, at this point."""
    told = f"{code} {seed} {row.digest.hex()} {row.repeat}"
    return sha256(told.encode()).hexdigest()


def title_of(label: str, piece: Piece) -> str:
    """Return the title of a job.

    >>> title_of("sweep", Piece(64, 128, "0123456789abcdef"))
    'sweep [64:128] 0123456789ab'
    """
    rows = f"{piece.start}" if piece.stop is None else f"{piece.start}:{piece.stop}"
    return f"{label} [{rows}] {piece.check[:12]}"


def piece_of(label: str, title: str) -> Piece | None:
    """Return which rows a job carries, by its title; None where it is no piece of this study.

    >>> piece_of("sweep", "sweep [5] 0123456789ab")
    Piece(start=5, stop=None, check='0123456789ab')
    """
    found = _TITLE.fullmatch(title, len(label)) if title.startswith(label) else None
    if found is None:
        return None
    return Piece(int(found[1]), None if found[2] is None else int(found[2]), found[3])


def session_of(name: str) -> str:
    """Return the session to which the jobs of a study belong."""
    return f"study:{name}"


def key_of(name: str, what: object) -> str:
    """Return the idempotency key of something of a study."""
    return f"study:{sha256(name.encode()).hexdigest()[:24]}:{what}"

"""Seeds: one for each call of a study, from one root and from what the call is.

NumPy's `SeedSequence` mixes the root (its `entropy`) with a place in a tree (its `spawn_key`): by
`spawn`, that place is how many children there were before. Here it is the call's own identity, the
words of its point's digest and its repeat. So a call has the same numbers whatever ran before it,
on however many workers, and however large the study has grown.

Source: NumPy's reference, `numpy.random.SeedSequence` (`entropy`, `spawn_key`, `generate_state`);
M. E. O'Neill, "Developing a seed_seq alternative", pcg-random.org, 2015, which it goes by.
"""

from __future__ import annotations

import struct
from typing import Any

from .optional import needed
from .points import DIGEST_BYTES

_WORDS = struct.Struct(f"<{DIGEST_BYTES // 4}I")

DRAWS = 0x64726177
"""What the places of draws begin with, so that none is the place of a call."""


def sequence_of(root: int, digest: bytes, repeat: int) -> Any:
    """Return the `SeedSequence` of one call."""
    return _sequence(root, (*_WORDS.unpack(digest), repeat))


def seed_of(sequence: Any) -> int:
    """Return a seed for what takes a whole number: below 2**32, as every library takes it."""
    return int(sequence.generate_state(1)[0])


def drawing(root: int, digest: bytes, number: int) -> Any:
    """Return the generator by which one parameter is drawn for the draw of this number."""
    random = needed("numpy", "a study that draws its points").random
    return random.default_rng(_sequence(root, (DRAWS, *_WORDS.unpack(digest), number)))


def _sequence(root: int, place: tuple[int, ...]) -> Any:
    random = needed("numpy", "a study with seeds").random
    return random.SeedSequence(root, spawn_key=place)

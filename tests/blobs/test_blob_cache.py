"""Caches keep what was used last."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from taskkit.blobs.cache import Cache
from taskkit.blobs.digest import digest_of
from taskkit.protocol.errors import BlobDamaged

CONTENTS = [bytes([n]) * 1000 for n in range(6)]
DIGESTS = [digest_of(content) for content in CONTENTS]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """Room for three blobs."""
    return Cache(tmp_path / "cache", bound_bytes=3500)


def fill(cache: Cache, *numbers: int) -> None:
    """Write blobs, each a second younger than the one before."""
    for n in numbers:
        cache.write(DIGESTS[n], CONTENTS[n])
        age(cache, n, n + 1)


def age(cache: Cache, n: int, at_s: int) -> None:
    """Let a blob have been used at that time."""
    os.utime(cache.folder / DIGESTS[n][:2] / DIGESTS[n], (at_s, at_s))


def held(cache: Cache) -> list[int]:
    """Return which of the blobs are here."""
    return sorted(DIGESTS.index(blob.digest) for blob in cache.listing())


def test_the_oldest_goes_when_there_are_too_many(cache: Cache) -> None:
    """And not before."""
    fill(cache, 0, 1, 2)
    assert held(cache) == [0, 1, 2]
    fill(cache, 3)
    assert held(cache) == [1, 2, 3]


def test_what_was_used_lately_stays(cache: Cache) -> None:
    """Reading is using."""
    fill(cache, 0, 1, 2)
    assert cache.find(DIGESTS[0]) == CONTENTS[0]
    fill(cache, 3)
    assert held(cache) == [0, 2, 3]


def test_a_blob_in_use_may_go(cache: Cache) -> None:
    """Who has mapped it keeps it."""
    fill(cache, 0)
    mine = cache.read(DIGESTS[0])
    age(cache, 0, 1)
    fill(cache, 1, 2, 3)
    assert held(cache) == [1, 2, 3]
    assert mine == CONTENTS[0]
    assert cache.find(DIGESTS[0]) is None


def test_what_arrives_in_parts_counts_too(cache: Cache) -> None:
    """As a download does."""
    fill(cache, 0, 1, 2)
    cache.partial(DIGESTS[4]).append(0, CONTENTS[4])
    cache.finish(DIGESTS[4])
    assert held(cache) == [1, 2, 4]


def test_a_blob_larger_than_the_cache_is_kept_until_the_next(cache: Cache) -> None:
    """It must be readable."""
    fill(cache, 0, 1)
    large = b"x" * 5000
    cache.write(digest_of(large), large)
    assert cache.read(digest_of(large)) == large
    assert [blob.size_bytes for blob in cache.listing()] == [5000]


def test_a_truncated_copy_is_found(cache: Cache) -> None:
    """And set aside, so that it is fetched anew."""
    fill(cache, 0)
    os.truncate(cache.folder / DIGESTS[0][:2] / DIGESTS[0], 10)
    with pytest.raises(BlobDamaged):
        cache.find(DIGESTS[0], 1000)
    assert cache.find(DIGESTS[0], 1000) is None

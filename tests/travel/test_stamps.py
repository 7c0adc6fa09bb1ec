"""What a function needs, behind its pickle."""

from __future__ import annotations

import pickle

import pytest

from taskkit.blobs.manifest import BlobRef, Manifest, read_manifest
from taskkit.protocol.errors import DecodeError
from taskkit.travel.stamps import packages_of, stamped

NEEDS = {"numpy": "==2.*", "pandas": ""}


def test_a_stamp_is_read_as_it_was_written() -> None:
    """And a pickle without one needs nothing."""
    assert packages_of(stamped(pickle.dumps(1), NEEDS)) == NEEDS
    assert packages_of(pickle.dumps(1)) == {}
    assert stamped(b"pickle", {}) == b"pickle"


def test_a_worker_of_an_older_release_loads_what_is_stamped() -> None:
    """It passes over what is behind the pickle, also behind a manifest."""
    assert pickle.loads(stamped(pickle.dumps([1, "two"]), NEEDS)) == [1, "two"]
    head = Manifest((BlobRef("0" * 64, 5),), is_pickle_apart=False).head(pickle.dumps("small"))
    manifest, rest = read_manifest(stamped(head, NEEDS))
    assert manifest.blobs == (BlobRef("0" * 64, 5),)
    assert pickle.loads(rest) == "small"


@pytest.mark.parametrize(
    "text",
    [b"[1]", b'{"numpy": 2}', b"{", b"[" * 100_000],
    ids=["list", "number", "cut", "deep"],
)
def test_a_stamp_that_cannot_be_read_is_told(text: bytes) -> None:
    """It is none of taskkit's."""
    whole = stamped(b"", NEEDS)
    end = whole[whole.index(b"taskkit-needs") :]
    with pytest.raises(DecodeError):
        packages_of(text + len(text).to_bytes(4, "big") + end)
    with pytest.raises(DecodeError):
        packages_of(end)

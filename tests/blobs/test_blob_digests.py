"""What blobs are called, and what a packed value says that it needs."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskkit.blobs import BlobRef, Manifest, digest, digests_of, is_packed, opening, read_manifest
from taskkit.blobs.digest import THREADED_BYTES, digest_of, digest_of_file, hasher
from taskkit.protocol.errors import DecodeError

A, B = digest_of(b"a"), digest_of(b"b")


def test_the_digest_is_blake3() -> None:
    """Source: the BLAKE3 team's test_vectors.json, input of 1025 bytes of 0, 1, …, 250, 0, 1, …."""
    content = bytes(n % 251 for n in range(1025))
    assert digest_of(content) == (
        "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"
    )


@pytest.mark.parametrize("size", [0, 1, 2**20, THREADED_BYTES + 3])
def test_memory_and_file_have_the_same_digest(tmp_path: Path, size: int) -> None:
    """Whether at once, in pieces, or from the disk, with threads or without."""
    content = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    path = tmp_path / "content"
    path.write_bytes(content)
    taken = hasher(0)
    for at in range(0, size, 100_003):
        taken.update(content[at : at + 100_003])
    assert digest_of(content) == digest_of_file(path) == taken.hexdigest()


blobs = st.builds(BlobRef, st.sampled_from([A, B]), st.integers(0, 2**60))


@given(st.lists(blobs), st.binary(), st.booleans())
def test_a_manifest_comes_back_as_it_was(
    refs: list[BlobRef], pickled: bytes, is_apart: bool
) -> None:
    """With the pickle behind it, whatever bytes that has."""
    manifest = Manifest(tuple(refs), is_apart and bool(refs))
    head = manifest.head(pickled)
    found, behind = read_manifest(head)
    assert found == manifest
    assert bytes(behind) == (b"" if manifest.is_pickle_apart else pickled)
    assert digests_of(head) == list(dict.fromkeys(ref.digest for ref in refs))


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\x80\x05K\x01.",
        b"taskkit-pack:1\n",
        b"taskkit-pack:1\n{}\n",
        b"taskkit-pack:1\n[]\n",
        b"taskkit-pack:1\n{\n",
        b"taskkit-pack:1\n" + b"[" * 100_000 + b"\n",
        b'taskkit-pack:2\n{"blobs":[],"is_pickle_apart":false}\n',
        b'taskkit-pack:1\n{"blobs":[],"is_pickle_apart":true}\n',
        b'taskkit-pack:1\n{"blobs":[["../x",1]],"is_pickle_apart":false}\n',
        f'taskkit-pack:1\n{{"blobs":[["{A}",-1]],"is_pickle_apart":false}}\n'.encode(),
        f'taskkit-pack:1\n{{"blobs":[["{A}",true]],"is_pickle_apart":false}}\n'.encode(),
        f'taskkit-pack:1\n{{"blobs":["{A}"],"is_pickle_apart":false}}\n'.encode(),
    ],
    ids=lambda head: repr(head[:60]),
)
def test_what_is_no_manifest_is_refused(head: bytes) -> None:
    """A server reads it from anybody."""
    with pytest.raises(DecodeError, match="packed value"):
        digests_of(head)


def test_a_plain_pickle_is_told_apart() -> None:
    """It begins otherwise."""
    assert not is_packed(b"\x80\x05K\x01.")
    assert is_packed(Manifest((), is_pickle_apart=False).head(b"\x80\x05K\x01."))


@pytest.mark.parametrize("module", [digest, opening], ids=lambda module: module.__name__)
def test_the_examples_of_blobs_run(module: object) -> None:
    """As they are written."""
    result = doctest.testmod(module, raise_on_error=False)  # type: ignore[arg-type]
    assert result.attempted > 0
    assert result.failed == 0

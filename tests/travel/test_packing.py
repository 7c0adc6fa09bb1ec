"""Values come back as they were when what is large of them travels apart."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from taskkit.blobs import FolderStore, digest_of
from taskkit.protocol.errors import DecodeError
from taskkit.travel.packing import (
    MOST_BUFFERS,
    THRESHOLD_BYTES,
    Packed,
    digests_of,
    pack,
    unpack,
)

LARGE = THRESHOLD_BYTES // 8 + 1
"""Of eight bytes each, a few more than travel with the pickle."""


def sent(packed: Packed) -> Any:
    """Return what arrives, on memory of its own."""
    return unpack(packed.head, [bytearray(buffer) for buffer in packed.buffers])


def by_store(value: object, folder: Path) -> Any:
    """Return what arrives by way of a store, mapped."""
    store, packed = FolderStore(folder), pack(value)
    for blob, buffer in zip(packed.blobs, packed.buffers, strict=True):
        store.write(blob.digest, buffer)
    reads = [store.read(blob.digest, size_bytes=blob.size_bytes) for blob in packed.blobs]
    return unpack(packed.head, reads)


def same_array(a: Any, b: Any) -> None:
    """Two arrays are equal, of one type, and stand in memory in the same order."""
    np.testing.assert_array_equal(a, b)
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    assert a.flags.f_contiguous == b.flags.f_contiguous


def test_what_is_small_travels_with_the_pickle() -> None:
    """No blob is made of it."""
    packed = pack({"a": np.arange(10), "b": b"bytes"})
    assert (packed.blobs, packed.buffers, digests_of(packed.head)) == ((), (), [])
    assert list(sent(packed)["a"]) == list(range(10))


def test_what_is_large_is_not_copied() -> None:
    """It leaves from the memory that it is in; its digest and size stand in the head."""
    array = np.arange(float(LARGE))
    packed = pack(("first", array))
    [buffer], [blob] = packed.buffers, packed.blobs
    assert np.shares_memory(np.frombuffer(buffer), array)
    assert (blob.digest, blob.size_bytes) == (digest_of(array.tobytes()), array.nbytes)
    assert digests_of(packed.head) == [blob.digest]
    assert len(packed.head) < 2000


@pytest.mark.parametrize("threshold", [1, 100, 10_000])
def test_the_threshold_is_the_callers(threshold: int) -> None:
    """From that size on."""
    below, at = np.zeros(threshold - 1, np.uint8), np.ones(threshold, np.uint8)
    packed = pack([below, at], threshold_bytes=threshold)
    assert digest_of(at.tobytes()) in digests_of(packed.head)
    assert digest_of(below.tobytes()) not in digests_of(packed.head)
    same_array(sent(packed)[0], below)


BASE = np.arange(4.0 * LARGE).reshape(4, LARGE)

ARRAYS = {
    "C order": BASE,
    "Fortran order": np.asfortranarray(BASE),
    "transposed": BASE.T,
    "view": BASE[1:3],
    "columns": BASE[:, 10:-10],
    "every other": BASE[::2, ::-3],
    "three axes": np.moveaxis(BASE.reshape(4, -1, 1), 0, 2),
    "big-endian": BASE.astype(">f4"),
    "complex": BASE * 1j,
    "booleans": BASE > 5,
    "records": np.zeros(LARGE, [("x", "f8"), ("name", "S9")]),
    "dates": np.arange(LARGE).astype("M8[s]"),
    "text": np.array(["ä" * 10] * LARGE),
    "objects": np.array([{"n": n} for n in range(LARGE)]),
    "broadcast": np.broadcast_to(np.arange(10.0), (LARGE, 10)),
    "no rows": np.empty((0, LARGE)),
    "one number": np.array(7.0),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_come_back_as_they_were(name: str, tmp_path: Path) -> None:
    """Whatever their order and type; they may be written to."""
    array = ARRAYS[name]
    back = by_store(array, tmp_path)
    np.testing.assert_array_equal(back, array)
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert back.flags.writeable


@pytest.mark.parametrize("name", ["C order", "Fortran order", "transposed", "view"])
def test_contiguous_arrays_keep_their_order(name: str) -> None:
    """And need no copy to leave."""
    packed = pack(ARRAYS[name])
    same_array(sent(packed), ARRAYS[name])
    assert np.shares_memory(np.frombuffer(packed.buffers[0]), ARRAYS[name])


def test_writing_to_an_array_touches_neither_file_nor_others(tmp_path: Path) -> None:
    """Each job has its own."""
    first, second = by_store(BASE, tmp_path), by_store(BASE, tmp_path)
    first[:] = -1
    np.testing.assert_array_equal(second, BASE)
    np.testing.assert_array_equal(by_store(BASE, tmp_path), BASE)


def test_a_read_only_array_stays_one() -> None:
    """As pickle has it."""
    array = np.arange(float(LARGE))
    array.flags.writeable = False
    assert not sent(pack(array)).flags.writeable


def test_the_same_array_twice_is_one() -> None:
    """In the head, and when it has come back."""
    array = np.arange(float(LARGE))
    packed = pack([array, {"again": array}])
    assert len(packed.buffers) == 1
    first, second = sent(packed)[0], sent(packed)[1]["again"]
    np.testing.assert_array_equal(first, second)
    back = sent(packed)
    back[0][0] = -1
    assert back[1]["again"][0] == -1


def test_equal_content_is_one_blob_but_not_one_array(tmp_path: Path) -> None:
    """It is stored once, and what is written to one is not seen in the other."""
    array = np.zeros(LARGE)
    packed = pack([array, array.copy(), array[:]])
    assert len(packed.buffers) == 3
    assert len(digests_of(packed.head)) == 1
    a, b, c = by_store([array, array.copy(), array[:]], tmp_path)
    a[0] = 1
    assert (b[0], c[0]) == (0, 0)


def test_not_every_array_of_very_many_is_a_blob_of_its_own() -> None:
    """The rest travel with the pickle, which is then one itself."""
    arrays = [np.full(100, n) for n in range(MOST_BUFFERS + 10)]
    packed = pack(arrays, threshold_bytes=800)
    assert len(packed.buffers) == MOST_BUFFERS + 1
    np.testing.assert_array_equal(sent(packed), arrays)


LARGE_PICKLES = {
    "bytes": b"x" * (THRESHOLD_BYTES + 1),
    "bytearray": bytearray(b"x" * (THRESHOLD_BYTES + 1)),
    "text": "ä" * THRESHOLD_BYTES,
    "integers": list(range(200_000)),
    "dictionary": {f"key {n}": (n, None) for n in range(50_000)},
}


@pytest.mark.parametrize("name", LARGE_PICKLES)
def test_a_large_pickle_leaves_as_one_blob(name: str, tmp_path: Path) -> None:
    """The head stays small."""
    value = LARGE_PICKLES[name]
    packed = pack(value)
    assert len(packed.buffers) == len(packed.blobs) == 1
    assert len(packed.head) < 500
    back = by_store(value, tmp_path)
    assert back == value
    assert type(back) is type(value)


def test_a_memoryview_comes_back_as_bytes() -> None:
    """As cloudpickle has it."""
    assert sent(pack(memoryview(b"x" * THRESHOLD_BYTES))) == b"x" * THRESHOLD_BYTES


def test_functions_travel_with_their_arrays() -> None:
    """By value, where a worker cannot import them."""
    array = np.arange(float(LARGE))
    packed = pack(lambda x: float(array[x]))
    assert len(packed.buffers) == 1
    assert sent(packed)(7) == 7.0


def test_what_cannot_be_pickled_says_so() -> None:
    """The caller finds out what it is."""
    with pytest.raises(TypeError, match="lock"):
        pack([np.zeros(LARGE), __import__("threading").Lock()])


def test_other_blobs_than_the_heads_are_refused() -> None:
    """Fewer, more, or of another size."""
    packed = pack([np.zeros(LARGE), np.ones(LARGE)])
    for wrong in (packed.buffers[:1], (*packed.buffers, b""), (packed.buffers[0], b"short")):
        with pytest.raises(DecodeError, match="other blobs"):
            unpack(packed.head, wrong)
    with pytest.raises(DecodeError):
        unpack(pickle.dumps(1), [])


def test_what_loads_it_may_be_given() -> None:
    """A worker has classes of its own."""
    seen: list[int] = []

    def load(pickled: Any, buffers: Any) -> Any:
        views = list(buffers)
        seen.extend(view.nbytes for view in views)
        return pickle.loads(pickled, buffers=views)

    array = np.zeros(LARGE)
    packed = pack(array)
    unpack(packed.head, [bytearray(b) for b in packed.buffers], load=load)
    assert seen == [array.nbytes]


leaves = (
    st.none()
    | st.integers()
    | st.text(st.characters(exclude_categories=()))
    | st.binary(max_size=200)
    | hnp.arrays(
        hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=6)
    )
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


def same(a: Any, b: Any) -> bool:
    """Return whether two values are equal and of the same types all the way down."""
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return bool(a == b)


@settings(max_examples=150, deadline=None)
@given(values, st.integers(1, 300), st.booleans())
def test_every_value_comes_back(value: Any, threshold: int, is_fortran: bool) -> None:
    """As from any pickle, wherever the line between small and large is."""
    if is_fortran and isinstance(value, np.ndarray):
        value = np.asfortranarray(value)
    packed = pack(value, threshold_bytes=threshold)
    plain = pickle.loads(pickle.dumps(value, pickle.HIGHEST_PROTOCOL))
    assert same(sent(packed), plain)  # NumPy 2.4 gives dates the machine's own byte order
    assert [digest_of(buffer) for buffer in packed.buffers] == [b.digest for b in packed.blobs]


def test_tables_come_back_as_they_were(tmp_path: Path) -> None:
    """Of several types, and may be written to."""
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame(
        {
            "number": np.arange(float(LARGE)),
            "count": np.arange(LARGE, dtype="int32"),
            "also": np.arange(LARGE) * 2.5,
            "when": pd.date_range("2026-01-01", periods=LARGE, freq="s"),
            "where": pd.Series(["Köln", "Łódź", None] * (LARGE // 3 + 1))[:LARGE],
            "kind": pd.Categorical(["a", "b"] * (LARGE // 2 + 1))[:LARGE],
            "maybe": pd.array([1, None] * (LARGE // 2 + 1), dtype="Int64")[:LARGE],
            "zone": pd.date_range("2026-01-01", periods=LARGE, freq="s", tz="Europe/Berlin"),
        },
        index=pd.RangeIndex(7, 7 + LARGE, name="row"),
    )
    assert len(pack(table).buffers) > 1
    back = by_store(table, tmp_path)
    pd.testing.assert_frame_equal(back, table)
    back.loc[7, "number"] = -1.0
    back["count"] += 1
    pd.testing.assert_frame_equal(by_store(table, tmp_path), table)
    part = table.iloc[5:-5:2][["also", "where"]]
    pd.testing.assert_frame_equal(by_store(part, tmp_path), part)


def test_arrow_tables_come_back_as_they_were(tmp_path: Path) -> None:
    """With nested columns, and of a slice."""
    pa = pytest.importorskip("pyarrow")
    table = pa.table(
        {
            "number": np.arange(float(LARGE)),
            "text": ["ä", "b", None, "dd"] * (LARGE // 4) + ["e"] * (LARGE % 4),
            "list": [[n, n + 1] for n in range(LARGE)],
        }
    )
    assert len(pack(table).buffers) >= 3
    back = by_store(table, tmp_path)
    assert back.equals(table)
    back.validate(full=True)
    assert by_store(table.slice(10, 1000), tmp_path).equals(table.slice(10, 1000))


READER = """
import sys
from pathlib import Path
from taskkit.blobs import FolderStore, read_manifest
from taskkit.travel.packing import unpack
head = sys.stdin.buffer.read()
store = FolderStore(Path(sys.argv[1]))
manifest, _ = read_manifest(head)
array = unpack(head, [store.read(blob.digest) for blob in manifest.blobs])
array += 1
print(int(array.sum()))
"""


def test_another_process_reads_and_writes_its_own(tmp_path: Path) -> None:
    """From the same files, which stay as they are."""
    array = np.arange(LARGE)
    store, packed = FolderStore(tmp_path), pack(array)
    store.write(packed.blobs[0].digest, packed.buffers[0])
    mine = unpack(packed.head, [store.read(packed.blobs[0].digest)])
    ran = subprocess.run(
        [sys.executable, "-c", READER, str(tmp_path)],
        input=packed.head,
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert int(ran.stdout) == array.sum() + LARGE
    np.testing.assert_array_equal(mine, array)
    assert store.read(packed.blobs[0].digest, is_checked=True) == array.tobytes()

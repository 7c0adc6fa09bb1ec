"""Arrays, frames and other large values on a real stack: kept apart, once, and mapped."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from disks import full
from waiting import wait_until

import taskkit
from taskkit.blobs import sharing
from taskkit.client import Client, own_blobs
from taskkit.protocol.errors import BlobNotFound, DiskFull, PayloadTooLarge

pytestmark = pytest.mark.stack

LIMIT_S = 60
MIB = 2**20


def doubled(array: Any) -> Any:
    """Change the array itself, as scripts do."""
    array *= 2
    return array


def element(array: Any, n: int) -> float:
    """Return one element."""
    return float(array[n])


def blob_files(data: Path) -> list[Path]:
    """Return the files of the blobs that a stack keeps."""
    return [path for path in (data / "blobs").rglob("*") if path.is_file() and len(path.name) == 64]


@pytest.fixture(scope="module")
def looked_into(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Path]]:
    """A stack whose folder is looked into."""
    data = tmp_path_factory.mktemp("own") / "data"
    with taskkit.LocalStack(workers=2, data_dir=data) as stack:
        yield stack, data


@pytest.fixture
def own(looked_into: tuple[Any, Path]) -> Iterator[tuple[Client, Path]]:
    """A client of it, and its folder, where no blob is yet."""
    stack, data = looked_into
    for path in blob_files(data):
        path.unlink()
    with stack.client() as client:
        yield client, data


@pytest.fixture(params=["same disk", "another machine"])
def client(
    request: pytest.FixtureRequest, stack: taskkit.LocalStack, tmp_path: Path
) -> Iterator[Client]:
    """A client that shares the stack's disk, and one that does not."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "another machine":
            patch.setattr(sharing, "accept", lambda _probe: None)
            patch.setattr("platformdirs.user_cache_path", lambda _name: tmp_path)
        made = stack.client()
        yield made
        made.close()  # not waiting for what a test that failed has left


def test_an_array_goes_there_and_comes_back(client: Client) -> None:
    """It may be changed on either side, and changes nobody else's."""
    array = np.arange(4 * MIB, dtype=float)
    first, second = client.submit(doubled, array), client.submit(doubled, array)
    array[:] = -1  # after `submit` has returned, it is the notebook's again
    expected = 2 * np.arange(4 * MIB, dtype=float)
    for job in (first, second):
        result = job.result(LIMIT_S)
        assert np.array_equal(result, expected)
        result[0] = 7
    assert first.record.result is not None
    assert first.record.result.size_bytes >= 32 * MIB


def test_whatever_is_large_travels(client: Client) -> None:
    """Texts, bytes, lists and dicts of arrays; as results, too."""
    value = {"x": [np.ones((500, 500)), b"y" * MIB], "z": "€" * MIB, "n": list(range(300_000))}
    back = client.submit(lambda v: v, value).result(LIMIT_S)
    assert np.array_equal(back["x"][0], value["x"][0])
    assert (back["x"][1], back["z"], back["n"]) == (value["x"][1], value["z"], value["n"])


def test_a_frame_goes_there_and_comes_back(client: Client) -> None:
    """With numbers, texts and categories."""
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"n": range(200_000)})
    frame["text"] = frame["n"].astype(str)
    frame["kind"] = pd.Categorical(["a", "b"] * 100_000)
    back = client.submit(lambda f: f.assign(twice=f["n"] * 2), frame).result(LIMIT_S)
    pd.testing.assert_frame_equal(back.drop(columns="twice"), frame)


def test_one_array_in_many_jobs_is_kept_once(own: tuple[Client, Path]) -> None:
    """As an argument, in a partial and in a closure; and the result of a job as it is."""
    client, data = own
    array = np.random.default_rng(1).random(MIB)
    for batch in (
        client.map(element, [array] * 20, range(20)),
        client.map(partial(element, array), range(20)),
        client.map(lambda n: float(array[n]), range(100)),
    ):
        assert list(batch) == [array[n] for n in range(len(batch))]
    assert [path.stat().st_size for path in blob_files(data)] == [8 * MIB]
    made = client.submit(lambda: array)
    assert client.submit(element, made, 3).result(LIMIT_S) == array[3]
    assert len(blob_files(data)) == 1


def test_a_value_that_was_put_is_sent_once(own: tuple[Client, Path]) -> None:
    """By itself, nested, in a closure, as a result; it is no value of the notebook's."""
    client, data = own
    array = np.random.default_rng(3).random(MIB)
    put = client.put(array)
    assert "1048576" in repr(put)
    assert client.submit(element, put, 5).result(LIMIT_S) == array[5]
    assert client.submit(lambda: float(put[7])).result(LIMIT_S) == array[7]
    nested = client.submit(lambda d: d["x"][0].sum(), {"x": [put]})
    assert nested.result(LIMIT_S) == array.sum()
    assert list(client.map(element, [put] * 100, range(100))) == list(array[:100])
    assert len(blob_files(data)) == 1
    assert client.submit(sum, client.put([1, 2, 3])).result(LIMIT_S) == 6
    with pytest.raises(TypeError, match="travels with a job"):
        pickle.dumps(put)
    for path in blob_files(data):
        path.unlink()
    with pytest.raises(BlobNotFound, match="put it again"):
        client.submit(element, put, 5)


@contextmanager
def one_more_worker(stack: taskkit.LocalStack, **variables: str) -> Iterator[None]:
    """Run a worker that is told of Redis, and of nothing else but this."""
    environment = {**os.environ, "TASKKIT_REDIS_URL": stack.redis_url, **variables}
    environment["TASKKIT_SIGNING_KEYS_FILE"] = str(stack.signing_keys_file)
    command = [sys.executable, "-m", "taskkit_worker", "--concurrency", "1"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.parametrize("is_told", [True, False])
def test_a_worker_elsewhere_asks_the_server(tmp_path: Path, is_told: bool) -> None:
    """Where it is told its address and a token; else the job says what the worker lacks."""
    gate = tmp_path / "gate"

    def held(path: str) -> None:
        while not os.path.exists(path):  # noqa: PTH110
            time.sleep(0.02)

    with taskkit.LocalStack(workers=1) as stack, stack.client() as client:
        blocking = client.submit(held, str(gate))
        wait_until(blocking.running)
        told = {"TASKKIT_BLOBS": stack.url, "TASKKIT_TOKEN": stack.token} if is_told else {}
        with one_more_worker(stack, XDG_CACHE_HOME=str(tmp_path), **told):
            array = np.random.default_rng(4).random(MIB)
            job = client.submit(doubled, array)
            if is_told:
                assert np.array_equal(job.result(LIMIT_S), 2 * array)
            else:
                with pytest.raises(BlobNotFound, match="set TASKKIT_BLOBS to the folder"):
                    job.result(LIMIT_S)
            assert not blocking.done()
            gate.touch()


def test_many_large_items_have_a_job_each(own: tuple[Client, Path]) -> None:
    """They are kept apart as they are submitted, not all pickled first."""
    client, data = own
    arrays = [np.full(MIB // 16, float(n)) for n in range(70)]
    assert list(client.map(element, arrays, [0] * 70)) == [float(n) for n in range(70)]
    assert len(blob_files(data)) == 70


def test_small_values_need_no_blob(own: tuple[Client, Path]) -> None:
    """They travel as they did."""
    client, data = own
    assert list(client.map(element, [np.ones(100)] * 5, range(5))) == [1.0] * 5
    assert blob_files(data) == []


def test_what_is_too_large_is_refused_by_name(client: Client, monkeypatch: Any) -> None:
    """When it is submitted; nothing of it is kept."""

    def write(*_: object) -> None:
        raise PayloadTooLarge("a value takes 32 MiB; the server takes 1 MiB at most")

    client.submit(len, b"").result(LIMIT_S)
    monkeypatch.setattr(own_blobs.OwnBlobs, "write", write)
    expected = r"argument 'big' takes 32 MiB; a value takes 32 MiB; the server takes 1 MiB at most"
    with pytest.raises(PayloadTooLarge, match=expected):
        client.submit(dict, small=np.ones(9), big=np.random.default_rng(2).random(4 * MIB))


def test_a_result_waits_for_room_on_the_disk(disk: Path, tmp_path: Path) -> None:
    """The work is not done again; an argument that does not fit is refused when submitted."""

    def made(gate: str, runs: str) -> Any:
        import pathlib

        with pathlib.Path(runs).open("a") as file:
            file.write("ran\n")
        while not pathlib.Path(gate).exists():
            time.sleep(0.02)
        return np.full(MIB, 3.0)

    gate, runs = tmp_path / "gate", tmp_path / "runs"
    with (
        taskkit.LocalStack(workers=1, data_dir=disk / "data", fsync="everysec") as stack,
        stack.client() as client,
    ):
        job = client.submit(made, str(gate), str(runs))
        wait_until(runs.exists)
        with full(disk):
            gate.touch()
            with pytest.raises(DiskFull):
                client.submit(len, np.ones(MIB))
            time.sleep(1.0)
            assert not job.done()
        assert np.array_equal(job.result(LIMIT_S), np.full(MIB, 3.0))
        assert job.record.attempt == 1
        assert runs.read_text() == "ran\n"

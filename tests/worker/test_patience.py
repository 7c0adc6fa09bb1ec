"""A job waits for a server that keeps its large values, instead of failing."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from blob_server import OWNER, TOKEN, BlobServer

from taskkit.blobs import digest_of
from taskkit.protocol.errors import BlobNotFound, DiskFull, Unavailable
from taskkit_worker import patience as module
from taskkit_worker.owned_blobs import OwnedBlobs
from taskkit_worker.patience import PatientBlobs

LARGE = np.arange(500_000, dtype=np.uint8).tobytes()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[BlobServer]:
    """A real one; it is up."""
    server = BlobServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.mark.stack
def test_a_restart_of_the_server_is_waited_for(
    server: BlobServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Longer than a transfer is taken up again; the job's output says why nothing happens."""
    blobs = OwnedBlobs(server.url, tmp_path / "cache", TOKEN).patient(OWNER)
    assert blobs is not None
    server.kill()
    restart = threading.Timer(12.0, server.start)
    restart.start()
    blobs.write(digest_of(LARGE), LARGE)
    assert blobs.read(digest_of(LARGE)) == LARGE
    restart.join()
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert told[0].startswith(f"taskkit: waits, since the server at {server.url} does not answer")
    with pytest.raises(BlobNotFound):
        blobs.read(digest_of(b"nothing"))


class Away:
    """A store whose calls fail, first with these errors."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)

    def missing(self, digests: Any) -> list[str]:
        if self.errors:
            raise self.errors.pop(0)
        return list(digests)


def test_what_asks_iterates_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same question is asked again."""
    monkeypatch.setattr(module, "FIRST_WAIT_S", 0.001)
    blobs = PatientBlobs(Away(Unavailable("away"), DiskFull("full")))  # type: ignore[arg-type]
    assert blobs.missing(iter(["a", "b"])) == ["a", "b"]


def test_a_cancelled_job_waits_no_longer() -> None:
    """As it is cancelled: by SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    blobs = PatientBlobs(Away(*[Unavailable("away")] * 1000))  # type: ignore[arg-type]
    threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            blobs.missing(["a"])
    finally:
        signal.signal(signal.SIGINT, before)
    assert time.monotonic() - began < 10

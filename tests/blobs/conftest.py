"""Folders of blobs, and a server that keeps some."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from blob_server import BlobServer

from taskkit.blobs import FolderStore


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    """An empty store."""
    return FolderStore(tmp_path / "blobs")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlobServer]:
    """A real server process."""
    running = BlobServer(tmp_path_factory.mktemp("server"), max_blob_bytes=64 * 2**20)
    running.start()
    yield running
    running.kill()

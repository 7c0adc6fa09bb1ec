"""A pickle that is kept apart is code: its bytes are compared with its digest before it loads."""

from __future__ import annotations

from pathlib import Path

import pytest

from taskkit.blobs.folder import FolderStore
from taskkit.protocol.errors import BlobDamaged
from taskkit.travel.classes import OWN_CLASSES
from taskkit.travel.outgoing import Outgoing, arrived


def test_a_pickle_that_was_changed_in_its_folder_is_not_loaded(tmp_path: Path) -> None:
    """Though it is as long as before."""
    blobs = FolderStore(tmp_path)
    value = [f"line {n}" for n in range(50_000)]
    sent, [digest] = Outgoing(blobs).pickled(value)
    assert arrived(sent, blobs, OWN_CLASSES.load) == value
    path = tmp_path / digest[:2] / digest
    path.write_bytes(path.read_bytes().replace(b"line 7", b"lime 7"))
    with pytest.raises(BlobDamaged, match="other bytes"):
        arrived(sent, blobs, OWN_CLASSES.load)

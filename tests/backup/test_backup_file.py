"""The file of a backup: whole or not there, and looked through before anything is changed."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import redis
from backup.conftest import Filled
from waiting import wait_until

from taskkit.backup import archive
from taskkit.backup.archive import members, verify, writing
from taskkit.backup.restoring import restore
from taskkit.backup.saving import save
from taskkit.ledger.redis_copy import RedisCopier
from taskkit.protocol.errors import DecodeError, Unavailable


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A backup with two members."""
    path = tmp_path / "jobs.backup"
    with writing(path) as writer:
        writer.add("ledger/000000", b"entries" * 1000)
        writer.add_json("about.json", {"at": 1})
    return path


def test_what_was_written_is_read(file: Path) -> None:
    """In its order, with the checksums at the end."""
    verify(file)
    found = [(name, content.read()) for name, content in members(file)]
    assert [name for name, _ in found] == [
        "backup.json",
        "ledger/000000",
        "about.json",
        "checksums.json",
    ]
    assert found[1][1] == b"entries" * 1000


def test_an_interrupted_backup_leaves_the_file_of_before(file: Path) -> None:
    """And no half of its own."""
    before = file.read_bytes()

    def interrupted() -> None:
        with writing(file) as writer:
            writer.add("ledger/000000", b"x" * 1000)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_a_full_disk_is_told_and_leaves_nothing(disk: Path) -> None:
    """In words of ours."""

    def fill() -> None:
        with writing(disk / "f") as writer:
            for number in range(100):
                writer.add(f"ledger/{number}", os.urandom(2**20))

    with pytest.raises(Unavailable, match="No space left"):
        fill()
    assert [path for path in disk.iterdir() if path.name.startswith((".f", "f"))] == []


def test_a_file_that_was_cut_is_refused(file: Path, tmp_path: Path) -> None:
    """Wherever it was; but for the archive's empty end, without which nothing is lost."""
    content, cut = file.read_bytes(), tmp_path / "cut"
    whole = [(name, member.read()) for name, member in members(file)]
    refused = 0
    for left in range(len(content)):
        cut.write_bytes(content[:left])
        try:
            verify(cut)
        except DecodeError as error:
            assert re.search("damaged|not whole|no backup", str(error))  # noqa: PT017
            refused += 1
        else:
            assert [(name, member.read()) for name, member in members(cut)] == whole
    assert refused > len(content) * 0.8


def test_a_file_without_its_last_member_is_not_whole(file: Path, tmp_path: Path) -> None:
    """Though what there is of it is sound."""
    unpacked = gzip.decompress(file.read_bytes())
    other = tmp_path / "other"
    with tarfile.open(fileobj=io.BytesIO(unpacked)) as old, tarfile.open(other, "w:gz") as new:
        for member in old.getmembers()[:-1]:
            new.addfile(member, old.extractfile(member))
    with pytest.raises(DecodeError, match="is not whole"):
        verify(other)


def test_a_byte_that_was_changed_is_found(file: Path, tmp_path: Path) -> None:
    """Also where the archive's own checksums are right."""
    unpacked = bytearray(gzip.decompress(file.read_bytes()))
    unpacked[unpacked.index(b"entries")] ^= 1
    other = tmp_path / "other"
    other.write_bytes(gzip.compress(bytes(unpacked)))
    with pytest.raises(DecodeError, match="ledger/000000 is not as it was written"):
        verify(other)


@pytest.mark.parametrize("content", [b"", b"hello", gzip.compress(b"hello" * 1000, mtime=0)])
def test_another_file_is_no_backup(tmp_path: Path, content: bytes) -> None:
    """Said, not guessed."""
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(DecodeError, match=r"no backup of taskkit|not whole"):
        verify(path)


def test_a_file_of_a_later_version_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names both versions."""
    monkeypatch.setattr(archive, "VERSION", 2)
    with writing(tmp_path / "f"):
        pass
    monkeypatch.undo()
    with pytest.raises(DecodeError, match="has version 2, and this taskkit reads version 1"):
        verify(tmp_path / "f")


def test_a_damaged_file_changes_nothing(filled: Filled, tmp_path: Path) -> None:
    """All of it is read before Redis is touched."""
    path = tmp_path / "f"
    save(path, RedisCopier(filled.url), None)
    client = redis.Redis.from_url(filled.url)
    before = {key: client.dump(key) for key in client.scan_iter()}
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DecodeError):
        restore(path, RedisCopier(filled.url), None, overwrite=True)
    assert {key: client.dump(key) for key in client.scan_iter()} == before


def test_a_stopped_backup_leaves_nothing_and_lets_writers_go_on(
    filled: Filled, tmp_path: Path
) -> None:
    """SIGTERM while it waits for Redis, which a supervisor of backups sends when it is too slow."""
    client = redis.Redis.from_url(filled.url)
    client.client_pause(30_000, all=True)
    path = tmp_path / "out" / "f"
    path.parent.mkdir()
    command = [sys.executable, "-m", "taskkit", "backup", str(path), "--url", filled.url]
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    with subprocess.Popen(command, env=environment, cwd=tmp_path) as process:
        wait_until(lambda: any(path.parent.iterdir()))
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) != 0
    assert list(path.parent.iterdir()) == []


def test_the_command_says_what_it_did(filled: Filled, tmp_path: Path) -> None:
    """And `restore`, of which moment it was and how many jobs go on."""

    def taskkit(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "taskkit", *words, "--url", filled.url]
        environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "COLUMNS": "200"}
        return subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60
        )

    saved = taskkit("backup", "f")
    assert saved.returncode == 0, saved.stderr
    assert "MB in f" in saved.stdout
    refused = taskkit("restore", "f")
    assert refused.returncode == 1
    assert "holds jobs, of 2 users" in refused.stderr
    restored = taskkit("restore", "f", "--overwrite")
    assert restored.returncode == 0, restored.stderr
    assert "6 jobs as of" in restored.stdout
    assert "4 go on" in restored.stdout
    assert json.loads(gzip.decompress((tmp_path / "f").read_bytes())[512:].split(b"\0")[0])

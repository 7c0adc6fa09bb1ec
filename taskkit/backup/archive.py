"""The file of a backup: a tar archive that ends with the checksums of its members.

Members, in this order: `backup.json` (what this is), `ledger/NNNNNN` (entries), `about.json` (of
which moment, and which large values its jobs need), `blobs/OWNER/DIGEST` (them, where they were
asked for), `checksums.json`. A file without the last one was never whole.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import secrets
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from zlib import error as ZlibError  # noqa: N812  # it is an exception

import blake3

from ..protocol.errors import DecodeError, Unavailable

FORMAT, VERSION = "taskkit-backup", 1
HEAD, ABOUT, CHECKSUMS = "backup.json", "about.json", "checksums.json"
LEDGER, BLOBS = "ledger/", "blobs/"

_LEVEL = 1  # of gzip: a third larger than its best, and four times as fast
_PIECE_BYTES = 2**20


class Writer:
    """Writes members, one after another."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._checksums: dict[str, str] = {}
        self.add_json(HEAD, {"format": FORMAT, "version": VERSION})

    def add(self, name: str, content: bytes) -> None:
        """Write one member."""
        self.add_file(name, io.BytesIO(content), len(content))

    def add_json(self, name: str, content: object) -> None:
        """Write one member as JSON."""
        self.add(name, json.dumps(content, indent=1).encode())

    def add_file(self, name: str, content: IO[bytes], size_bytes: int) -> None:
        """Write one member from an open file, from its place on."""
        taken = _Taken(content)
        member = tarfile.TarInfo(name)
        member.size, member.mode = size_bytes, 0o600
        self._tar.addfile(member, taken)
        self._checksums[name] = taken.hash.hexdigest()

    def close(self) -> None:
        """Write the last member: from now on the file is whole."""
        self.add_json(CHECKSUMS, self._checksums)


class _Taken:
    """A file that takes the checksum of what is read from it."""

    def __init__(self, file: IO[bytes] | Content) -> None:
        self._file = file
        self.hash = blake3.blake3()

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        self.hash.update(piece)
        return piece


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """Give a writer of `path`, which is there when the block has ended well, and not before.

    Only its owner can read it: it holds what users computed, and from what.

    Raises:
        Unavailable: The disk does not take it. What was at `path` stays.
    """
    half = path.with_name(f".{path.name}.{secrets.token_hex(4)}.half")
    try:
        handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                with (
                    gzip.GzipFile("", "wb", _LEVEL, file) as packed,
                    tarfile.open(fileobj=packed, mode="w|") as tar,
                ):
                    writer = Writer(tar)
                    yield writer
                    writer.close()
                file.flush()
                os.fsync(file.fileno())
            half.replace(path)
            _sync(path.parent)
        except BaseException:
            with suppress(OSError):
                half.unlink()
            raise
    except OSError as error:
        if isinstance(error, ConnectionError):
            raise
        raise Unavailable(f"{path} cannot be written: {error.strerror or error}") from error


class Content:
    """What one member holds; to be read before the next one."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path = path
        self._file = file

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes.

        Raises:
            DecodeError: They are not there as they should be.
        """
        with _damage(self._path):
            return self._file.read(size)


def members(path: Path) -> Iterator[tuple[str, Content]]:
    """Yield the members of a file with what they hold.

    Raises:
        DecodeError: It is no backup, of a version that is not known, or damaged.
        Unavailable: It cannot be read.
    """
    with ExitStack() as stack:
        with _damage(path):
            packed = stack.enter_context(gzip.open(path))
            tar = stack.enter_context(tarfile.open(fileobj=packed, mode="r|"))
        number = 0
        while True:
            with _damage(path):
                member = tar.next()
                if member is None:
                    return
                file = tar.extractfile(member)
            if file is None:
                raise DecodeError(f"{path} is no backup of taskkit: {member.name!r} is no file")
            content = Content(path, file)
            if number == 0:
                _require_known(path, member.name, content)
            number += 1
            yield member.name, content


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, ZlibError, gzip.BadGzipFile) as error:
        raise DecodeError(f"{path} is damaged, or no backup of taskkit: {error}") from error
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror or error}") from error


def _require_known(path: Path, name: str, content: Content) -> None:
    head = read_json(path, content) if name == HEAD else {}
    if head.get("format") != FORMAT:
        raise DecodeError(f"{path} is no backup of taskkit")
    if head.get("version") != VERSION:
        raise DecodeError(
            f"{path} has version {head.get('version')}, and this taskkit reads version {VERSION}: "
            "restore it with the release that wrote it, or a newer one"
        )


def read_json(path: Path, content: Content) -> dict[str, Any]:
    """Return the object of JSON that a member holds."""
    try:
        read = json.loads(content.read())
    except ValueError as error:
        raise DecodeError(f"{path} is damaged: a part of it is no JSON") from error
    if not isinstance(read, dict):
        raise DecodeError(f"{path} is damaged: a part of it is no object")
    return read


def verify(path: Path) -> None:
    """Return if a file is whole and undamaged: all of it is read.

    Raises:
        DecodeError: It is not.
    """
    found: dict[str, str] = {}
    told: Mapping[str, Any] | None = None
    for name, content in members(path):
        if name == CHECKSUMS:
            told = read_json(path, content)
        elif name == HEAD:
            continue  # it was looked at, and says nothing else
        else:
            found[name] = _checksum(content)
    if told is None:
        raise DecodeError(f"{path} is not whole: the backup was interrupted, or the file was cut")
    wrong = [name for name in {*told, *found} - {HEAD} if told.get(name) != found.get(name)]
    if wrong:
        raise DecodeError(f"{path} is damaged: {min(wrong)} is not as it was written")


def _checksum(content: Content) -> str:
    taken = _Taken(content)
    while taken.read(_PIECE_BYTES):
        pass
    return taken.hash.hexdigest()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

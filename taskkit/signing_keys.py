"""The keys that servers and workers sign with, from the environment or from a file."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path

from .protocol.errors import RequestError
from .protocol.signing import Keyring

KEYS, FILE = "TASKKIT_SIGNING_KEYS", "TASKKIT_SIGNING_KEYS_FILE"

NAME = "signing.keys"
"""What the file is called that a stack makes itself."""


def take_keys(environ: MutableMapping[str, str]) -> Keyring:
    """Return the keys that variables give, and take them out of the environment.

    `TASKKIT_SIGNING_KEYS` has them separated by commas, `TASKKIT_SIGNING_KEYS_FILE` names a file
    with one in each line. None where neither is set.

    Raises:
        RequestError: The file cannot be read, others can read it, or a key is too short.
    """
    given, path = environ.pop(KEYS, ""), environ.pop(FILE, "")
    if given and path:
        raise RequestError(f"{KEYS} and {FILE} are both set: which of them has the keys?")
    lines = _private_lines(Path(path)) if path else given.split(",")
    keys = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if (given or path) and not keys:
        raise RequestError(f"{FILE if path else KEYS} is set, and there is no key in it")
    try:
        return Keyring(keys)
    except ValueError as error:
        raise RequestError(str(error)) from None


def keys_file(folder: Path) -> Path:
    """Return the file of a folder that holds its key, made at its first use.

    Raises:
        OSError: It cannot be made.
    """
    path = folder / NAME
    if not path.exists():
        handle, half = tempfile.mkstemp(dir=folder, prefix=f".{NAME}-")  # of mode 0600
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(f"{secrets.token_hex(32)}\n")
            file.flush()
            os.fsync(handle)
        with suppress(FileExistsError):  # another process was quicker: its key it is
            os.link(half, path)
        Path(half).unlink()
    return path


def _private_lines(path: Path) -> list[str]:
    try:
        handle = os.open(path, os.O_RDONLY)
        with os.fdopen(handle, encoding="utf-8") as file:
            status = os.fstat(handle)
            if os.name == "posix" and not _is_private(status):
                raise RequestError(
                    f"{path} can be read by others, and who has a signing key can have code run: "
                    f"`chmod 600 {path}`"
                )
            return file.read().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"the signing keys cannot be read: {error}") from None


def _is_private(status: os.stat_result) -> bool:
    """Return whether nobody else reads a file: as its owner has it, or as root lends it.

    Kubernetes mounts secrets as root's, mode 0440, of a group that the pod alone is in.
    """
    user = os.getuid()
    shared = stat.S_IRGRP if status.st_uid == 0 != user else 0
    return status.st_uid in (user, 0) and not stat.S_IMODE(status.st_mode) & 0o077 & ~shared

"""`taskkit.toml`: where it is looked for, what it says, and in which line."""

from __future__ import annotations

import os
import re
import stat
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..protocol.errors import Misconfigured
from .names import FILE

NAME = "taskkit.toml"
OF_THE_MACHINE = Path("/etc/taskkit") / NAME

_TABLE = re.compile(r"\s*\[\s*([\w-]+)\s*\]")
_KEY = re.compile(r"\s*([\w-]+)\s*=")


@dataclass(frozen=True, slots=True, kw_only=True)
class TomlFile:
    """What one file says."""

    path: Path
    tables: Mapping[str, Any] = field(repr=False)
    #: As TOML has them, unknown ones among them. May hold secrets.
    lines: Mapping[tuple[str, str], int] = field(default_factory=dict)
    #: (table, key) -> the line it is in; (table, "") -> the table's own. Not of inline tables.
    is_readable_by_others: bool = False

    def place(self, table: str, key: str = "") -> str:
        """Return where a key is, as users are told."""
        line = self.lines.get((table, key)) or (None if key else self.lines.get(("", table)))
        name = f"{table}.{key}" if key else f"[{table}]"
        return f"{self.path}{f', line {line}' if line else ''}: {name}"


def user_file() -> Path:
    """Return the user's own file, which need not exist."""
    import platformdirs

    return platformdirs.user_config_path("taskkit") / NAME


def find(
    environment: Mapping[str, str], given: Path | None = None, *, is_client: bool = False
) -> TomlFile | None:
    """Return the first file that is there, or None: given, named by a variable, here, the user's,
    the machine's.

    A client (`is_client`) passes over the one of the folder it is in: notebooks come from others,
    and a file among them must not say to which server a token is sent and whose results are loaded.

    Raises:
        Misconfigured: It cannot be read or is no TOML, or it was found and is not to be trusted.
    """
    named = given or environment.get(FILE)
    if named:
        return read(Path(named).expanduser())
    for path in places(is_client=is_client):
        if path.is_file():
            _refuse_foreign(path)
            return read(path)
    return None


def places(*, is_client: bool = False) -> Iterator[Path]:
    """Yield where a file is looked for that nobody named, in that order."""
    if not is_client:
        yield Path.cwd() / NAME
    yield user_file()
    yield OF_THE_MACHINE


def read(path: Path) -> TomlFile:
    """Return what a file says.

    Raises:
        Misconfigured: It cannot be read, or is no TOML.
    """
    try:
        with path.open("rb") as file:
            status, content = os.fstat(file.fileno()), file.read()
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from error
    try:
        text = content.decode()
        tables = tomllib.loads(text)
    except ValueError as error:  # of both kinds, TOML's and UTF-8's
        raise Misconfigured(f"{path} is not TOML: {error}") from error
    is_open = sys.platform != "win32" and bool(status.st_mode & stat.S_IROTH)
    return TomlFile(path=path, tables=tables, lines=_lines(text), is_readable_by_others=is_open)


def secret_in(path: Path, told_by: str) -> str:
    """Return the secret that a file of its own holds, without the line's end.

    Raises:
        Misconfigured: It cannot be read, or is empty; `told_by` says who named it.
    """
    try:
        secret = path.expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise Misconfigured(f"{told_by}: {path} cannot be read: {why}") from error
    if not secret:
        raise Misconfigured(f"{told_by}: {path} is empty")
    return secret


def _lines(text: str) -> dict[tuple[str, str], int]:
    """Return the first line of each table and key, as far as it can be seen without a parser."""
    table = ""
    found: dict[tuple[str, str], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.match(line):
            table = header[1]
            found.setdefault((table, ""), number)
        elif key := _KEY.match(line):
            found.setdefault((table, key[1]), number)
    return found


def _refuse_foreign(path: Path) -> None:
    """Refuse a file that somebody else wrote: it could have a worker load code of theirs."""
    if sys.platform == "win32":
        return
    status = path.stat()
    is_foreign = status.st_uid not in (os.getuid(), 0)
    if is_foreign or status.st_mode & stat.S_IWOTH:
        why = "belongs to another user" if is_foreign else "can be written by everybody"
        raise Misconfigured(
            f"{path} {why}, so it is not trusted: change that, or name it by --config or {FILE} if "
            "you trust it"
        )

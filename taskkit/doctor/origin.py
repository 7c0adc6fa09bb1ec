"""The first hop: where the connection comes from, and whether that can be believed."""

from __future__ import annotations

import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from .. import connection as connections
from ..config import client
from ..connection import Connection
from ..private import read_private, runtime_folder
from ..protocol.errors import Misconfigured, NotReachable
from . import here
from .address import reach
from .asking import Asking
from .chart import Chart
from .finding import Finding, broken, caution, good
from .here import Here, is_same

START = "Start a stack with `taskkit up`, or set TASKKIT_URL and TASKKIT_TOKEN to those of yours."


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where the connection comes from."""

    is_variable: bool
    #: Whether `TASKKIT_URL` names it.
    path: Path
    #: The connection file, which need not exist.
    has_file: bool = False
    file_url: str = ""
    #: What that names.
    objection: str = ""
    #: Why it is not used though it is there.
    is_misconfigured: bool = False
    #: Whether what is objected to is `taskkit.toml`, or a file that it or a variable names.
    is_readable_by_others: bool = False
    is_left_behind: bool = False
    #: Whether it names a stack that does not run any more.
    has_own_token: bool = False
    #: Whether `TASKKIT_TOKEN` is set.
    config: Path | None = None
    #: The `taskkit.toml` that names it, where nothing else does.
    elsewhere_url: str = ""
    #: A stack that runs here and is not meant.


def check(chart: Chart) -> tuple[Finding, Chart]:
    """Find the connection that a client would."""
    running = here.look()
    origin, found = look(chart.environment, running)
    chart = replace(
        chart,
        origin=origin,
        connection=found,
        asking=Asking(found),
        here=running if is_same(running.url, found.url) else Here(),
    )
    return judge(origin, found), chart


def look(environment: Mapping[str, str], running: Here) -> tuple[Origin, Connection]:
    """Return where the connection comes from, and the connection."""
    path = runtime_folder() / connections.FILE
    origin = Origin(
        is_variable=bool(environment.get("TASKKIT_URL")),
        path=path,
        has_own_token=any(
            environment.get(name) for name in ("TASKKIT_TOKEN", "TASKKIT_TOKEN_FILE")
        ),
    )
    origin = _with_file(origin)
    try:
        found = connections.find()
        if not (origin.is_variable or origin.has_file):
            origin = replace(origin, config=client.told(environment).path)
    except NotReachable:
        found = Connection("")
    except Misconfigured as error:
        origin, found = replace(origin, objection=str(error), is_misconfigured=True), Connection("")
    if not is_same(running.url, found.url):
        origin = replace(origin, elsewhere_url=running.url)
        if not origin.is_variable and is_address(found.url):
            origin = replace(origin, is_left_behind=not reach(found.url).is_open)
    return origin, found


def _with_file(origin: Origin) -> Origin:
    try:
        status = origin.path.lstat()
    except OSError:
        return origin
    origin = replace(origin, has_file=True)
    try:
        known = read_private(origin.path)
    except NotReachable as error:
        return replace(origin, objection=str(error))
    if known is None or not isinstance(known.get("url"), str):
        return replace(origin, objection=f"{origin.path} cannot be read as a connection file")
    is_readable = sys.platform != "win32" and bool(stat.S_IMODE(status.st_mode) & 0o044)
    return replace(origin, file_url=known["url"], is_readable_by_others=is_readable)


def judge(origin: Origin, found: Connection) -> Finding:
    """Return whether that is a connection to begin with."""
    where = "TASKKIT_URL" if origin.is_variable else short(origin.config or origin.path)
    if origin.is_misconfigured:
        return broken(origin.objection, "Correct it; `taskkit config check FILE` looks again.")
    if not origin.is_variable and origin.objection:
        said, _, _ = origin.objection.partition(": ")
        cure = f"Remove {origin.path} and start the stack with `taskkit up`."
        return broken(said, cure)
    if not found.url:
        return broken(f"TASKKIT_URL is not set, and there is no {short(origin.path)}", START)
    if not is_address(found.url):
        return broken(
            f"{where} says {found.url!r}, which is not the address of a server",
            "Set TASKKIT_URL to one that looks like http://127.0.0.1:5000.",
        )
    if origin.is_left_behind:
        return broken(
            f"{where} was left by a stack that is gone: nobody listens at {found.url}",
            "Start one with `taskkit up`, which writes the file anew.",
        )
    if found.token and not is_token(found.token):
        source = "TASKKIT_TOKEN" if origin.has_own_token else where
        return broken(f"the token of {source} holds characters that none has", "Copy it once more.")
    if origin.is_readable_by_others and not origin.is_variable:
        return caution(f"others can read the token in {where}", f"chmod 600 {origin.path}")
    return good(f"{found.url}, from {where}{_token_words(origin, found)}")


def _token_words(origin: Origin, found: Connection) -> str:
    if not found.token:
        return ", without a token"
    return " and TASKKIT_TOKEN" if origin.has_own_token else ""


def is_address(url: str) -> bool:
    """Return whether a client could ask there."""
    with suppress(ValueError):  # a port that is no number, half a pair of brackets
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    return False


def is_token(text: str) -> bool:
    """Return whether this can stand in a header."""
    token = text.strip()
    return token.isascii() and token.isprintable()


def short(path: Path) -> str:
    """Return a path with the home folder as ``~``."""
    with suppress(ValueError, RuntimeError):
        return f"~/{path.relative_to(Path.home())}"
    return str(path)

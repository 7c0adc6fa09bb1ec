"""What a server can be told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from taskkit.logs import Format
from taskkit.protocol.limits import MAX_BLOB_BYTES, RETENTION_S
from taskkit.protocol.signing import Keyring

from .access.hub_settings import HubSettings

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One server's settings."""

    redis_url: str = field(repr=False)
    #: Where ledger and queue are. May hold a password.
    broker_url: str | None = field(default=None, repr=False)
    #: The RabbitMQ that wakes workers; None where Redis does. May hold a password.
    token: str | None = field(default=None, repr=False)
    #: What opens the server to the owner `local`; None where nothing does.
    signing_keys: Keyring = field(default_factory=Keyring, repr=False)
    #: Shared with the workers: sign what Redis keeps of jobs and tokens. Without any it is trusted.
    is_open: bool = False
    #: Whether requests from this machine need no token.
    host: str = "127.0.0.1"
    port: int = 5000
    allowed_hosts: frozenset[str] = LOOPBACK
    #: Names by which browsers may reach the server; other Host headers are refused.
    threads: int = 128
    #: Requests and sockets served at once; each socket holds a thread for as long as it lives.
    max_sockets: int = 96
    #: Sockets beyond this are refused, so that threads are left for requests.
    max_sockets_per_user: int = 64
    #: One user's sockets beyond this are refused, so that some are left for others.
    sweep_s: float = 2.0
    #: How often dead attempts and lost wake-ups are looked for.
    blobs: str | None = field(default=None, repr=False)
    #: The folder or the URL in which large values are kept; None where none are. A URL may hold a
    #: password.
    blobs_cache: Path = field(default_factory=lambda: user_cache_path("taskkit") / "server-blobs")
    #: A folder for copies of blobs that are at a URL; needed there.
    max_blob_bytes: int = MAX_BLOB_BYTES
    #: Larger values are refused.
    retention_s: float = RETENTION_S
    #: How long a final job, its output and its result are kept.
    max_queued_jobs: int | None = None
    #: How many jobs of one user may wait; what is too much is refused until there are fewer.
    max_running_jobs: int | None = None
    #: How many jobs of one user may run in each queue; others wait though processes are idle.
    max_stored_bytes: int | None = None
    #: How many bytes of large values one user may have in the store of blobs.
    hub: HubSettings | None = None
    #: The JupyterHub whose users may ask by their tokens of it; None where there is none.
    requests_per_s: float | None = None
    #: How many requests a second one user may make for long; ten seconds' worth may come at once.
    share_requests_per_s: float = 50.0
    #: Likewise all who read by one share, who so take nothing of what its owner may ask.
    max_share_s: float = 90 * 86_400.0
    #: How long a share may last; 0 where there are none.
    public_url: str | None = None
    #: Where browsers find the page; None where that is wherever the request was sent to.
    processes: int = 1
    #: How many serve at the same address, each with so many threads and sockets.
    log_format: Format = "text"
    access_log: bool = False
    #: Whether the log tells of each request, not only of those that broke.


OF_A_STACK = frozenset({"server.host", "server.port", "server.open", "server.trust_redis"})
"""What a stack says to its server by arguments."""


def of_a_stack(told: Mapping[str, Any] | None) -> Settings | None:
    """Return the settings that such arguments and `taskkit.config.plain` tell; None where they need
    to be looked at more closely.
    """
    if told is None:
        return None
    host, port = told.get("server.host", "127.0.0.1"), told.get("server.port", 5000)
    token, is_open = told.get("token"), told.get("server.open", False)
    if host not in LOOPBACK or not 0 <= port <= 65_535 or not (token or is_open):
        return None
    return Settings(
        redis_url=told["redis.url"],
        token=token,
        is_open=is_open,
        host=host,
        port=port,
        blobs=told.get("blobs.place"),
    )

"""The address of a Redis whose primary is told by sentinels.

``redis+sentinel://USER:PASSWORD@HOST:26379,HOST:26379/MASTER/DB?sentinel_password=…&replicas=1``
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from .errors import Misconfigured

SCHEME = "redis+sentinel"
PORT = 26379

LOOKS_LIKE = f"{SCHEME}://:PASSWORD@HOST:{PORT},HOST:{PORT},HOST:{PORT}/MASTER/0"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentinelAddress:
    """What one says."""

    sentinels: tuple[tuple[str, int], ...]
    master: str
    #: The name by which the sentinels know the primary and its replicas.
    db: int = 0
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    #: Of primary and replicas; the sentinels have their own.
    sentinel_username: str | None = None
    sentinel_password: str | None = field(default=None, repr=False)
    replicas: int = 0
    #: How many replicas must have what is promised before it is.


def is_sentinel(url: str) -> bool:
    """Return whether sentinels say where the Redis at `url` is."""
    return url.startswith(f"{SCHEME}://")


def sentinel_address(url: str) -> SentinelAddress:
    """Return what the address says.

    >>> sentinel_address("redis+sentinel://:pw@a,b:26380/lab/2").sentinels
    (('a', 26379), ('b', 26380))

    Raises:
        Misconfigured: It is not of that form.
    """
    parts = urlsplit(url)
    user, _, hosts = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    master, _, db = parts.path.strip("/").partition("/")
    told = dict(parse_qsl(parts.query))
    try:
        sentinels = tuple(_host_and_port(host) for host in hosts.split(","))
        if not master or not all(host for host, _ in sentinels):
            raise ValueError("a part is missing")
        return SentinelAddress(
            sentinels=sentinels,
            master=unquote(master),
            db=int(db or 0),
            username=unquote(name) or None,
            password=unquote(password) or None,
            sentinel_username=told.get("sentinel_username"),
            sentinel_password=told.get("sentinel_password"),
            replicas=int(told.get("replicas", 0)),
        )
    except ValueError as error:
        raise Misconfigured(
            f"the address of Redis with sentinels looks like {LOOKS_LIKE} ({error})"
        ) from None


def _host_and_port(text: str) -> tuple[str, int]:
    host, colon, port = text.strip().rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text.strip(), str(PORT)
    return host.strip("[]"), int(port)

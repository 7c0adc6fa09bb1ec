"""A client of the Redis at an address, or of the primary that sentinels name at the moment."""

from __future__ import annotations

from typing import Any

import redis
from redis.sentinel import Sentinel

from ..protocol.sentinel import is_sentinel, sentinel_address

ASK_S = 2.0
"""How long a sentinel may take to answer before the next one is asked."""


def redis_client(url: str, **options: Any) -> Any:
    """Return a client with a pool of connections; nothing is sent yet.

    Each new connection goes to whom the sentinels name then. Connections to a primary that is one
    no longer are cut by the sentinels themselves, as they make it a replica.
    """
    if not is_sentinel(url):
        return redis.Redis.from_url(url, **options)
    address = sentinel_address(url)
    asked: dict[str, Any] = {"socket_timeout": ASK_S, "socket_connect_timeout": ASK_S}
    asked |= {"username": address.sentinel_username, "password": address.sentinel_password}
    watching: Any = Sentinel
    sentinel = watching(address.sentinels, sentinel_kwargs=asked)
    return sentinel.master_for(
        address.master,
        db=address.db,
        username=address.username,
        password=address.password,
        **options,
    )


def place_of(client: Any) -> str:
    """Return where a client finds Redis, without its password."""
    pool = client.connection_pool
    if hasattr(pool, "sentinel_manager"):
        host, port = pool.master_address or ("?", "?")
        return f"{host}:{port}, the primary of {pool.service_name}"
    options = pool.connection_kwargs
    return str(options.get("path") or f"{options.get('host')}:{options.get('port')}")

"""What a Redis tells of itself, by INFO and, where that is allowed, CONFIG GET."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ..protocol.errors import Unavailable
from .connection import refusals
from .fitness import KEEPS_ALL, Facts
from .redis_faults import is_of_tls


def facts_of(url: str) -> Facts:
    """Ask the Redis at `url`.

    Raises:
        Unavailable: It does not answer, or `url` is no address of one.
    """
    try:
        client = redis.Redis.from_url(
            url,
            protocol=2,
            socket_timeout=5,
            socket_connect_timeout=5,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
    except ValueError as error:
        raise Unavailable(f"The address of Redis is not understood: {error}") from error
    with client, refusals():
        info = _info(client)
        settings = {name: _setting(client, name) for name in _SETTINGS}
    return _facts(_address(client), info, settings)


def refusal_of(error: Unavailable) -> str | None:
    """Return why it is of no use to ask again, where what answered and this side do not agree."""
    return f"{error}." if is_of_tls(error) else None


_SETTINGS = ("appendfsync", "no-appendfsync-on-rewrite", "save")


def _info(client: Any) -> Mapping[str, Any]:
    try:
        return dict(client.info())
    except redis.ResponseError:  # forbidden by an ACL
        return {}


def _setting(client: Any, name: str) -> str | None:
    try:
        found: str | None = client.config_get(name).get(name)
    except redis.ResponseError:
        return None  # forbidden, or renamed away
    return found


def _facts(address: str, info: Mapping[str, Any], settings: Mapping[str, str | None]) -> Facts:
    version = str(info["redis_version"]) if "redis_version" in info else None
    is_replica = info.get("role") == "slave"
    pauses = settings["no-appendfsync-on-rewrite"]
    return Facts(
        address=address,
        version=None if version is None else _version(version),
        is_cluster=info.get("cluster_enabled") == 1,
        replica_of=f"{info['master_host']}:{info['master_port']}" if is_replica else None,
        max_memory_bytes=int(info.get("maxmemory", 0)),
        eviction=str(info.get("maxmemory_policy", KEEPS_ALL)),
        has_aof=info.get("aof_enabled", 1) == 1,
        fsync=settings["appendfsync"],
        pauses_fsync=None if pauses is None else pauses == "yes",
        snapshots=settings["save"],
    )


def _version(text: str) -> tuple[int, ...] | None:
    parts = text.split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else None


def _address(client: Any) -> str:
    options = client.connection_pool.connection_kwargs
    return str(options.get("path") or f"{options.get('host')}:{options.get('port')}")

"""A server's settings from what it was told."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

from taskkit.config.tables import Configuration
from taskkit.protocol.errors import Misconfigured

from .settings import LOOPBACK, Settings

_DAY_S = 86_400.0


def settings_of(told: Configuration) -> Settings:
    """Return the settings of one server.

    Raises:
        Misconfigured: What is told is not enough, or not safe.
    """
    server, limits = told.server, told.limits
    if not (server.plain_http or _is_loopback(server.host)):
        raise Misconfigured(
            f"at {server.host} others reach it, and tokens would travel in plain text: listen on "
            "127.0.0.1 behind a proxy that speaks HTTPS, or, where every machine on the way is "
            "trusted, say --plain-http"
        )
    if told.redis.url is None:
        raise Misconfigured("TASKKIT_REDIS_URL is not set; it says where Redis is")
    if not server.token and not server.open:
        raise Misconfigured(
            "set TASKKIT_TOKEN to the token that clients shall bring, or let this machine in "
            "without one by --open"
        )
    settings = Settings(
        redis_url=told.redis.url,
        token=server.token,
        is_open=server.open,
        host=server.host,
        port=server.port,
        allowed_hosts=LOOPBACK | {server.host, *server.allowed_hosts},
        threads=server.threads,
        max_sockets=server.max_sockets,
        max_sockets_per_user=server.max_sockets_per_user,
        sweep_s=server.sweep_s,
        processes=server.processes,
        log_format=server.log_format,
        access_log=server.access_log,
        blobs=told.blobs.place,
        max_blob_bytes=told.blobs.max_bytes,
        retention_s=server.retention_days * _DAY_S,
        max_queued_jobs=limits.max_queued_jobs,
        max_running_jobs=limits.max_running_jobs,
        max_stored_bytes=limits.max_stored_bytes,
        requests_per_s=limits.requests_per_s,
    )
    if server.blobs_cache is None:
        return settings
    return replace(settings, blobs_cache=server.blobs_cache.expanduser())


def _is_loopback(host: str) -> bool:
    if host in LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name: who knows where it leads
        return False

"""A server's settings from what it was told."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec

from taskkit.config.loading import redis_of
from taskkit.config.tables import Configuration
from taskkit.config.urls import LOOPBACK, is_loopback
from taskkit.protocol.errors import Misconfigured

from .access.hub_settings import HubSettings, read_hub
from .settings import Settings

_DAY_S = 86_400.0


def settings_of(told: Configuration, environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of one server; the environment is what a Hub tells its services by.

    Raises:
        Misconfigured: What is told is not enough, or not safe.
    """
    server, limits = told.server, told.limits
    hub = _hub(told, environment) if told.hub.service else None
    # The Hub's proxy passes requests on to where the Hub said it would.
    host, port = (hub.host, hub.port) if hub else (server.host, server.port)
    if not (server.plain_http or is_loopback(host)):
        raise Misconfigured(
            f"at {host} others reach it, and tokens would travel in plain text: listen on "
            "127.0.0.1 behind a proxy that speaks HTTPS, or, where every machine on the way is "
            "trusted, say --plain-http"
        )
    redis_url = redis_of(told)
    if not server.token and not server.open and hub is None:
        raise Misconfigured(
            "set TASKKIT_TOKEN to the token that clients shall bring, or let this machine in "
            "without one by --open"
        )
    settings = Settings(
        redis_url=redis_url,
        token=server.token,
        is_open=server.open,
        host=host,
        port=port,
        allowed_hosts=LOOPBACK | {host, *server.allowed_hosts, *(hub.public_hosts if hub else ())},
        hub=hub,
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
        share_requests_per_s=limits.share_requests_per_s,
        max_share_s=limits.max_share_days * _DAY_S,
        public_url=server.public_url or (hub.public_url if hub else None),
    )
    if server.blobs_cache is None:
        return settings
    return replace(settings, blobs_cache=server.blobs_cache.expanduser())


def _hub(told: Configuration, environment: Mapping[str, str]) -> HubSettings:
    if told.server.open:
        raise Misconfigured(
            "--open lets in whatever comes from this machine, and with --jupyterhub all comes "
            "from its proxy: leave out one of them"
        )
    if find_spec("jupyterhub") is None:
        raise Misconfigured("--jupyterhub needs: pip install 'taskkit-notebook[server,hub]'")
    return read_hub(environment, scopes=told.hub.scopes, code_users=told.hub.code_users)

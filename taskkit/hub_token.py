"""The token that JupyterHub gave a single-user server, and to whom it may be shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

PORTS = {"http": 80, "https": 443}

DUBIOUS = re.compile(r"[%\\]|/\.{1,2}(/|$)|//")
"""In a path: what a client or a proxy on the way may read as another one."""


def hub_token(url: str, environment: Mapping[str, str]) -> str | None:
    """Return the Hub's token where `url` is a service of that Hub, else None.

    It opens all of the user's own in the Hub, so that it goes to nobody else: the address must be
    below ``/services/`` at the host of the Hub's API, or where the Hub's public address is.

    >>> hub = {"JUPYTERHUB_API_URL": "http://hub:8081/hub/api", "JUPYTERHUB_API_TOKEN": "f00"}
    >>> hub_token("http://hub:8000/services/taskkit", hub)
    'f00'
    >>> hub_token("http://elsewhere:8000/services/taskkit", hub)

    Source: JupyterHub, ``Spawner.get_env``.
    """
    token, api = environment.get("JUPYTERHUB_API_TOKEN"), environment.get("JUPYTERHUB_API_URL")
    if not token or not api:
        return None
    to, hub, public = (
        _address(one) for one in (url, api, environment.get("JUPYTERHUB_PUBLIC_HUB_URL", ""))
    )
    services = environment.get("JUPYTERHUB_BASE_URL", "/").rstrip("/") + "/services/"
    if to is None or not to.path.startswith(services) or DUBIOUS.search(to.path):
        return None
    # Not in plain text where the Hub itself is asked by HTTPS.
    is_at_hub = (
        hub is not None
        and to.hostname == hub.hostname
        and (to.scheme == "https" or hub.scheme == "http")
    )
    is_public = public is not None and _origin(to) == _origin(public)
    return token if is_at_hub or is_public else None


def _address(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        is_plain = parts.scheme in PORTS and parts.hostname and "@" not in parts.netloc
        return parts if is_plain and parts.port != 0 and "\\" not in url else None
    except ValueError:  # a port that is no number, half a pair of brackets
        return None


def _origin(parts: SplitResult) -> tuple[str, str | None, int]:
    return parts.scheme, parts.hostname, parts.port or PORTS[parts.scheme]

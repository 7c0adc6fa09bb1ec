"""Which proxy the environment names: for the world outside, taskkit goes straight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and who says so."""

    variable: str
    place: str
    #: Its host and port.


def proxy_of(host: str, scheme: str, environment: Mapping[str, str]) -> Proxy | None:
    """Return the proxy by which programs reach `host` that ask the environment; None for none.

    scheme: of the server's address.

    >>> proxy_of("127.0.0.1", "http", {"http_proxy": "http://cache:3128"})
    Proxy(variable='http_proxy', place='cache:3128')

    Source: websocket-client 1.9.2, ``_url.get_proxy_info``.
    """
    excepted = environment.get("no_proxy", environment.get("NO_PROXY", "")).replace(" ", "")
    if _is_excepted(host, [one for one in excepted.split(",") if one]):
        return None
    lower = "https_proxy" if scheme == "https" else "http_proxy"
    variable = lower if lower in environment else lower.upper()
    parts = urlsplit(environment.get(variable, "").replace(" ", ""))
    if not parts.hostname:
        return None
    return Proxy(variable, parts.netloc.rpartition("@")[2])


def _is_excepted(host: str, excepted: list[str]) -> bool:
    if "*" in excepted or host in excepted:
        return True
    try:
        address = ip_address(host)
    except ValueError:
        names = [one.lstrip(".") for one in excepted]
        return any(host == name or host.endswith(f".{name}") for name in names)
    return any(address in network for network in map(_network, excepted) if network is not None)


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text)
    except ValueError:
        return None

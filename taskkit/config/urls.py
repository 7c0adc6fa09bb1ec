"""Addresses that may hold a password, as they may be shown."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

HIDDEN = "••••"


def masked(url: str) -> str:
    """Return an address without its password, or a folder as it is.

    >>> masked("redis://:geheim@lab:6379/0"), masked("/srv/blobs")
    ('redis://:••••@lab:6379/0', '/srv/blobs')
    """
    try:
        parts = urlsplit(url)
        if not parts.password:
            return url
    except ValueError:  # half a pair of brackets: who knows what in it is secret
        return HIDDEN
    user, _, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user.partition(':')[0]}:{HIDDEN}@{host}").geturl()


def has_password(url: str) -> bool:
    """Return whether an address holds one."""
    return masked(url) != url


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine for sure; a name leads who knows where.

    >>> is_loopback("127.0.0.2"), is_loopback("::1"), is_loopback("lab")
    (True, True, False)
    """
    if host in LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

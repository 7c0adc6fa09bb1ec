"""Keeps out of what is shown whatever opens a door."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import parse_qsl, unquote, urlsplit

from .finding import Finding

HIDDEN = "…"

LEAST_CHARS = 4
"""Shorter ones keep nobody out, and stand in half the words."""

_USER = re.compile(r"(?<=://)[^/@\s]*@")
"""What stands before the host in an address: a name, mostly with a password."""


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` without passwords in addresses and without any of `secrets`.

    >>> redacted("redis://:hush@db:6379 says hush, too", ["hush"])
    'redis://db:6379 says …, too'
    """
    text = _USER.sub("", text)
    for secret in secrets:
        if len(secret) >= LEAST_CHARS:
            text = text.replace(secret, HIDDEN)
    return text


def without_secrets(finding: Finding, secrets: Iterable[str]) -> Finding:
    """Return a finding as it may be shown."""
    known = list(secrets)
    return replace(finding, said=redacted(finding.said, known), cure=redacted(finding.cure, known))


def passwords_of(url: str) -> tuple[str, ...]:
    """Return the password of an address, as it stands there and as it is meant."""
    try:
        parts = urlsplit(url)
        told = (parts.password, dict(parse_qsl(parts.query)).get("sentinel_password"))
    except ValueError:
        return ()
    return tuple(word for one in told if one for word in (one, unquote(one)))

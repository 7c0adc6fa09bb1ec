"""The address of Redis with all that its encryption needs, for whoever is given the address.

Client library and broker both read these from the address. The broker, kombu 5.7, checks no
certificate of an address that says nothing of them, so each says it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from ..protocol.errors import Misconfigured
from .urls import is_loopback

CHECKED = {"ssl_cert_reqs": "required", "ssl_check_hostname": "true"}
"""The certificate must be signed by one who is believed, and be of the host in the address."""


def redis_address(
    url: str,
    *,
    ca_file: Path | None = None,
    cert_file: Path | None = None,
    key_file: Path | None = None,
    may_be_plain: bool = False,
) -> str:
    """Return the address to use; what it says itself of certificates holds.

    Raises:
        Misconfigured: Others could read what goes there, or a file cannot be used.
    """
    parts = urlsplit(url)
    if parts.scheme == "redis":
        _require_private(parts.hostname or "localhost", may_be_plain=may_be_plain)
    if parts.scheme != "rediss":
        return url
    if (cert_file is None) != (key_file is None):
        raise Misconfigured("redis.cert_file and redis.key_file go together: name both or none")
    files = {"ssl_ca_certs": ca_file, "ssl_certfile": cert_file, "ssl_keyfile": key_file}
    named = {name: str(_readable(path)) for name, path in files.items() if path is not None}
    if key_file is not None:
        _require_own(key_file.expanduser())
    query = {**CHECKED, **named, **dict(parse_qsl(parts.query))}
    return parts._replace(query=urlencode(query, safe="/")).geturl()


def _require_private(host: str, *, may_be_plain: bool) -> None:
    if not may_be_plain and not is_loopback(host):
        raise Misconfigured(
            f"Redis at {host} is another machine, and passwords, arguments and results would "
            "travel in plain text: use rediss://, or, where every machine on the way is trusted, "
            "say --plain-redis or TASKKIT_REDIS_PLAIN=true"
        )


def _readable(path: Path) -> Path:
    path = path.expanduser().absolute()
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise Misconfigured(f"{path} cannot be read: {error.strerror}") from None


def _require_own(path: Path) -> None:
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise Misconfigured(
            f"{path} can be read by others, and who has it is taken for this process: chmod 600"
        )

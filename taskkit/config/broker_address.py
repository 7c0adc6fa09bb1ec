"""The address of RabbitMQ with all that its encryption needs, for whoever is given the address."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode, urlsplit

from ..protocol.errors import Misconfigured
from .redis_address import readable, require_own
from .urls import is_loopback


def broker_address(
    url: str,
    *,
    ca_file: Path | None = None,
    cert_file: Path | None = None,
    key_file: Path | None = None,
    may_be_plain: bool = False,
) -> str:
    """Return the address to use.

    Raises:
        Misconfigured: Others could read what goes there, or a file cannot be used.
    """
    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    if parts.scheme != "amqps":
        if not may_be_plain and not is_loopback(host):
            raise Misconfigured(
                f"RabbitMQ at {host} is another machine, and its password would travel in plain "
                "text: use amqps://, or, where every machine on the way is trusted, say "
                "broker.plain or TASKKIT_BROKER_PLAIN=true"
            )
        return url
    if (cert_file is None) != (key_file is None):
        raise Misconfigured("broker.cert_file and broker.key_file go together: name both or none")
    files = {"ssl_ca_certs": ca_file, "ssl_certfile": cert_file, "ssl_keyfile": key_file}
    named = {name: str(readable(path)) for name, path in files.items() if path is not None}
    if key_file is not None:
        require_own(key_file.expanduser())
    return parts._replace(query=urlencode(named, safe="/")).geturl()

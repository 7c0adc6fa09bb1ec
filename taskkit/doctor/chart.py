"""What is known so far, from the first hop on; each check adds to it, none takes away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..config.redis_address import redis_address
from ..connection import Connection
from .asking import Answer, Asking, Silence, Why
from .finding import Finding
from .here import Here
from .redaction import passwords_of
from .trial import Trial

if TYPE_CHECKING:
    from .origin import Origin

NOBODY = Connection("")
UNASKED = Silence(Why.UNCONNECTED, "it was not asked")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Empty where nothing was found yet."""

    environment: Mapping[str, str]
    here: Here = field(default_factory=Here)
    #: Of a stack that runs on this machine, what its own files and its supervisor tell.
    origin: Origin | None = None
    #: Where the connection comes from.
    connection: Connection = NOBODY
    asking: Asking = field(default_factory=lambda: Asking(NOBODY))
    live: Answer | Silence = UNASKED
    #: What the server says to ``GET /health/live``.
    hello: Mapping[str, Any] = field(default_factory=dict)
    #: And to ``GET /hello``.
    trial: Trial = field(default_factory=Trial)
    #: What became of a real job.

    @property
    def redis_url(self) -> str:
        """The Redis behind the server, where that can be known here; else empty."""
        if self.here.redis_url:
            return self.here.redis_url
        told = self.environment.get
        url = told("TASKKIT_REDIS_URL", "")
        files = (told(f"TASKKIT_REDIS_{part}_FILE") for part in ("CA", "CERT", "KEY"))
        ca, cert, key = (Path(name) if name else None for name in files)
        return redis_address(url, ca_file=ca, cert_file=cert, key_file=key, may_be_plain=True)

    def secrets(self) -> Iterator[str]:
        """Yield what may not be shown."""
        known = (self.connection.token, self.environment.get("TASKKIT_TOKEN"), self.here.token)
        yield from (token for token in known if token)
        yield from passwords_of(self.redis_url)
        yield from passwords_of(self.connection.url)

    def may(self, scope: str) -> bool:
        """Return whether the token allows this; of a server that does not tell, that it does."""
        return scope in self.hello.get("scopes", (scope,))


Check = Callable[[Chart], tuple[Finding, Chart]]
"""Looks at one hop; returns what it found, and what is known then."""

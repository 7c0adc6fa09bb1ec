"""The second hop: the host's name, and a port that takes connections."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .finding import Finding, broken, good
from .here import LOOPBACK, Here
from .proxies import proxy_of

if TYPE_CHECKING:
    from .chart import Chart
    from .origin import Origin

WITHIN_S = 3.0


class Barrier(StrEnum):
    """What stands before a port."""

    NONE = "none"
    NAME = "name"
    #: Nobody knows the host's name.
    REFUSED = "refused"
    #: The host is there, and nobody listens.
    SILENT = "silent"
    #: Nothing comes back within `WITHIN_S`.
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What became of a connection."""

    host: str
    port: int
    barrier: Barrier = Barrier.NONE
    words: str = ""
    #: As the system says it.
    took_ms: float = 0.0

    @property
    def is_open(self) -> bool:
        """Whether it was taken."""
        return self.barrier is Barrier.NONE


def check(chart: Chart) -> tuple[Finding, Chart]:
    """Connect to the server's port."""
    found = reach(chart.connection.url)
    return judge(found, chart.here, chart.origin, chart.environment), chart


def reach(url: str) -> Reach:
    """Connect to the host and port of `url`, and hang up."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    began = time.perf_counter()

    def found(barrier: Barrier, words: object = "") -> Reach:
        took_ms = 1000 * (time.perf_counter() - began)
        return Reach(host=host, port=port, barrier=barrier, words=str(words), took_ms=took_ms)

    try:
        socket.create_connection((host, port), timeout=WITHIN_S).close()
    except (socket.gaierror, UnicodeError) as error:
        return found(Barrier.NAME, error)
    except ConnectionRefusedError as error:
        return found(Barrier.REFUSED, error)
    except TimeoutError as error:
        return found(Barrier.SILENT, error)
    except OSError as error:
        return found(Barrier.OTHER, error.strerror or error)
    return found(Barrier.NONE)


def judge(
    found: Reach, here: Here, origin: Origin | None, environment: Mapping[str, str]
) -> Finding:
    """Return whether the port can be reached, and what to do where not."""
    place = f"port {found.port} of {found.host}"
    match found.barrier:
        case Barrier.NONE:
            return good(f"{place} takes connections", {"connect_ms": found.took_ms})
        case Barrier.NAME:
            said = f"nobody knows the host {found.host!r}"
            cure = "Correct the name in TASKKIT_URL, or join the network (VPN) that knows it."
        case Barrier.REFUSED:
            part = here.part("server")
            said = f"nobody listens at {place}" + (f": {part}" if part else "")
            cure = _start(found.host, here)
        case Barrier.SILENT:
            said = f"{place} does not answer within {WITHIN_S:g} s"
            cure = "Have the firewall in between let it through, or join the host's network (VPN)."
        case _:
            said = f"{place} cannot be reached: {found.words}"
            cure = "Join the network (VPN) of the host."
    if origin is not None and origin.elsewhere_url and origin.is_variable:
        said += f"; the stack that runs here is at {origin.elsewhere_url}"
        cure = "Unset TASKKIT_URL to use the stack that runs here."
    elif found.host not in LOOPBACK and (proxy := proxy_of(found.host, "http", environment)):
        said += f"; taskkit asks straight, not by the proxy of {proxy.variable}"
    return broken(said, cure)


def _start(host: str, here: Here) -> str:
    if here.url:
        return "See by `taskkit logs` why the server ended."
    if host in LOOPBACK:
        return "Start a stack with `taskkit up`, or correct the port in TASKKIT_URL."
    return f"Have the server on {host} started, or correct the port in TASKKIT_URL."

"""What a `FaultProxy` does with the connections that go through it, one frozen class a mode."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, auto


class Way(Flag):
    """A direction through the proxy, or both."""

    TO_SERVER = auto()
    TO_CLIENT = auto()
    BOTH = TO_SERVER | TO_CLIENT


@dataclass(frozen=True, slots=True)
class Pass:
    """Carry everything at once, both ways."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Nobody listens: a new connection gets ECONNREFUSED. Live ones go on."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Every live connection gets a TCP RST on both sides, a new one as soon as it is there."""


@dataclass(frozen=True, slots=True)
class BlackHole:
    """Swallow what travels in `ways`, ends and resets too; nobody is told, connections stay open.

    A connection that lost something stays silent in that direction under every later mode: TCP
    never delivers a stream with a hole in it. One that lost nothing goes on afterwards.
    """

    ways: Way = Way.BOTH


@dataclass(frozen=True, slots=True)
class HalfOpen:
    """The server's side is closed, the client's stays open and silent: no FIN, no RST.

    What the client sends is taken and thrown away. A connection that was in this mode never comes
    back; one that begins in it never reaches the server.
    """


@dataclass(frozen=True, slots=True)
class Latency:
    """Deliver everything `delay_s` seconds after it came, in each direction."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class Throttle:
    """Deliver `bytes_per_s` (> 0) of each connection in each of `ways`, and read no faster."""

    bytes_per_s: float
    ways: Way = Way.BOTH


@dataclass(frozen=True, slots=True)
class CutAfter:
    """Reset a connection once it carried `size_bytes` more in `way`, which is one direction.

    Each connection counts for itself, from when the mode was set or, later, from its beginning.
    The last of these bytes is delivered and the reset follows it at once; with 0 bytes, the first
    that would be carried brings the reset instead. As on any network, a receiver whose buffers were
    full may lose the end of what was delivered to the RST.
    """

    size_bytes: int
    way: Way = Way.TO_CLIENT


Mode = Pass | Refuse | Reset | BlackHole | HalfOpen | Latency | Throttle | CutAfter

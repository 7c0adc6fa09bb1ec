"""WebSocket frames as a client sends them, well made or not."""

from __future__ import annotations

import struct


def frame(payload: bytes, opcode: int = 1, *, fin: bool = True, rsv: int = 0) -> bytes:
    """Return a client's WebSocket frame. Source: RFC 6455, section 5.2."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", first, 0x80 | size)
    elif size < 65_536:
        head = struct.pack("!BBH", first, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, size)
    return head + b"\0\0\0\0" + payload

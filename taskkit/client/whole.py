"""Connections of urllib3's that send the head of a request and a short body as one.

Apart, they wake the server twice. And where another thread wants the interpreter meanwhile, as a
cell does that submits in a loop, it has it between the two: 5 ms, by `sys.getswitchinterval`.
"""

from __future__ import annotations

from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection

MOST_BYTES = 65_536
"""What is longer is sent as it comes."""


class _Whole:
    _held: bytes | None = None
    #: What is to be sent of a request, as long as that is short.

    def request(self, *args: Any, **options: Any) -> None:
        """Send a request; see urllib3."""
        self._held = b""
        try:
            super().request(*args, **options)  # type: ignore[misc]
            self._release()
        finally:
            self._held = None

    def send(self, data: Any) -> None:
        """Send a part of it, now or with what comes after it."""
        if self._held is not None and len(self._held) + len(data) <= MOST_BYTES:
            self._held += data
            return
        self._release()
        super().send(data)  # type: ignore[misc]

    def _release(self) -> None:
        held, self._held = self._held, None
        if held:
            super().send(held)  # type: ignore[misc]


class Plain(_Whole, HTTPConnection):
    """By HTTP."""


class Secure(_Whole, HTTPSConnection):
    """By HTTPS."""

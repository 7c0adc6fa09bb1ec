"""Who asks: a bearer token's owner."""

from __future__ import annotations

from hashlib import sha256
from hmac import compare_digest

from flask import g, request

from taskkit.protocol.errors import Unauthorized
from taskkit.protocol.spec import LOCAL_OWNER

from .settings import LOOPBACK, Settings


class Auth:
    """Knows the tokens; keeps only their hashes."""

    def __init__(self, settings: Settings) -> None:
        self._digest = _digest(settings.token) if settings.token else None
        self._is_open = settings.is_open

    def owner(self, token: str | None, address: str | None) -> str:
        """Return the owner that a token, or on an open server a loopback address, stands for.

        Raises:
            Unauthorized: The token is missing, or wrong; a wrong one also on an open server.
        """
        if token is not None:
            if self._digest and compare_digest(_digest(token), self._digest):
                return LOCAL_OWNER
            raise Unauthorized("the token is not one that this server knows")
        if self._is_open and address in LOOPBACK:
            return LOCAL_OWNER
        raise Unauthorized("this server wants a token: send it as `Authorization: Bearer …`")

    def require(self) -> None:
        """Put the owner of the current request in `flask.g`, or refuse it."""
        g.owner = self.owner(bearer(request.headers.get("Authorization")), request.remote_addr)


def bearer(header: str | None) -> str | None:
    """Return the token of an Authorization header, None where there is no header.

    Raises:
        Unauthorized: It holds something else.
    """
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized("the Authorization header must read `Bearer …`")
    return token.strip()


def _digest(token: str) -> bytes:
    # A token from JSON may hold half a surrogate pair, which plain UTF-8 cannot.
    return sha256(token.encode(errors="surrogatepass")).digest()

"""A browser's session: a token of the Hub's in a cookie, which no script can read."""

from __future__ import annotations

from flask import Request, Response

from taskkit.protocol.errors import Forbidden

from .hub_settings import HubSettings

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class HubSession:
    """Reads and writes the cookie of a service, below whose prefix alone browsers send it."""

    def __init__(self, settings: HubSettings) -> None:
        self._name = f"taskkit-{settings.service}"
        self._state_name = f"{self._name}-state"
        self._path = settings.prefix

    def token_of(self, request: Request) -> str | None:
        """Return the token of a request's cookie, None where there is none.

        The gate has refused an Origin that is another one's; a browser leaves it out where other
        pages lead here, and those can neither read the answer nor change anything by it.

        Raises:
            Forbidden: The request may change something, and does not say that a page of this
                server's origin makes it.
        """
        token = request.cookies.get(self._name)
        if token is None:
            return None
        is_socket = request.headers.get("Upgrade", "").lower() == "websocket"
        if (is_socket or request.method not in SAFE) and not request.headers.get("Origin"):
            raise Forbidden(
                "a session of the page is for the page: send the header Origin, or a token"
            )
        return token

    def begin(self, response: Response, token: str, *, is_secure: bool) -> None:
        """Have the browser keep a token until it is closed, and forget the state."""
        self._set(response, self._name, token, None, is_secure=is_secure)
        response.delete_cookie(self._state_name, path=self._path)

    def end(self, response: Response) -> None:
        """Have the browser forget the token."""
        response.delete_cookie(self._name, path=self._path)

    def keep_state(self, response: Response, state: str, *, is_secure: bool) -> None:
        """Have the browser keep what shows that it was this one that began to sign in."""
        self._set(response, self._state_name, state, 600, is_secure=is_secure)

    def state_of(self, request: Request) -> str:
        """Return what was kept, else an empty text."""
        return request.cookies.get(self._state_name, "")

    def _set(
        self, response: Response, name: str, value: str, max_age: int | None, *, is_secure: bool
    ) -> None:
        response.set_cookie(
            name,
            value,
            max_age=max_age,
            path=self._path,
            httponly=True,
            samesite="Lax",
            secure=is_secure,
        )

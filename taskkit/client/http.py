"""Requests to the server, and its problems as exceptions."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from ..blobs.content import Buffer
from ..blobs.sender import GATEWAY
from ..connection import Connection
from ..protocol import PROTOCOL_HEADER, PROTOCOL_VERSION, wire
from ..protocol.errors import NotReachable, ServiceError, Unauthorized, from_problem
from .whole import Plain, Secure

CONNECT_S, READ_S = 5.0, 60.0

_NONE: Mapping[str, str] = {}

Params = Mapping[str, str | int] | Sequence[tuple[str, str | int]]
"""What stands behind the question mark; pairs where a name comes more than once."""


class Http:
    """Keeps connections open; safe from any thread. Never repeats a request by itself."""

    def __init__(self, connection: Connection) -> None:
        parts = _parts(connection.url)
        self.url = connection.url
        self._prefix = parts.path.rstrip("/")
        self._pool = urllib3.connectionpool.connection_from_url(
            f"{parts.scheme}://{parts.netloc}",
            maxsize=8,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_S, read=READ_S),
        )
        self._pool.ConnectionCls = Secure if parts.scheme == "https" else Plain
        self._headers = {
            "Accept": f"{wire.JSON}, */*",
            "Content-Type": wire.JSON,
            PROTOCOL_HEADER: str(PROTOCOL_VERSION),
        }
        if connection.token:
            self._headers["Authorization"] = f"Bearer {_token(connection.token)}"

    def get(self, path: str, params: Params = ()) -> Any:
        """Return the JSON that the server answers."""
        query = f"?{urlencode(params)}" if params else ""
        return _json(self._request("GET", path + query))

    def fetch(self, path: str) -> tuple[str, bytes]:
        """Return the media type and the bytes that the server answers."""
        response = self._request("GET", path)
        return response.headers.get("Content-Type", ""), response.data

    def post(self, path: str, body: object = None, *, key: str = "") -> Any:
        """Send JSON and return the JSON that the server answers; `key` makes it safe to repeat."""
        encoded = json.dumps(body if body is not None else {}, separators=(",", ":")).encode()
        headers = {"Idempotency-Key": key} if key else {}
        return _json(self._request("POST", path, encoded, headers))

    def delete(self, path: str) -> None:
        """Have something removed."""
        self._request("DELETE", path)

    def send(
        self, method: str, path: str, headers: Mapping[str, str], body: Buffer | None = None
    ) -> urllib3.BaseHTTPResponse:
        """Return the answer, whatever its status, before its body is read; see `blobs.sender`.

        Raises:
            NotReachable: None came.
        """
        given = {**self._headers, **headers}
        return self._urlopen(method, path, body, given, preload_content=False)

    def close(self) -> None:
        """Close idle connections."""
        self._pool.close()

    def _request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] = _NONE
    ) -> Any:
        response = self._urlopen(method, path, body, {**self._headers, **headers})
        if response.status >= 300:
            raise _problem(response, self.url)
        return response

    def _urlopen(
        self,
        method: str,
        path: str,
        body: Buffer | None,
        headers: Mapping[str, str],
        **options: Any,
    ) -> urllib3.BaseHTTPResponse:
        whole = self._prefix + path
        id = uuid.uuid4().hex
        headers = {wire.REQUEST_ID: id, **headers}
        try:
            return self._pool.urlopen(
                method,
                whole,
                body=body,  # type: ignore[arg-type]  # any buffer is sent as it is
                headers=headers,
                redirect=False,
                **options,
            )
        except (HTTPError, OSError) as error:
            raise NotReachable(self._unreachable(error), request_id=id) from None

    def _unreachable(self, error: Exception) -> str:
        reason = str(error).rsplit(": ", 1)[-1].rstrip(")'\"")
        return (
            f"No taskkit server answers at {self.url} ({reason}). Start one with `taskkit up`, or "
            "set TASKKIT_URL to the address of yours."
        )


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number, half a pair of brackets
        is_address = False
    if not is_address:
        raise NotReachable(
            f"{url!r} is not the address of a server; one looks like http://127.0.0.1:5000"
        )
    return parts


def _token(text: str) -> str:
    token = text.strip()
    if not (token.isascii() and token.isprintable()):
        raise Unauthorized("the token holds characters that none has: copy it once more")
    return token


def _json(response: Any) -> Any:
    try:
        return json.loads(response.data)
    except ValueError as error:
        raise NotReachable("What answers at this address is not a taskkit server.") from error


def _problem(response: Any, url: str) -> Exception:
    try:
        obj = json.loads(response.data)
    except ValueError:
        obj = None
    if isinstance(obj, dict) and "code" in obj:
        return from_problem(obj, response.status)
    said = f"{url} answered {response.status}, and not as a taskkit server does"
    if response.status in GATEWAY:
        return NotReachable(f"{said}: a proxy before it says that it does not reach one")
    return ServiceError(said)

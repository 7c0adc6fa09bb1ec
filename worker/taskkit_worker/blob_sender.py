"""Requests to a server for blobs, from a worker that does not share its disk."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from taskkit.blobs.content import Buffer
from taskkit.config.urls import is_loopback
from taskkit.protocol.errors import NotReachable
from taskkit.protocol.tokens import OWNER_HEADER, Scope

CONNECT_S, READ_S = 5.0, 60.0


class BlobSender:
    """See `taskkit.blobs.sender.Sender`."""

    def __init__(self, url: str, token: str, owner: str) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}", OWNER_HEADER: owner}
        timeout = urllib3.Timeout(connect=CONNECT_S, read=READ_S)
        self._pool = urllib3.PoolManager(retries=False, timeout=timeout)

    def send(
        self, method: str, path: str, headers: Mapping[str, str], body: Buffer | None = None
    ) -> urllib3.BaseHTTPResponse:
        """Return the answer before its body is read.

        Raises:
            NotReachable: None came.
        """
        try:
            return self._pool.urlopen(
                method,
                self._url + path,
                headers={**self._headers, **headers},
                body=body,
                redirect=False,
                preload_content=False,
            )
        except (HTTPError, OSError) as error:
            raise NotReachable(f"the server at {self._url} does not answer: {error}") from None


def objection(url: str, token: str) -> str | None:
    """Return what is wrong with fetching large values from a server, in words; None if nothing.

    One that does not answer now may later.
    """
    try:
        headers = {"Authorization": f"Bearer {token}"}
        timeout = urllib3.Timeout(connect=CONNECT_S, read=CONNECT_S)
        answer = urllib3.request(
            "GET", f"{url.rstrip('/')}/hello", headers=headers, timeout=timeout, retries=False
        )
        told = answer.json() if answer.status == 200 else {}
    except (HTTPError, OSError, ValueError) as error:
        return f"the server at {url}, which keeps large values, is not reached: {error}"
    if answer.status in (401, 403):
        return f"the server at {url}, which keeps large values, does not take TASKKIT_TOKEN"
    if Scope.BLOBS not in told.get("scopes", ()):
        return (
            f"TASKKIT_TOKEN opens the large values of {told.get('owner')!r} alone: jobs of others "
            "that have some fail here; `taskkit token create --user NAME --scope blobs` makes one"
        )
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        return (
            f"large values and TASKKIT_TOKEN travel in plain text to {parts.netloc}: use https://"
        )
    return None

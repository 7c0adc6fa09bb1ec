"""Requests to a server for blobs, from a worker that does not share its disk."""

from __future__ import annotations

from collections.abc import Mapping

import urllib3
from urllib3.exceptions import HTTPError

from taskkit.blobs.content import Buffer
from taskkit.protocol.errors import NotReachable

CONNECT_S, READ_S = 5.0, 60.0


class BlobSender:
    """See `taskkit.blobs.sender.Sender`."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}
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

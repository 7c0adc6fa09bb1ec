"""Which store a client uses: the server's own folder where it has that too, else its routes."""

from __future__ import annotations

import json
from pathlib import Path

from ..protocol.errors import DecodeError
from .cache import CACHE_BYTES, Cache
from .http import HttpStore
from .probe import accept
from .sender import Sender, checked
from .store import Blobs


def client_store(http: Sender, cache: Path, *, cache_bytes: int = CACHE_BYTES) -> Blobs:
    """Return the store behind a server.

    cache: the folder for copies of what is received, of `cache_bytes` at most.

    Raises:
        NotReachable: No server answers.
        BlobNotFound: The server keeps no blobs.
    """
    answer = checked(http.send("GET", "/blobs/probe", {}))
    try:
        probe = json.loads(answer.data)["probe"] or {}
    except (ValueError, KeyError, TypeError) as error:
        raise DecodeError(f"the server's probe cannot be read: {error}") from error
    return accept(probe) or HttpStore(http, Cache(cache, bound_bytes=cache_bytes))

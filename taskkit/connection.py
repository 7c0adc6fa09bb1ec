"""Where a stack is and what opens it: by variables, the connection file, else `taskkit.toml`."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from .config.client import token_of, told
from .hub_token import hub_token
from .private import read_private, runtime_folder
from .protocol.errors import NotReachable

FILE = "connection.json"


@dataclass(frozen=True, slots=True)
class Connection:
    """A server's address and a token for it. The token is in no repr."""

    url: str
    token: str | None = field(default=None, repr=False)


def find() -> Connection:
    """Return what `TASKKIT_URL` and `TASKKIT_TOKEN` give, else the stack that runs here, else
    what `taskkit.toml` says.

    A variable's token alone overrides those of the files; the token of `taskkit.toml` is for its
    own address alone. In a server of JupyterHub, its token stands in for `TASKKIT_TOKEN` where
    `TASKKIT_URL` is of that Hub. A connection file may outlive its stack: only a request can tell.

    Raises:
        NotReachable: None is there, or the connection file cannot be trusted.
        Misconfigured: `taskkit.toml` cannot be used.
    """
    url, token = os.environ.get("TASKKIT_URL"), token_of(os.environ)
    if url:
        return Connection(url.rstrip("/"), token or hub_token(url, os.environ))
    path = runtime_folder() / FILE
    known = read_private(path)
    if known is None or not isinstance(known.get("url"), str):
        table = told(os.environ)
        if table.url:
            return Connection(table.url, token or table.token)
        raise NotReachable(
            "No running stack was found: start one with `taskkit up`, "
            "or set TASKKIT_URL and TASKKIT_TOKEN."
        )
    return Connection(known["url"], token or known.get("token"))

"""Whether client and server, of different releases, understand one another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import __version__
from ..protocol import OLDEST_PROTOCOL, PROTOCOL_VERSION
from ..protocol.errors import Forbidden, ServiceError


def require_protocol(
    hello: Mapping[str, Any],
    url: str,
    *,
    oldest: int = OLDEST_PROTOCOL,
    newest: int = PROTOCOL_VERSION,
) -> None:
    """Return if the server speaks what this client does.

    Raises:
        ServiceError: It does not; the message says which side is the older one.
    """
    theirs, version = hello.get("protocol"), hello.get("version")
    if isinstance(theirs, int) and oldest <= theirs <= newest:
        return
    is_behind = isinstance(theirs, int) and theirs > newest
    spoken = str(newest) if oldest == newest else f"{oldest} to {newest}"
    who = "this client is too old" if is_behind else "this client is too new"
    raise ServiceError(
        f"the server at {url} speaks protocol {theirs} (taskkit {version}), and this client "
        f"{spoken} (taskkit {__version__}): {who} for it; install the same version here, "
        f"pip install 'taskkit-notebook=={version}'"
        + ("" if is_behind else ", or have the server's raised")
    )


def require_user(hello: Mapping[str, Any]) -> None:
    """Return if the token is that of a user.

    Raises:
        Forbidden: It is that of a link to some jobs.
    """
    if hello.get("shared"):
        raise Forbidden(
            "this token is that of a link to shared jobs, for looking at them in a browser: ask "
            "whoever runs the server for a token of your own by `taskkit token create`"
        )

"""The server that a command asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..client.http import Http


def service() -> Http:
    """Return what asks the server that is told or runs here; see `taskkit.connection.find`."""
    from ..client.http import Http
    from ..connection import find

    return Http(find())

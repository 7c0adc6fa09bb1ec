"""What schemathesis is to leave alone; it imports this."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.hook
def map_query(context: Any, query: dict[str, Any] | None) -> dict[str, Any] | None:
    """Follow no output: that goes on for as long as a job does, and has tests of its own."""
    if query:
        query.pop("follow", None)
    return query

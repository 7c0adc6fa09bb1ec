"""The Lua of the Redis ledger: one file a verb, each behind what it is built on."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

_BEGINNING = {"claim", "claim_next", "finish"}
"""The verbs that begin attempts."""


@cache
def source(name: str) -> str:
    """Return the script of the verb `name`, ready for ``EVAL``."""
    parts = ["prelude", "lines", "changes", *(["claiming"] if name in _BEGINNING else []), name]
    folder = files(__name__)
    return "".join((folder / f"{part}.lua").read_text("utf-8") for part in parts)

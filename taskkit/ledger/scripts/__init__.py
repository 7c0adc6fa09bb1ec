"""The Lua of the Redis ledger: one file a verb, each behind the common prelude."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def source(name: str) -> str:
    """Return the script of the verb `name`, ready for ``EVAL``."""
    folder = files(__name__)
    prelude = (folder / "prelude.lua").read_text("utf-8")
    return prelude + (folder / f"{name}.lua").read_text("utf-8")

"""The Lua of the Redis ledger: one file a verb, each behind what it is built on."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

_HANDING = ("claiming", "waiting")
_BASES = {
    "claim": ("claiming",),
    "claim_more": ("claiming",),
    "claim_next": ("claiming",),
    "finish": _HANDING,
    "hand_back": _HANDING,
    "rise": _HANDING,
    "serve": _HANDING,
    "submit": _HANDING,
}
"""What verbs that begin attempts are built on, besides what all are."""


@cache
def source(name: str) -> str:
    """Return the script of the verb `name`, ready for ``EVAL``."""
    parts = ["prelude", "lanes", "lines", "changes", *_BASES.get(name, ()), name]
    folder = files(__name__)
    return "".join((folder / f"{part}.lua").read_text("utf-8") for part in parts)

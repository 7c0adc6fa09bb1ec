"""Redis, server and workers together, as one command or one ``with`` block."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .local import LocalStack
    from .stack import Stack

__all__ = ["LocalStack", "Stack"]

_HOMES = {"LocalStack": ".local", "Stack": ".stack"}


def __getattr__(name: str) -> object:
    # Loaded when used: the supervising process lives in this package too and needs neither.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)

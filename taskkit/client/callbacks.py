"""Calling what users gave, whatever it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def call_all(callbacks: Sequence[Callable[..., object]], *args: object) -> None:
    """Call each, also where one raises: a thread of the client's has nobody to tell."""
    for callback in list(callbacks):
        try:
            callback(*args)
        except Exception:  # noqa: BLE001, S112  # the edge around user code; a thread may not print
            continue

"""What a command that waits for a job tells by its exit code, so that scripts can go by it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import typer

from ..protocol.errors import TaskkitError

SUCCEEDED, FAILED, CANCELLED, NOT_FINAL, UNKNOWN, INTERRUPTED = 0, 1, 3, 4, 5, 130
"""2 is typer's: the command line cannot be read. 130 is every shell's: Ctrl-C."""

_CODES = {"succeeded": SUCCEEDED, "failed": FAILED, "cancelled": CANCELLED}
_GRAVEST_FIRST = (UNKNOWN, NOT_FINAL, FAILED, CANCELLED, SUCCEEDED)


def code_of(states: Iterable[str]) -> int:
    """Return the code of one job, or the gravest of several.

    >>> code_of(["succeeded", "cancelled"]), code_of(["failed", "running"])
    (3, 4)
    """
    codes = {_CODES.get(state, NOT_FINAL) for state in states}
    return next((code for code in _GRAVEST_FIRST if code in codes), SUCCEEDED)


@contextmanager
def apart() -> Iterator[None]:
    """Have trouble of ours end with `UNKNOWN`: with `main`'s code, the job would have failed."""
    try:
        yield
    except TaskkitError as error:
        typer.echo(f"taskkit: {error}", err=True)
        raise typer.Exit(UNKNOWN) from None

"""What the tests have executed; every executor can pickle these, by reference or by value."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, NoReturn

LIMIT_S = 60.0


def capture(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return what it was called with."""
    return args, kwargs


def same(value: Any) -> Any:
    """Return what it is given."""
    return value


def held(gate: str, value: Any = None) -> Any:
    """Return `value` once there is a file `gate`."""
    limit = time.monotonic() + LIMIT_S
    while not Path(gate).exists():
        if time.monotonic() > limit:
            raise AssertionError(f"nobody opened {gate}")
        time.sleep(0.005)
    return value


def marked(mark: str, gate: str) -> Any:
    """Make the file `mark`, then wait for `gate`."""
    Path(mark).touch()
    return held(gate)


def fail(error: type[BaseException], *args: Any) -> NoReturn:
    """Raise an exception of this class."""
    raise error(*args)  # the line that tests look for


def fail_from(first: BaseException, second: BaseException) -> NoReturn:
    """Raise `second` because of `first`."""
    try:
        raise first
    except type(first) as error:
        raise second from error


class Thing:
    """An object that can be watched by a weak reference."""

    def __init__(self, n: int = 0) -> None:
        self.n = n

    def number(self) -> int:
        """Return its number."""
        return self.n

    def __call__(self, more: int) -> int:
        return self.n + more

    @classmethod
    def named(cls) -> str:
        """Return the class's name."""
        return cls.__name__

    @staticmethod
    def doubled(n: int) -> int:
        """Return twice a number."""
        return 2 * n


def make_thing(n: int) -> Thing:
    """Return a new object."""
    return Thing(n)


class Dying:
    """An object that says by a file, made in another process, that it was let go there."""

    def __init__(self, mark: str) -> None:
        import os

        self.mark, self.pid = mark, os.getpid()

    def __del__(self) -> None:
        import os
        from pathlib import Path

        if os.getpid() != self.pid:
            Path(self.mark).touch()


class Diverged(Exception):
    """An exception of one's own that passes its arguments on, as `pickle` wants it."""

    def __init__(self, step: int, loss: float) -> None:
        super().__init__(step, loss)
        self.step = step
        self.loss = loss


class Stop(BaseException):
    """Not an `Exception`."""

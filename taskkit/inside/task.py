"""`@task`: makes a function one that workers offer by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

F = TypeVar("F", bound=Callable[..., Any])

_MARK = "__taskkit_task__"


@overload
def task(function: F, /) -> F: ...
@overload
def task(*, name: str) -> Callable[[F], F]: ...
def task(function: F | None = None, /, *, name: str | None = None) -> F | Callable[[F], F]:
    """Mark a typed function as a named task; it stays an ordinary function otherwise.

    A worker that was told to import the function's module (``taskkit worker --tasks my_module``)
    offers it under `name`, by default the function's own. Its annotations say which arguments are
    accepted: they must be what JSON can carry, refined by pydantic where that helps.

    >>> @task
    ... def double(x: float) -> float:
    ...     return 2 * x
    >>> double(4.0), task_name(double)
    (8.0, 'double')
    """

    def mark(target: F) -> F:
        setattr(target, _MARK, name or target.__name__)
        return target

    return mark if function is None else mark(function)


def task_name(function: object) -> str | None:
    """Return the name under which workers offer `function`, or None if it is not a named task."""
    return getattr(function, _MARK, None)

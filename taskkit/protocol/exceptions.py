"""How exceptions are named where their classes cannot travel."""

from __future__ import annotations

ERRORS = "taskkit.protocol.errors"


def exception_name(cls: type[BaseException]) -> str:
    """Return the qualified name, as a traceback's last line has it.

    A built-in exception and one of the notebook's own goes by its bare name, one of taskkit's as
    what users import.

    >>> exception_name(TimeoutError)
    'TimeoutError'
    """
    if cls.__module__ in ("builtins", "__main__"):
        return cls.__qualname__
    module = "taskkit" if cls.__module__ == ERRORS else cls.__module__
    return f"{module}.{cls.__qualname__}"


def exception_names(cls: type[BaseException]) -> tuple[str, ...]:
    """Return the names of an exception's class and of all that it derives from, its own first.

    >>> exception_names(ZeroDivisionError)[:2]
    ('ZeroDivisionError', 'ArithmeticError')
    """
    return tuple(exception_name(base) for base in cls.__mro__ if issubclass(base, BaseException))

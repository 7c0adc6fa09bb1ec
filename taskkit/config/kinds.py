"""What a setting may be: kinds of values, and marks on a setting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field

from ..protocol.options import is_queue


@dataclass(frozen=True, slots=True)
class Variable:
    """A field's own variable, where that is not ``TASKKIT_<TABLE>_<KEY>``."""

    name: str


@dataclass(frozen=True, slots=True)
class Secret:
    """Marks what nobody is shown. It may be given by a file, as ``<key>_file``."""

    is_url: bool = False
    #: Whether only the password in it is secret.


def _of_redis(url: str) -> str:
    if not url.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("the address of Redis looks like redis://:PASSWORD@HOST:6379/0")
    return url


def _of_a_server(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("the address of a server looks like http://127.0.0.1:5000")
    return url


Count = Annotated[int, Field(ge=1)]
Limit = Annotated[int | None, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _queue(name: str) -> str:
    if not is_queue(name):
        raise ValueError(f"{name!r} is no name of a queue; one is of a-z, 0-9, _ and -, 50 at most")
    return name


def each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names in their order, each once."""
    return tuple(dict.fromkeys(names))


Queue = Annotated[str, AfterValidator(_queue)]
RedisUrl = Annotated[str, AfterValidator(_of_redis)]
ServerUrl = Annotated[str, AfterValidator(_of_a_server)]
Place = Annotated[str, Field(min_length=1)]

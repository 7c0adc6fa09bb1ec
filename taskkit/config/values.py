"""What the value of a setting may be."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from ..protocol.options import is_queue, is_tag
from .plain import REDIS_SCHEMES


def _of_redis(url: str) -> str:
    if not url.startswith(REDIS_SCHEMES):
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


def _tag(name: str) -> str:
    if not is_tag(name):
        raise ValueError(f"a tag is of letters, digits and _ . : -, 50 of them at most: {name!r}")
    return name


def each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names without those that were there before."""
    return tuple(dict.fromkeys(names))


Queue = Annotated[str, AfterValidator(_queue)]
RedisUrl = Annotated[str, AfterValidator(_of_redis)]
ServerUrl = Annotated[str, AfterValidator(_of_a_server)]
Place = Annotated[str, Field(min_length=1)]
Tag = Annotated[str, AfterValidator(_tag)]

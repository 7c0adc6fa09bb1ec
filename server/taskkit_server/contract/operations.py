"""What a route promises, written beside its handler: the document and the checks are made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from taskkit.protocol import wire
from taskkit.protocol.errors import TaskkitError

_H = TypeVar("_H", bound=Callable[..., Any])

_NAME = "taskkit_operation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A header of a request or of an answer."""

    name: str
    means: str
    values: tuple[str, ...] = ()
    #: All that it may be; any text where there are none.
    pattern: str = ""
    #: A regular expression that its value matches.
    is_count: bool = False
    #: Whether its value is a number from 0 on.


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One way in which a request is met."""

    means: str
    status: int = 200
    body: Any = None
    #: The type whose JSON it is; None where the body is something else, or nothing.
    media_types: tuple[str, ...] = (wire.JSON,)
    #: What the body may be; none where there is no body.
    headers: tuple[Header, ...] = ()
    leads_to_job: bool = False
    #: Whether its ``id`` is that of a job.


ETAG = Header(name="ETag", means="Changes with what is answered.")
IF_NONE_MATCH = Header(name="If-None-Match", means="An ETag: 304 where it is the same still.")
UNCHANGED = Answer(means="It is the same still", status=304, media_types=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What may be asked of a route, and what it answers."""

    answers: tuple[Answer, ...]
    query: type[BaseModel] | None = None
    body: Any = None
    #: The type whose JSON the request brings; `bytes` where it brings those.
    headers: tuple[Header, ...] = ()
    problems: tuple[type[TaskkitError], ...] = ()
    #: Those of this route, beside those that any route has.
    ids: str = ""
    #: A regular expression that the ids in its path match.
    is_for_all: bool = False
    #: Whether it needs no token.

    @property
    def media_types(self) -> tuple[str, ...]:
        """All that its answers may be when it does what was asked."""
        return tuple({kind: None for answer in self.answers for kind in answer.media_types})


def promises(*ways: Answer, **more: Any) -> Callable[[_H], _H]:
    """Note on a handler what its route promises; the handler stays as it is."""
    promised = Operation(answers=ways, **more)

    def note(handler: _H) -> _H:
        handler.__dict__[_NAME] = promised
        return handler

    return note


def operation_of(handler: object) -> Operation | None:
    """Return what was noted on a handler, a bound method's too; None where nothing was."""
    found: Operation | None = getattr(handler, _NAME, None)
    return found

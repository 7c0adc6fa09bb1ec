"""What may stand behind the question mark of a route."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal, TypeVar, get_origin

from flask import request
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    PlainValidator,
    ValidationError,
    WithJsonSchema,
)

from taskkit.ledger import JobFilter
from taskkit.protocol import wire
from taskkit.protocol.errors import InvalidRequest
from taskkit.protocol.jobs import JobState

MAX_LISTED = 1000

ID = r"^[0-9a-f]{32}$"
"""The form of a job's id."""

MOST_COUNTED = 10**18 - 1

_M = TypeVar("_M", bound=BaseModel)


def is_id(text: str) -> bool:
    """Return whether this could be a job's id."""
    return len(text) == 32 and all(char in "0123456789abcdef" for char in text)


def _id_or_time(text: str) -> str | int:
    return text if is_id(text) else _time(text)


def _time(text: str) -> int:
    try:
        at = wire.time_from_wire(text)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"it must be a time in ISO 8601: {error}") from error
    if at is None:
        raise ValueError("it must be a time in ISO 8601")
    return at


def _place(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        raise ValueError("it is none that a list of jobs ended with; begin without one") from None


def cursor(place: str) -> str:
    """Return a place in the list of jobs as the wire has it: opaque, and fit for a URL."""
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


Time = Annotated[
    int,
    BeforeValidator(_time),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
IdOrTime = Annotated[
    str | int,
    PlainValidator(_id_or_time),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": ID}, {"type": "string", "format": "date-time"}]}
    ),
]
Place = Annotated[
    str,
    AfterValidator(_place),
    WithJsonSchema({"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}),
]
Count = Annotated[int, Field(ge=0, le=MOST_COUNTED)]


class ListQuery(BaseModel):
    """Which jobs, and how many."""

    limit: Annotated[
        int,
        Field(description=f"1 to {MAX_LISTED}; what is beyond counts as the nearest of them."),
    ] = 100
    cursor: Annotated[
        Place | None, Field(description="`next` of the page before, to go on there.")
    ] = None
    before: Annotated[
        IdOrTime | None, Field(description="Only those submitted before this job, or this time.")
    ] = None
    name: Annotated[str | None, Field(description="The job's title or its task's name.")] = None
    state: Annotated[list[JobState], Field(description="One of these states.")] = []
    since: Annotated[Time | None, Field(description="Submitted then or later.")] = None
    until: Annotated[Time | None, Field(description="Submitted before then.")] = None
    session: Annotated[str | None, Field(description="The notebook that it belongs to.")] = None
    q: Annotated[
        str, Field(description="A part of the title, the task or the id; capitals do not matter.")
    ] = ""

    def matching(self) -> JobFilter:
        """Return what a ledger filters by."""
        return JobFilter(
            name=self.name,
            states=frozenset(self.state),
            since=self.since,
            until=self.until,
            session=self.session,
            text=self.q,
        )


class CancelQuery(BaseModel):
    """Whom a cancelled job takes with it."""

    dependents: Annotated[
        Literal["true", "false"],
        Field(description="Whether those that wait for its result are cancelled; else they fail."),
    ] = "false"


class CallsQuery(BaseModel):
    """Which calls are forgotten."""

    task: Annotated[
        str, Field(max_length=300, description="Only those of this task; those of all without.")
    ] = ""


class EventsQuery(BaseModel):
    """Which events of which log."""

    log: Annotated[Literal["jobs", "workers"], Field(description="Whose events.")] = "jobs"
    epoch: Annotated[str, Field(description="The log's identity; empty for any.")] = ""
    after: Annotated[Count, Field(description="The number of the last event that was read.")] = 0
    at: Annotated[Count, Field(description="The time that this event bore.")] = 0
    limit: Annotated[Count, Field(description="1 to 1000; more counts as 1000, 0 as 1.")] = 500


class BlobQuery(BaseModel):
    """Where it is shown."""

    job: Annotated[
        str, Field(description="The job whose figure it is; only a share needs to say.")
    ] = ""


class OutputQuery(BaseModel):
    """Whether to wait for more."""

    follow: Annotated[
        Literal["", "true", "false"],
        Field(description="Go on as it comes, until the job is final; `?follow` is enough."),
    ] = "false"


def asked(model: type[_M]) -> _M:
    """Return what the request's query says; what the model does not know is left alone.

    Raises:
        InvalidRequest: It is not understood; ``details["fields"]`` names each fault.
    """
    given: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if name in request.args:
            is_list = get_origin(field.annotation) is list
            given[name] = request.args.getlist(name) if is_list else request.args[name]
    try:
        return model.model_validate(given)
    except ValidationError as error:
        faults = {
            str(fault["loc"][0]): f"{fault['msg']}, not {str(fault['input'])[:64]!r}"
            for fault in error.errors()
        }
        told = "; ".join(f"{name}: {what}" for name, what in faults.items())
        raise InvalidRequest(f"the query is not understood: {told}", fields=faults) from None

"""The options of a submission, as its JSON may have them."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from taskkit.protocol.fit import is_specifier
from taskkit.protocol.options import (
    DEFAULT,
    DEFAULT_QUEUE,
    DISTRIBUTION_PATTERN,
    EXCEPTION_CHARS,
    MOST_CPUS,
    MOST_EXCEPTIONS,
    MOST_MEMORY_MIB,
    MOST_PACKAGES,
    MOST_PRIORITY,
    MOST_RETRIES,
    MOST_TAGS,
    MOST_TIMEOUT_S,
    NAME_CHARS,
    QUEUE_PATTERN,
    SESSION_CHARS,
    TAG_PATTERN,
    JobOptions,
)


def _number(value: object) -> object:
    if isinstance(value, bool | str):
        raise ValueError("Input should be a number")
    return value


def _specifier(text: str) -> str:
    if not is_specifier(text):
        raise ValueError("Input should be a version or a specifier of PEP 440")
    return text


Number = BeforeValidator(_number)
"""Says that a field takes what is a number in JSON; else `true` and `"1"` would count as 1.

It comes last: of what is behind it the schema does not tell."""

BLANK = r"\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""What separates words, spelled out: languages differ in what ``\\s`` is."""

ExceptionName = Annotated[
    str, Field(min_length=1, max_length=EXCEPTION_CHARS, pattern=f"^[^{BLANK}]+$")
]
Seconds = Annotated[float, Field(gt=0, le=MOST_TIMEOUT_S, allow_inf_nan=False), Number]
TraceParent = Annotated[
    str, Field(pattern=r"^([0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})?$")
]
Tag = Annotated[str, Field(pattern=TAG_PATTERN)]
Minor = Annotated[str, Field(pattern=r"^([0-9]+\.[0-9]+)?$")]
Distribution = Annotated[str, Field(pattern=DISTRIBUTION_PATTERN)]
Specifier = Annotated[str, Field(max_length=200), AfterValidator(_specifier)]
Mebibytes = Annotated[float, Field(gt=0, le=MOST_MEMORY_MIB, allow_inf_nan=False), Number]


class OptionsRequest(BaseModel):
    """How a job is to be run, and how it is found again; see `JobOptions`."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=NAME_CHARS)] = ""
    session: Annotated[str, Field(max_length=SESSION_CHARS)] = ""
    retries: Annotated[int, Field(ge=0, le=MOST_RETRIES), Number] = 0
    retry_on: Annotated[tuple[ExceptionName, ...], Field(max_length=MOST_EXCEPTIONS)] = ()
    timeout_s: Seconds | None = None
    memory_mib: Mebibytes | None = None
    queue: Annotated[str, Field(pattern=QUEUE_PATTERN)] = DEFAULT_QUEUE
    priority: Annotated[int, Field(ge=-MOST_PRIORITY, le=MOST_PRIORITY), Number] = 0
    trace: TraceParent = ""
    cpus: Annotated[int, Field(ge=1, le=MOST_CPUS), Number] | None = None
    tags: Annotated[tuple[Tag, ...], Field(max_length=MOST_TAGS)] = ()
    python: Minor = ""
    packages: Annotated[dict[Distribution, Specifier], Field(max_length=MOST_PACKAGES)] = {}

    def options(self) -> JobOptions:
        """Return them in the protocol's own form."""
        return DEFAULT if self is NO_OPTIONS else JobOptions(**self.model_dump())

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        # Nothing of a request is ever changed: pydantic would copy the default for each job.
        return self


NO_OPTIONS = OptionsRequest()

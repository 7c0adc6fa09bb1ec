"""A call as the body of a request: by value where it is a function, by name where it is a task."""

from __future__ import annotations

import uuid
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from typing import Any

from ..identity import Calls
from ..protocol.identity import Identity
from ..protocol.options import JobOptions
from ..protocol.spec import sealed
from ..travel.awaited import Awaited, by_work, collecting
from ..travel.chunks import Blocks, Call, LargeCallsError
from ..travel.described import described
from ..travel.functions import (
    PYTHON_MINOR,
    pickle_arguments,
    pickle_calls,
    pickle_function,
    work_of,
)
from ..travel.outgoing import Outgoing
from ..travel.stamps import stamped
from .arguments import json_arguments
from .environments import Fitted
from .recall import Recall
from .used import Looks

Task = str | Callable[..., Any]


class Shipped:
    """A function pickled once, for however many jobs."""

    def __init__(self, function: Callable[..., Any], outgoing: Outgoing) -> None:
        self._function = function
        self._outgoing = outgoing
        self._pickled, self.blobs = pickle_function(function, outgoing)
        self._digest = sha256(self._pickled).hexdigest()
        self._pickle = outgoing.looked_at()
        self._encoded: tuple[str, str] | None = None
        self._calls: Calls | None = None

    @property
    def encoded(self) -> tuple[str, str]:
        """The SHA-256 of what is sent, and that in base64."""
        if self._encoded is None:
            self.stamp({})
        assert self._encoded is not None  # noqa: S101  # set just now
        return self._encoded

    def stamp(self, packages: Mapping[str, str]) -> None:
        """Say with the function what it needs; the first word counts, for it is sent once."""
        if self._encoded is None:
            sent = stamped(self._pickled, packages, described(self._function))
            self._encoded = sha256(sent).hexdigest(), b64encode(sent).decode()

    def looks(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Looks:
        """Return how to see which modules a call mentions, once its payload is made."""
        return Looks(self._digest, self._pickle, args, kwargs, self._outgoing.looked_at())

    def require(self, blobs: set[str]) -> None:
        """Have every job bring these blobs, too.

        Raises:
            BlobNotFound: One is no longer kept.
        """
        self._outgoing.require(blobs)
        self.blobs = (*self.blobs, *sorted(blobs.difference(self.blobs)))

    def identity(
        self,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        jobs: Sequence[Awaited],
        declared: Mapping[str, str],
        *,
        has_place: bool,
    ) -> Identity:
        """Return what a call of it is, so that an equal one has its result."""
        if self._calls is None:
            self._calls = Calls(self._function, declared)
        return self._calls.identify(args, kwargs, jobs=jobs, has_place=has_place)

    @cached_property
    def _work(self) -> bytes:
        return work_of(self._function)

    def payload(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], *, is_keyed: bool
    ) -> tuple[bytes, tuple[str, ...], list[Awaited]]:
        """Return the arguments' pickle, the blobs that it needs, and the jobs among them.

        Under a key of the user's it brings what the key stands for. A key of the client's own is
        for one request alone, which is sent again as it is.
        """
        with collecting() as jobs:
            pickled, blobs = pickle_arguments(args, kwargs, self._outgoing)
        if not is_keyed:
            return pickled, blobs, jobs
        with by_work():
            work = self._work + work_of((tuple(args), dict(kwargs)))
        return sealed(sha256(work).digest(), pickled), blobs, jobs


def blocks_of(calls: Sequence[Call]) -> Blocks | None:
    """Return the calls of a map as they are now; None where they are too large to share jobs.

    Raises:
        CannotTravel: An argument cannot be sent.
    """
    try:
        return Blocks(calls, pickle_calls)
    except LargeCallsError:
        return None


def body_of(
    task: Task,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    key: str | None,
    options: JobOptions,
    shipped: Shipped | None,
    fitted: Fitted,
    recall: Recall | None = None,
) -> tuple[dict[str, Any], JobOptions]:
    """Return what `POST /jobs` takes for one job; without a key it gets one that is never reused.

    Also its options, with what it says of the environment that it needs, which `fitted` knows.

    Raises:
        CannotTravel: An argument cannot be sent.
        PayloadTooLarge: The arguments are too large.
        DiskFull, Unavailable, NotReachable: What is large of them cannot be kept.
    """
    body: dict[str, Any] = {"task": name_of(task), "key": key or uuid.uuid4().hex}
    if shipped is None:
        if said := options.said():
            body["options"] = said
        body["positional"], body["arguments"] = json_arguments(body["task"], args, kwargs)
        if recall is not None:
            body["identity"] = recall.of_task(body["task"], body["positional"], body["arguments"])
        return body, options
    payload, blobs, jobs = shipped.payload(args, kwargs, is_keyed=key is not None)
    declared = options.packages
    options, packages = fitted(options, shipped.looks(args, kwargs), body["task"])
    shipped.stamp(packages)
    if recall is not None:
        body["identity"] = recall.of_call(shipped, args, kwargs, jobs, declared)
    if said := options.said():
        body["options"] = said
    if blobs or shipped.blobs:
        body["blobs"] = list(dict.fromkeys((*shipped.blobs, *blobs)))
    if jobs:
        body["after"] = [job.reference() for job in jobs]
    body |= {
        "function": shipped.encoded[0],
        "payload": b64encode(payload).decode(),
        "python": PYTHON_MINOR,
    }
    return body, options


def name_of(task: Task) -> str:
    """Return a task's name, or the qualified one of a function."""
    if isinstance(task, str):
        return task
    # What functools.partial and other callables wrap is what a reader knows.
    inner = getattr(task, "func", task)
    name = getattr(inner, "__qualname__", None) or type(task).__qualname__
    return str(name).replace("<locals>.", "")[:300]

"""Sends submissions: what comes in while a request is under way travels together in the next."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..protocol import wire
from ..protocol.errors import (
    FunctionNotFound,
    NotReachable,
    PayloadTooLarge,
    QuotaReached,
    TaskkitError,
    Unavailable,
    from_problem,
)
from ..protocol.jobs import JobRecord
from .http import Http

MOST_JOBS, FIRST_JOBS = 500, 8
"""How many jobs travel together: first a few, so that more than one process has something to do
soon, then twice as many each time, since that costs less."""

MOMENT_S = 0.0005
"""How long the first of several waits for the second one, where several came the time before: they
go to two processes then."""

_YIELD_S = 0.00005

MOST_BYTES = 16 * 2**20
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0


class Submitted(Protocol):
    """Who is told what became of a submission."""

    def accept(self, record: JobRecord) -> None:
        """The server has the job."""

    def refuse(self, error: BaseException) -> None:
        """The server does not want it."""


@dataclass(slots=True, kw_only=True)
class Request:
    """One submission on its way."""

    job: Submitted
    body: dict[str, Any]
    #: As `POST /jobs` takes it.
    function: tuple[str, str] | None = None
    #: Digest and base64 of a shipped function's pickle.
    size_bytes: int = field(default=0)


class Submitter:
    """One thread a client. A server that is away is waited for; every request has its own key."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._waiting: queue.SimpleQueue[Sequence[Request] | None] = queue.SimpleQueue()
        self._known_functions: set[str] = set()
        self._at_once = FIRST_JOBS
        #: How many travel together: few, too, while the user has as many jobs queued as one may.
        self._wait_s = FIRST_WAIT_S
        self._sent = 0
        #: How many since nothing was left to send.
        self._come_in_a_loop = self._is_untaken = False
        #: Whether they were several the last time; and whether the first one waits for the thread.
        self._is_over = threading.Event()
        self._is_idle = threading.Event()
        self._is_idle.set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def send(self, requests: Sequence[Request]) -> None:
        """Queue submissions and return at once.

        Raises:
            RuntimeError: It was stopped.
        """
        with self._lock:
            if self._is_over.is_set():
                # The type and the words of the standard library's executors.
                raise RuntimeError("cannot schedule new futures after shutdown")
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="taskkit-submit", daemon=True
                )
                self._thread.start()
            is_held_up = self._is_untaken or len(requests) > 1
            self._is_untaken = self._is_untaken or self._is_idle.is_set()
            self._is_idle.clear()
            self._waiting.put(requests)
        if is_held_up:
            # Who submits in a loop, or has the items of a map to see to, would keep the interpreter
            # for a switch interval, 5 ms, before the thread gets it.
            time.sleep(_YIELD_S)

    def stop(self) -> None:
        """End when all is sent; what a server that is away has not yet accepted is refused."""
        with self._lock:
            self._is_over.set()
            self._waiting.put(None)

    def wait_idle(self, timeout_s: float) -> None:
        """Wait until the server has all that was submitted, or the time is over."""
        self._is_idle.wait(timeout_s)

    def _run(self) -> None:
        try:
            self._send_all()
        finally:
            self._is_idle.set()

    def _send_all(self) -> None:
        pending: list[Request] = []
        while True:
            if not pending:
                pending += self._wait()
            while not self._waiting.empty():
                pending += self._waiting.get() or ()
            if not pending:
                if self._is_over.is_set():
                    return
                continue
            together = _as_many_as_fit(pending[: self._at_once])
            del pending[: len(together)]
            self._sent += len(together)
            try:
                pending[:0] = self._pace(together, self._send(together))
            except BaseException as error:  # noqa: BLE001  # the edge of this thread
                _refuse(together, error)
            del together  # or the last request would be kept until the next one
            if self._is_over.is_set() and not pending and self._waiting.empty():
                return

    def _wait(self) -> list[Request]:
        """Return what is to be sent, once there is something; nothing at the end."""
        with self._lock:
            is_first = self._waiting.empty()
            if is_first:
                self._is_idle.set()
                self._at_once = FIRST_JOBS
                self._come_in_a_loop, self._sent = self._sent > 1, 0
        pending = list(self._waiting.get() or ())
        self._is_untaken = False
        if is_first and self._come_in_a_loop and len(pending) == 1:
            with suppress(queue.Empty):
                pending += self._waiting.get(timeout=MOMENT_S) or ()
        return pending

    def _pace(self, sent: Sequence[Request], held: list[Request]) -> list[Request]:
        """Wait a while if some were held back, and return them to be sent again."""
        if not held:
            self._at_once = min(MOST_JOBS, 2 * self._at_once)
            self._wait_s = FIRST_WAIT_S
            return held
        taken = len(sent) - len(held)
        self._at_once = max(1, taken)
        self._wait_s = FIRST_WAIT_S if taken else min(LONGEST_WAIT_S, 2 * self._wait_s)
        if self._is_over.wait(self._wait_s):
            _refuse(held, _closed(QuotaReached("the user has as many jobs queued as one may have")))
            return []
        return held

    def _send(self, requests: Sequence[Request]) -> list[Request]:
        """Have the server take these; return those for which there is no room yet."""
        body = self._body(requests)
        try:
            answers = self._patiently(lambda: self._http.post("/jobs", body))
        except PayloadTooLarge as error:
            if len(requests) == 1:
                requests[0].job.refuse(error)
                return []
            return [held for request in requests for held in self._send([request])]
        again: list[Request] = []
        held: list[Request] = []
        for request, answer in zip(requests, answers["jobs"], strict=True):
            if "job" in answer:
                if request.function is not None:
                    self._known_functions.add(request.function[0])
                request.job.accept(wire.record_from_wire(answer["job"]))
                continue
            problem = from_problem(answer["problem"], answer["problem"]["status"])
            function = request.function
            if isinstance(problem, FunctionNotFound) and function and not _brings(body, function):
                # The server has forgotten it.
                self._known_functions.discard(function[0])
                again.append(request)
            elif isinstance(problem, QuotaReached):
                held.append(request)  # until some of the user's jobs have begun
            else:
                request.job.refuse(problem)
        return held + self._send(again) if again else held

    def _body(self, requests: Sequence[Request]) -> dict[str, Any]:
        functions = dict(r.function for r in requests if r.function is not None)
        unknown = {d: text for d, text in functions.items() if d not in self._known_functions}
        return {"jobs": [request.body for request in requests], "functions": unknown}

    def _patiently(self, call: Callable[[], Any]) -> Any:
        wait_s = FIRST_WAIT_S
        while True:
            try:
                return call()
            except (Unavailable, NotReachable) as error:
                if self._is_over.wait(wait_s):
                    raise _closed(error) from error
                wait_s = min(LONGEST_WAIT_S, 2 * wait_s)


def _brings(body: dict[str, Any], function: tuple[str, str]) -> bool:
    return function[0] in body["functions"]


def _refuse(requests: Sequence[Request], error: BaseException) -> None:
    for request in requests:
        request.job.refuse(error)


def _as_many_as_fit(pending: Sequence[Request]) -> list[Request]:
    fit: list[Request] = []
    size = 0
    for request in pending:
        size += request.size_bytes
        if fit and size > MOST_BYTES:
            break
        fit.append(request)
    return fit


def _closed(error: Exception) -> TaskkitError:
    return Unavailable(f"the client was closed before the server had the job ({error})")

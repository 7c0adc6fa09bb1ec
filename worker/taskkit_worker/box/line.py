"""The line to the pool process, at the end of a job's own process.

A job may be interrupted at any point, in whatever it asks for. So two threads of this class do what
must not be left halfway, to read and to write, and who asks only waits for them.
"""

from __future__ import annotations

import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any, TypeVar

from taskkit.protocol import errors
from taskkit.protocol.errors import ServiceError, TaskkitError

from .frames import Frame, Told, Unframer

T = TypeVar("T")

_RECEIVED_BYTES = 2**18


class Line:
    """One a process."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._unframer = Unframer(is_trusted=True)
        self._numbers = count(1)
        self._waiting: dict[int, queue.SimpleQueue[Frame]] = {}
        self._jobs: queue.SimpleQueue[Frame] = queue.SimpleQueue()
        self._unsent: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self._sent = threading.Semaphore(0)

    def start(self) -> None:
        """Begin to read and to write."""
        for name, run in (("taskkit-hear", self._hear), ("taskkit-say", self._say)):
            threading.Thread(target=run, name=name, daemon=True).start()

    def say(self, kind: str, body: bytes | memoryview = b"", **facts: Any) -> None:
        """Say something; it is sent later."""
        self._unsent.put(Frame(kind, facts, body).pieces())

    def say_last(self, kind: str, body: bytes, **facts: Any) -> None:
        """Say something, and return when it is sent."""
        self._unsent.put((*Frame(kind, facts, body).pieces(), None))
        self._sent.acquire()

    def job(self) -> Frame:
        """Return what is to be done, when that is known."""
        return self._jobs.get()

    def ask(self, kind: str, body: bytes | memoryview = b"", **facts: Any) -> Frame:
        """Return what is answered.

        Raises:
            TaskkitError: The pool process raised it.
        """
        number = next(self._numbers)
        answers = self._waiting[number] = queue.SimpleQueue()
        try:
            self.say(kind, body, id=number, **facts)
            answer = answers.get()
        finally:
            del self._waiting[number]
        if "error" in answer.facts:
            raise _error(answer.facts["error"], answer.facts["why"])
        return answer

    def _hear(self) -> None:
        room = memoryview(bytearray(_RECEIVED_BYTES))
        while True:
            try:
                come = self._socket.recv_into(room)
            except OSError:
                come = 0
            if not come:
                os._exit(1)  # nobody wants to know any more
            _persisting(partial(self._unframer.feed, room[:come]))
            while (frame := _persisting(self._unframer.next)) is not None:
                _persisting(partial(self._take, frame))

    def _take(self, frame: Frame) -> None:
        match frame.kind:
            case Told.JOB:
                self._jobs.put(frame)
            case Told.INTERRUPT:
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            case Told.ANSWER:
                # None where it was interrupted, and does not wait any more.
                if waiting := self._waiting.get(frame.facts["id"]):
                    waiting.put(frame)

    def _say(self) -> None:
        while True:
            for piece in self._unsent.get():
                if piece is None:
                    self._sent.release()
                    continue
                try:
                    self._socket.sendall(piece)
                except OSError:
                    os._exit(1)


def _persisting(call: Callable[[], T], /) -> T:
    """Return what `call` returns, when the job has left it the memory for that."""
    while True:
        try:
            return call()
        except MemoryError:
            time.sleep(0.05)


def _error(name: str, why: str) -> TaskkitError:
    found = getattr(errors, name, None)
    if isinstance(found, type) and issubclass(found, TaskkitError):
        return found(why)
    return ServiceError(f"{name}: {why}")

"""Performs jobs in processes of their own, one each, of which the next one is always ready."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType

from taskkit.ledger import Claim, Lease
from taskkit.protocol.errors import Unavailable

from ..deaths import OutOfMemory, cause_of_death
from ..owns_blobs import OwnsBlobs
from ..performance import LostError, Performed, Source
from ..reporter import Takes
from ..usage import UsageMeter
from .box import Box, BoxError
from .bubble import Bubble
from .desk import Desk
from .frames import Frame, GarbledError, Says, Told
from .hearsay import ending

logger = logging.getLogger(__name__)

TRIES = 3
"""How many boxes are tried until one is ready."""


class Boxed:
    """See `Performs`."""

    def __init__(
        self,
        bubble: Bubble,
        folder: Path,
        *,
        user: str | None,
        reports: Takes,
        source: Source,
        blobs: OwnsBlobs,
        is_over: Callable[[Lease], bool],
    ) -> None:
        self._bubble = bubble
        self._folder = folder
        self._user = user
        self._reports = reports
        self._source = source
        self._blobs = blobs
        self._is_over = is_over
        self._out_of_memory = OutOfMemory()
        self._next: Box | None = None
        # Its own descriptors: a handler may not touch what it interrupts.
        self._woken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def prepare(self) -> None:
        """Start the process of the next job, where there is none yet."""
        if self._next is None:
            try:
                self._next = self._new()
            except OSError as error:
                logger.warning("no process for the next job: %s", error)

    def perform(self, claim: Claim) -> Performed:
        """Run the task in a process of its own; see `Performs`."""
        box = self._ready()
        try:
            return self._perform(claim, box)
        except BoxError as ended:
            struck = self._out_of_memory.has_struck()
            raise LostError(cause_of_death(str(ended), is_out_of_memory=struck)) from None
        except GarbledError as garbled:
            raise LostError(f"its process was ended: {garbled}") from None
        finally:
            box.end()

    def _perform(self, claim: Claim, box: Box) -> Performed:
        meter = UsageMeter(box.pid)
        meter.begin()
        blobs = self._blobs.of(claim.lease.ref.owner)
        desk = Desk(
            claim, reports=self._reports, source=self._source, blobs=blobs, measure=meter.measure
        )
        with closing(desk), self._interrupting(box, claim.lease) as hear:
            box.tell(_job(claim, has_blobs=blobs is not None))
            self.prepare()  # while this one runs
            while (said := hear()).kind != Says.RESULT:
                # Of one that is gone, what it has said still counts; what it has asked does not.
                if said.kind == Says.APPEND or not box.is_deaf:
                    box.tell(desk.answer(said))
            return ending(said)._replace(is_wanted=desk.is_wanted)

    def _new(self) -> Box:
        return Box(self._bubble, self._folder, user=self._user)

    def _ready(self) -> Box:
        """Return the next box, ready; one that died while it waited costs no attempt."""
        why = ""
        for _ in range(TRIES):
            box, self._next = self._next, None
            try:
                box = box or self._new()
            except OSError as error:
                why = str(error)
                continue
            try:
                box.await_ready()
            except (BoxError, GarbledError) as error:
                why = str(error)
                box.end()
                continue
            except BaseException:
                box.end()
                raise
            return box
        raise LostError(f"no process could be started for it: {why}")

    @contextmanager
    def _interrupting(self, box: Box, lease: Lease) -> Iterator[Callable[[], Frame]]:
        """Pass SIGINT on to the box within the block, where its job is over; see `interruptible`.

        Yields what returns the next thing that the box says.
        """

        def on_interrupt(_number: int, _frame: FrameType | None) -> None:
            with contextlib.suppress(BlockingIOError):
                os.write(self._wake, b"!")

        def on_wake() -> None:
            with contextlib.suppress(BlockingIOError):
                os.read(self._woken, 4096)
            with contextlib.suppress(Unavailable):
                if self._is_over(lease):
                    box.tell(Frame(Told.INTERRUPT, {}))

        def hear() -> Frame:
            frame = box.hear(wake=self._woken, on_wake=on_wake)
            assert frame is not None  # noqa: S101  # there is no limit
            return frame

        with contextlib.suppress(BlockingIOError):
            os.read(self._woken, 4096)  # meant for the one before
        signal.signal(signal.SIGINT, on_interrupt)
        try:
            yield hear
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)


def _job(claim: Claim, *, has_blobs: bool) -> Frame:
    (owner, id), token = claim.lease
    spec = claim.spec
    facts = {
        "owner": owner,
        "id": id,
        "attempt": token,
        "task": spec.task,
        "arguments": spec.arguments,
        "function": spec.function,
        "python": spec.python,
        "options": spec.options.said(),
        "after": spec.after,
        "has_blobs": has_blobs,
    }
    return Frame(Told.JOB, facts, spec.payload)

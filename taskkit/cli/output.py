"""`taskkit output`: what a job printed, and what it prints still."""

from __future__ import annotations

import queue
import sys
import threading
from typing import TYPE_CHECKING, Annotated

import typer

from . import exits
from .completion import ids
from .terminal import console

if TYPE_CHECKING:
    from ..protocol.jobs import JobRecord
    from .stream import Piece, Sink

LOOK_EVERY_S = 1.0


def output(
    id: Annotated[
        str, typer.Argument(help="The job's id, or its first digits.", autocompletion=ids())
    ],
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on as it comes, until the job is final.")
    ] = False,
) -> None:
    """Print what a job printed and logged, as far as it is kept.

    Ctrl-C leaves the job running. With --follow, the exit code says how the job ended: 0 succeeded,
    1 failed, 3 cancelled, 5 it cannot be told.
    """
    from ..client.http import Http
    from ..connection import find
    from ..protocol import wire
    from .ids import whole
    from .stream import ForFile, ForTerminal

    printer = Printer(ForTerminal() if console.is_terminal else ForFile())
    with exits.apart():
        connection = find()
        http = Http(connection)
        [known] = whole(http, [id])
        if not follow:
            told = Told()
            told.follow(wire.record_from_wire(http.get(f"/jobs/{known}")))
            printer.print(told)
            printer.end()
            return
        from .following import feed

        try:
            with feed(connection, http) as news:
                told = Told()
                news.follow(known, told)
                if told.is_waiting():
                    printer.note("the job is queued")
                while not told.is_over():
                    printer.print(told, wait_s=LOOK_EVERY_S)
                    news.look_after()
                printer.print(told)
                printer.end()
        except KeyboardInterrupt:
            printer.end()
            printer.note("the job goes on", is_new_line=console.is_terminal)
            raise typer.Exit(exits.INTERRUPTED) from None
        if told.trouble is not None:
            raise told.trouble
    printer.note(told.outcome())
    raise typer.Exit(told.code())


class Told:
    """What a job printed and nobody has read yet. It may be told from any thread."""

    def __init__(self) -> None:
        from .stream import Reader

        self.trouble: BaseException | None = None
        #: Why the job is not known any more.
        self._lock = threading.Lock()
        self._reader = Reader()
        self._record: JobRecord | None = None
        self._pieces: queue.SimpleQueue[Piece | None] = queue.SimpleQueue()

    def follow(self, record: JobRecord) -> None:
        """See `following.Follower`."""
        with self._lock:
            if self._record is None or record.seq >= self._record.seq:
                for piece in self._reader.take(record):
                    self._pieces.put(piece)
                self._record = record
        self._pieces.put(None)

    def lose(self, error: BaseException) -> None:
        """See `following.Follower`."""
        self.trouble = error
        self._pieces.put(None)

    def is_over(self) -> bool:
        """Return whether nothing more will come."""
        return self.trouble is not None or (self._record is not None and self._record.is_final)

    def is_waiting(self) -> bool:
        """Return whether it waits for a worker."""
        return self._record is not None and self._record.state == "queued"

    def outcome(self) -> str:
        """Return in words what became of it."""
        from ..panels.job_card import job_since
        from ..panels.style import LOOKS

        record = self._record
        if record is None:
            return ""
        text = f"{LOOKS[record.state].word} {job_since(record, 0)}".strip()
        return f"{text}: {record.error.summary}" if record.error is not None else text

    def code(self) -> int:
        """Return the exit code."""
        return exits.code_of([] if self._record is None else [self._record.state])

    def next(self, wait_s: float) -> Piece | None:
        """Return the next piece, None where there is none within `wait_s` or something else is new.

        Raises:
            queue.Empty: Nothing is new.
        """
        return self._pieces.get(timeout=wait_s) if wait_s else self._pieces.get_nowait()


class Printer:
    """Writes output to stdout, and what is to be said of it to stderr."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._is_at_margin = True

    def print(self, told: Told, wait_s: float = 0.0) -> None:
        """Write what has come; the first is waited for."""
        try:
            while True:
                piece = told.next(wait_s)
                wait_s = 0.0
                if piece is not None and piece.is_note:
                    self.note(piece.text)
                elif piece is not None:
                    self._write(self._sink.take(piece.text))
        except queue.Empty:
            return
        finally:
            sys.stdout.flush()

    def note(self, text: str, *, is_new_line: bool = False) -> None:
        """Say something, on a line of its own; `is_new_line` where the user's ^C stands there."""
        from .lines import clean

        if is_new_line or not self._is_at_margin:
            self._write("\n")
        sys.stdout.flush()
        typer.secho(f"· {clean(text)}", err=True, dim=True)

    def end(self) -> None:
        """Write what was held back, and end its line."""
        self._write(self._sink.rest())
        if not self._is_at_margin:
            self._write("\n")
        sys.stdout.flush()

    def _write(self, text: str) -> None:
        if text:
            sys.stdout.write(text)
            self._is_at_margin = text.removesuffix("\x1b[0m").endswith("\n") or (
                self._is_at_margin and text == "\x1b[0m"
            )

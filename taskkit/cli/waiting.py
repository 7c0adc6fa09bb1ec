"""Jobs that a command waits for: a line for each that is final, and in a terminal those left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import typer
from rich.console import Group
from rich.live import Live
from rich.text import Text

from ..panels.figures import SPACE, duration, percent, time_left
from ..panels.job_card import job_fraction, job_pace
from ..panels.pace import Pace
from ..protocol.jobs import JobRecord, JobState
from . import exits
from .ids import short
from .lines import COLOURS, bar, clean, show
from .outcome import line
from .terminal import console

MOST_DRAWN = 8
BAR_WIDTH = 16

ALL_BUT_NAME = 62
"""How many columns a running job's line has beside its name."""


class Awaited:
    """Some jobs and how they stand. Drawn in the thread that waits; told from any."""

    def __init__(self, connection: Callable[[], str]) -> None:
        self._connection = connection
        self._jobs: list[One] = []
        self._news = threading.Event()
        self._live = Live(console=console, transient=True, auto_refresh=False)

    def __enter__(self) -> Self:
        if console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()
        self._tell()
        if isinstance(error, KeyboardInterrupt):
            many = sum(not job.is_over for job in self._jobs) > 1
            typer.secho(f"· {'the jobs go' if many else 'the job goes'} on", err=True, dim=True)
            raise typer.Exit(exits.INTERRUPTED) from None

    def one(self, id: str) -> One:
        """Return who follows one more job."""
        self._jobs.append(One(id, self._news))
        return self._jobs[-1]

    def are_over(self) -> bool:
        """Return whether all are final, or not known any more."""
        return all(job.is_over for job in self._jobs)

    def states(self) -> list[str]:
        """Return how each stands."""
        return [str(job.record.state) for job in self._jobs if job.record is not None]

    def require(self) -> None:
        """Return if all are known still.

        Raises:
            JobNotFound: The server does not know one any more.
        """
        for job in self._jobs:
            if job.trouble is not None:
                raise job.trouble

    def draw(self, within_s: float) -> None:
        """Wait for news so long at most, then show how things stand."""
        self._news.wait(within_s)
        self._news.clear()
        self._tell()
        if console.is_terminal:
            now_ms = time.time_ns() // 1_000_000
            left = [job.drawn(now_ms) for job in self._jobs if not job.is_over]
            shown = left[:MOST_DRAWN]
            if len(left) > MOST_DRAWN:
                shown.append(Text(f"  and {len(left) - MOST_DRAWN} more", style="dim"))
            if trouble := self._connection():
                shown.append(Text(f"  {trouble}", style="yellow"))
            self._live.update(Group(*shown), refresh=True)

    def _tell(self) -> None:
        for job in self._jobs:
            if job.is_over and not job.is_told and job.record is not None:
                job.is_told = True
                show([line(job.record)])


class One:
    """One of them."""

    def __init__(self, id: str, news: threading.Event) -> None:
        self.id = id
        self.record: JobRecord | None = None
        self.trouble: BaseException | None = None
        self.is_told = False
        self._news = news
        self._lock = threading.Lock()
        self._pace: Pace | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be told of it."""
        return self.trouble is not None or (self.record is not None and self.record.is_final)

    def follow(self, record: JobRecord) -> None:
        """See `following.Follower`."""
        with self._lock:
            if self.record is None or record.seq >= self.record.seq:
                self.record = record
        if record.is_final:
            self._news.set()

    def lose(self, error: BaseException) -> None:
        """See `following.Follower`."""
        self.trouble = error
        self._news.set()

    def drawn(self, now_ms: int) -> Text:
        """Return how it stands, in a line that fits."""
        if self.record is None:
            return Text(f"  {short(self.id)}", style="dim")
        self._pace = job_pace(self._pace, self.record, now_ms)
        text = running_line(self.record, self._pace, now_ms, width=console.width - 1)
        text.truncate(console.width - 1, overflow="ellipsis")
        return text


def running_line(record: JobRecord, pace: Pace | None, now_ms: int, width: int) -> Text:
    """Return a job that is not final: id, name, bar, percent, how long, how long still."""
    name_width = max(8, min(40, width - ALL_BUT_NAME))
    name = Text(clean(record.title, 200))
    name.truncate(name_width, overflow="ellipsis", pad=True)
    text = Text.assemble((f"  {short(record.id)}  ", "dim"), name, "  ")
    if record.state is JobState.QUEUED or record.started_at is None:
        return text.append("queued", style=COLOURS[JobState.QUEUED])
    fraction = job_fraction(record)
    text.append_text(bar(fraction, BAR_WIDTH, COLOURS[record.state]))
    told = "" if fraction is None else percent(fraction)
    text.append(f" {told:>5}  {duration(now_ms - record.started_at):>10}".replace(SPACE, " "))
    left_ms = pace.left_ms(now_ms) if pace else None
    if left_ms is not None:
        told = time_left(left_ms).replace(SPACE, " ").replace("about ", "~")
        text.append(f"  {told}", style="dim")
    return text

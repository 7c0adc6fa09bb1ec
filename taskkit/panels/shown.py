"""What a panel needs from the thing that it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from ..protocol.jobs import Figure, JobRecord


class Shown(Protocol):
    """A job or a batch, as a panel sees it: records, and nothing else."""

    @property
    def title(self) -> str:
        """The task's name, or the batch's."""

    def records(self) -> Sequence[JobRecord]:
        """Return a snapshot: one record of a job, a fixed number of a batch. Any thread, cheap."""

    def content(self, figure: Figure, *, wait_s: float = 0.0) -> bytes | None:
        """Return what a figure is: empty where it is not to be had, None where it is not here yet.

        It is waited for `wait_s` seconds at most; who watches is called when it comes later.
        """

    def card_html(self, *, wait_s: float = 0.0) -> str | None:
        """Return how a final job came about, folded: "" where that is not to be had, or of a batch;
        None where it comes. It is waited for as by `content`.
        """

    def connection(self) -> str:
        """Return "" while all is well, else what is wrong, e.g. ``reconnecting for 12 s``."""

    def cancel(self) -> object:
        """Cancel what is active. May block for an HTTP request."""

    def retry(self) -> Shown:
        """Submit again what failed or was cancelled; return what to show now. May block, too."""

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Have `changed` called after any change, in the client's thread; return how to stop."""

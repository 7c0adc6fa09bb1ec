"""What a job needs of its client."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from ..protocol.jobs import JobRecord
from .cards import Cards
from .displayed import Contents
from .shares import Expires, Share

if TYPE_CHECKING:
    from .job import Job


class Service(Protocol):
    """Asked by jobs, from any thread."""

    contents: Contents
    #: What jobs display.
    cards: Cards
    #: How they came about.

    def settle(self, job: Job[Any], record: JobRecord) -> None:
        """Bring a final job's outcome, and call `conclude`."""

    def refresh(self, job_id: str) -> None:
        """Ask the server for the job's record.

        Raises:
            Unauthorized: The token is not valid any more.
        """

    def cancel_job(self, job_id: str, *, dependents: bool) -> JobRecord:
        """Have the job cancelled, and those that wait for it if asked; return its record then."""

    def retry_job(self, job_id: str, key: str) -> Job[Any]:
        """Have a job that failed or was cancelled submitted again, once a key; return that one."""

    def share(self, ids: Sequence[str], expires: Expires, note: str) -> Share:
        """Make a link to some jobs."""

    def call_back(self, call: Callable[[], object]) -> None:
        """Have users' callbacks called, in a thread of their own."""

    def connection(self) -> str:
        """Return "" while news arrive, else what is being done about it."""
